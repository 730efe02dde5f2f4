"""The way in, and the files of the package that pages use."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.exceptions import HTTPException

router = APIRouter()

_FOLDER = Path(__file__).parent.parent / "static"
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
STATIC = {file.name: _KINDS[file.suffix] for file in sorted(_FOLDER.iterdir()) if file.suffix in _KINDS}
"""File name -> media type of everything that may be asked for."""


@router.get("/")
@router.get("/ui")
def to_overview() -> Response:
    """Lead to the overview; relative, because only the browser knows the whole address."""
    return RedirectResponse("ui/")


@router.get("/ui/static/{name}")
def static(name: str) -> Response:
    """A file of the package. Names are looked up in a list, so no path can be made of them."""
    if name not in STATIC:
        raise HTTPException(404, "There is no such file.")
    headers = {"Cache-Control": "private, max-age=300"}
    return FileResponse(_FOLDER / name, media_type=STATIC[name], headers=headers)
