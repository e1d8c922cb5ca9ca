"""The service: lineage over HTTP for many tenants, in the dialects of OpenLineage and Marquez and in its own."""
