"""The pages of the site, for every test that looks at all of them.

Knows the addresses; ``test_pages`` holds them against ``rooms.urls``.
"""

PAGES = {
    "lobby": ["/"],
    "chat": ["/chat/?room=사랑방", "/chat/?id=1", "/chat/?room=%00"],
    "privacy": ["/privacy/"],
}
"""The addresses to look at, by the name in ``rooms.urls``: a page with each kind of answer it can give."""
NO_PAGES = {"random", "manifest", "set_language", "javascript-catalog"}
"""The names of what is no page to look at: it leads elsewhere, or is read by programs."""
ADDRESSES = [address for addresses in PAGES.values() for address in addresses] + ["/nothing/"]
"""Everything to look at, and one address where nothing is."""
