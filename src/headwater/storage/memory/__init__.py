"""The store in memory."""

from headwater.storage.memory.store import MemoryStore

__all__ = ["MemoryStore"]
