"""headwater.sql."""
