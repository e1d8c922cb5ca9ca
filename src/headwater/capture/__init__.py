"""Seeing what a program does, and sending it as OpenLineage events. Storage, queries and server never import it."""
