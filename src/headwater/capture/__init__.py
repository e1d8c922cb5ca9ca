"""headwater.capture."""
