"""headwater.model."""
