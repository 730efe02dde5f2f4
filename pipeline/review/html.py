"""Templates: one environment that always escapes, and links that work beneath any prefix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.review import words

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    number=words.number,
    share=words.share,
    interval=words.interval,
    moment=words.moment,
    day=words.day,
    cell=words.cell,
    direction=words.direction,
    language_tag=words.language_tag,
)


def way_up(path: str) -> str:
    """From the page at ``path`` (below the application's own prefix) up to the overview, as a relative address.

    Airflow may live beneath a prefix that only the proxy in front of it knows, so pages never name it.
    """
    if not path.startswith("/ui/"):
        return "../" * (path.count("/") - 1) + "ui/"
    return "../" * (path.count("/") - 2) or "./"


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A rendered page. Everything in ``context`` is escaped unless it is Markup."""
    below = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    html = _environment.get_template(template).render(root=way_up(below), **context)
    return HTMLResponse(html, status_code=status)
