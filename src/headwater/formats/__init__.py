"""How lineage looks on the wire: OpenLineage and its facets, the flat record, Marquez's API, graphs for export."""
