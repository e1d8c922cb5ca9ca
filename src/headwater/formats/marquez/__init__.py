"""The documents of Marquez's REST API, version 1: what its Python client and its web pages read and send."""
