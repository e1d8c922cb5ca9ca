"""headwater.storage.sqlite."""
