"""Templates: one environment that always escapes, and links that work beneath any prefix."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.review import words


def _time(stamp: str, said: str) -> Markup:
    """A time as an element that ``times.js`` shows in the reader's zone; in UTC without it, and on hover."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, said, said)


def _moment(value: datetime | None) -> str | Markup:
    """A time alone."""
    if value is None:
        return words.NOTHING
    return _time(f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", words.moment(value))


_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d UTC)")


def _told(sentence: str) -> Markup:
    """A sentence of ours, escaped; the moments in it, as :func:`words.moment` writes them, as elements like a time."""
    parts = _MOMENT.split(sentence)  # by turns what stands between moments, and a moment
    return Markup("").join(
        _time(f"{part[:10]}T{part[11:16]}:00Z", part) if place % 2 else part for place, part in enumerate(parts)
    )


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
    moment=_moment,
    told=_told,
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


def path_below(request: Request) -> str:
    """The path of a request below the application's own prefix."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A rendered page. Everything in ``context`` is escaped unless it is Markup.

    Every template also has ``root`` (up to the overview), ``may_write`` and ``user``.
    """
    known = {"may_write": getattr(request.state, "may_write", False), "user": getattr(request.state, "user", None)}
    html = _environment.get_template(template).render(root=way_up(path_below(request)), **known, **context)
    return HTMLResponse(html, status_code=status)
