"""headwater.storage.memory."""
