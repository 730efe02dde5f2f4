"""The API's own description, behind the login like everything else."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

router = APIRouter(prefix="/api")


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> dict[str, Any]:
    """The OpenAPI document of every address below ``/api``."""
    described: dict[str, Any] = request.app.openapi()
    # relative to this document: Airflow may live beneath a prefix that only its proxy knows
    return described | {"servers": [{"url": ".."}]}
