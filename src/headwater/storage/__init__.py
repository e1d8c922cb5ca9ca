"""Keeping lineage: the ``Store`` contract, what events mean (``projection``), walks (``index``), and the backends."""
