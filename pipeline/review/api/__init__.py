"""The JSON API beneath the pages: one module per subject, typed, described by ``/rift/api/openapi.json``."""

from __future__ import annotations

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """The addresses of the API."""
    from pipeline.review.api import monitors, schema

    return [one.router for one in (schema, monitors)]
