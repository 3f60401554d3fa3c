"""The live store: who is in which room, and what was said a moment ago."""
