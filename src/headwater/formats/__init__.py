"""headwater.formats."""
