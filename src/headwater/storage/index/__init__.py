"""headwater.storage.index."""
