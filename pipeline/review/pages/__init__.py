"""One module per page: its addresses, and what its template is given. Every page reads a bounded piece of the store."""

from __future__ import annotations

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """The addresses of all pages."""
    from pipeline.review.pages import assets, document, dyad, label, models, overview, runs, sources, texts, trends

    return [one.router for one in (assets, overview, dyad, trends, texts, document, sources, label, models, runs)]
