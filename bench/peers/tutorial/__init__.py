"""The chat of Channels' tutorial, to measure against; nothing of Sarangbang is in it."""
