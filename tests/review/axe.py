"""What axe-core finds wrong on a page that is open in a browser (WCAG 2.2, levels A and AA)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def _told(violation: dict) -> str:
    where = "; ".join(f"{node['target']}: {node['html'][:160]}" for node in violation["nodes"][:3])
    return f"{violation['id']} ({violation['help']}) at {where}"


def violations(seen: Page | Frame) -> list[str]:
    """A sentence for each rule that is broken; empty where none is. Of a page it sees nothing within its frames."""
    options = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}}
    return [_told(one) for one in Axe().run(seen, options=options).response["violations"]]
