"""headwater.testing."""
