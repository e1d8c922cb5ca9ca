"""headwater.query."""
