"""The live stream of changes."""
