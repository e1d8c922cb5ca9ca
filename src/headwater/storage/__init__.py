"""Stores lineage: the ``Store`` contract, the projection of events, the graph index, and the backends."""
