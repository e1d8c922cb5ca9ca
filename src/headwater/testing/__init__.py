"""Public helpers for tests: event builders (``events``) and the store conformance suite (``store_suite``)."""
