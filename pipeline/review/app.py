"""The application: its pages, its API, and what it says when something fails."""

from __future__ import annotations

import gc
import logging
from http import HTTPStatus

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from pipeline.review import api, pages
from pipeline.review.access import admit
from pipeline.review.asked import refuse_nul
from pipeline.review.guard import Guard, set_headers
from pipeline.review.html import page, path_below
from pipeline.settings import Settings
from pipeline.store.session import StoreError

log = logging.getLogger(__name__)

_TITLES = {401: "Not logged in", 403: "Not allowed", 413: "Too large", 422: "Not understood"}
"""where the status' own name is no plain English"""
_WORDS = {
    401: "Nobody is logged in, or the session has ended. Log in to Airflow, then open Riftwatch again.",
    403: "This account may not do this. Ask whoever runs Airflow for the right.",
    404: "There is no such page. Start from the overview.",
    405: "This address can't be used in this way.",
    422: "The address of this page holds a value that can't be read. Start from the overview.",
}


def _failed(request: Request, status: int, said: str) -> Response:
    """The failure in words: as a page, below ``/api`` as JSON."""
    if path_below(request).startswith("/api/"):
        return JSONResponse({"detail": said}, status)
    title = _TITLES.get(status) or HTTPStatus(status).phrase.capitalize()
    return page(request, "error.html", status=status, title=title, said=said, code=status)


def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError(f"not an HTTP error: {error!r}")
    said = str(error.detail)
    # Starlette and Airflow answer with a bare phrase; our own routes with a sentence, which is kept
    if error.status_code == 401 or said in (HTTPStatus(error.status_code).phrase, "Forbidden", "Invalid JWT token"):
        said = _WORDS.get(error.status_code, said)
    answer = _failed(request, error.status_code, said)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


def _on_bad_value(request: Request, error: Exception) -> Response:
    if path_below(request).startswith("/api/") and isinstance(error, RequestValidationError):
        wrong = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        return JSONResponse({"detail": "; ".join(wrong)}, 422)
    return _failed(request, 422, _WORDS[422])


def _on_no_store(request: Request, error: Exception) -> Response:
    log.error("Riftwatch's database can't be used", exc_info=error)
    said = (
        str(error) if isinstance(error, StoreError) else "Riftwatch's database does not answer; try again in a minute."
    )
    return _failed(request, 503, said)


def _on_fault(request: Request, error: Exception) -> Response:
    """A fault of the program. Starlette answers it outside of the guard, so the headers are set here."""
    said = "Something went wrong while this page was made. The log of Airflow's server says what."
    answer = _failed(request, 500, said)
    set_headers(answer.headers)
    return answer


def create_app(settings: Settings) -> FastAPI:
    """The pages and the API beneath them, as an application for Airflow's api-server to mount.

    :func:`pipeline.review.access.admit` stands on the application: anonymous 401, without the right 403, and whatever
    changes something needs the right to write. A route that is added later is protected without being told.
    """
    app = FastAPI(
        title="Riftwatch",
        version="1",
        description="What the pages show, as JSON. Log in as for Airflow's own API: a Bearer token, or the cookie.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(admit), Depends(refuse_nul)],
    )
    app.state.settings = settings
    app.add_middleware(Guard)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_bad_value)
    app.add_exception_handler(StoreError, _on_no_store)
    app.add_exception_handler(OperationalError, _on_no_store)
    app.add_exception_handler(Exception, _on_fault)
    for router in pages.routers():
        app.include_router(router, include_in_schema=False)
    for router in api.routers():
        app.include_router(router, responses=api.PROBLEMS)
    _leave_what_stays_to_itself()
    return app


def _leave_what_stays_to_itself() -> None:
    """Take what is loaded by now out of the garbage collector's rounds.

    Airflow's server holds about a million objects that live as long as it does. A full collection walks over all of
    them, .4 s each time, and falls upon whoever asks for a page with many rows; without them it takes milliseconds.
    """
    gc.collect()
    gc.freeze()
