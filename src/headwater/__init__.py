"""Headwater: end-to-end data lineage for AI/ML."""
