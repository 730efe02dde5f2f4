"""One real address on the filled store for every page, for the tests that look at all of them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.review.filling_models import NEW

DYAD = "m/harbour/dyads/heron/maple"
CELL = "group=heron&start=2025-01-01&end=2025-04-01"


def pages(ids: Mapping[str, int]) -> dict[str, str]:
    """Name of a page -> its address below ``/rift/ui/``."""
    return {
        "overview": "",
        "dyad": DYAD,
        "dyad-week": f"{DYAD}?period=week",
        "dyad-published": f"{DYAD}?series=vintage",
        "dyad-panel": f"{DYAD}?sources=panel",
        "dyad-refused": f"{DYAD}?since=2025-02-01&until=2025-01-01",
        "dyad-smoothed": f"{DYAD}?smoothed=true",
        "dyad-explained": f"{DYAD}/explain?period=2025-Q1",
        "trends": "m/harbour/trends",
        "trends-refused": "m/harbour/trends?from=spring",
        "trends-of-dyads": "m/harbour/trends?table=dyads",
        "texts": "m/harbour/texts",
        "texts-of-a-cell": f"m/harbour/texts?{CELL}",
        "texts-search": "m/harbour/texts?q=river+-letter",
        "texts-refused": "m/harbour/texts?q=river&start=2025-02-01&end=2025-01-01",
        "texts-problem": "m/harbour/texts?q=-river",
        "document": f"m/harbour/documents/{ids['heron-en']}",
        "document-weights": f"m/harbour/documents/{ids['heron-en']}?view=weights&copy=1",
        "document-rtl": f"m/harbour/documents/{ids['heron-ar']}",
        "label": "m/harbour/label",
        "settle": "m/harbour/label/settle",
        "models": "m/harbour/models",
        "model": f"m/harbour/models/{NEW}",
        "sources": "m/harbour/sources",
        "source": "m/harbour/sources/heron-news",
        "new-source": "m/harbour/new-source",
        "runs": "m/harbour/runs",
        "error": "m/harbour/no-such-page",
    }
