"""The icons of the installed program, drawn from icon.svg: ``python -m tests.icons``. Its output is committed."""

from playwright.sync_api import Browser, sync_playwright

from tests.browser_support import launch
from tests.servers import ROOT

FOLDER = ROOT / "rooms/static/rooms"
GROUND = "#2f6b57"
# File, size, and how much of it the drawing takes. A phone cuts a maskable icon into its own shape, and the home
# screen's of an iPhone has no transparent corners: both get the ground to their edges.
ICONS = [
    ("icon-180.png", 180, 0.84, True),
    ("icon-192.png", 192, 1.0, False),
    ("icon-512.png", 512, 1.0, False),
    ("icon-maskable-512.png", 512, 0.74, True),
]


def draw(browser: Browser, name: str, size: int, share: float, filled: bool) -> None:
    """One icon."""
    page = browser.new_page(viewport={"width": size, "height": size})
    svg = (FOLDER / "icon.svg").read_text().replace("<svg ", f'<svg width="{size * share}" height="{size * share}" ')
    ground = f"background:{GROUND}" if filled else "background:transparent"
    page.set_content(f'<body style="margin:0;height:100vh;display:grid;place-items:center;{ground}">{svg}')
    page.screenshot(path=FOLDER / name, omit_background=True)
    page.close()


def main() -> None:
    """All icons."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for icon in ICONS:
            draw(browser, *icon)
        browser.close()


if __name__ == "__main__":
    main()
