"""The parts of the store conformance suite, by subject; ``headwater.testing.store_suite`` puts them together."""
