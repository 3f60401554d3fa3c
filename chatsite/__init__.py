"""The site around the rooms: settings, addresses and the server."""

__version__ = "1.5.0"
"""The program's version. The newest entry of CHANGELOG.md has the same."""
