"""The JSON API beneath the pages: one module per subject, typed, described by ``/rift/api/openapi.json``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str = Field(description="in words: what is wrong, where, and what to do")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Nobody is logged in, or the session has ended"},
    403: {"model": Problem, "description": "The account has not the right, or another site has made the request"},
    404: {"model": Problem, "description": "What is asked for is not there"},
    413: {"model": Problem, "description": "What was sent is larger than a million bytes"},
    422: {"model": Problem, "description": "A value can't be read, or is refused"},
    503: {"model": Problem, "description": "The database does not answer"},
}
"""What every address may answer in place of what is asked for."""


def routers() -> list[APIRouter]:
    """The addresses of the API."""
    from pipeline.review.api import dyads, label, models, monitors, overview, runs, schema, sources, texts, trends

    return [one.router for one in (schema, monitors, label, models, dyads, overview, runs, trends, texts, sources)]
