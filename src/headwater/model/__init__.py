"""What lineage is: names, ids, events, fingerprints and the graph, as plain data without input or output."""
