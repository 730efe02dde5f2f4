"""The application: who may see it, what a browser may do with it, and what it says when something fails."""

from __future__ import annotations

import logging
from http import HTTPStatus

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.review.html import page
from pipeline.review.routes import router
from pipeline.settings import Settings
from pipeline.store.session import StoreError

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "frame-ancestors 'self'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SAFE_METHODS = {"GET", "HEAD"}


class Guard:
    """Sets the headers on every response and refuses every method that could change something."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["method"] not in SAFE_METHODS:
            refusal = Response(
                "These pages only read; send GET.",
                status_code=405,
                media_type="text/plain",
                headers={"Allow": "GET, HEAD"},
            )
            await refusal(scope, receive, with_headers)
            return
        # routes know GET only; of an answer to HEAD the server sends no body
        await self.app({**scope, "method": "GET"}, receive, with_headers)


_WORDS = {
    401: "Nobody is logged in, or the session has ended. Log in to Airflow, then open Riftwatch again.",
    403: "This account may not see these pages. Ask whoever runs Airflow for the role of a viewer.",
    404: "There is no such page. Start from the overview.",
    422: "The address of this page holds a value that can't be read. Start from the overview.",
}


def _failed(request: Request, status: int, said: str) -> Response:
    title = HTTPStatus(status).phrase.capitalize()
    return page(request, "error.html", status=status, title=title, said=said, code=status)


def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError(f"not an HTTP error: {error!r}")
    said = str(error.detail)
    # Starlette and Airflow answer with a bare phrase; our own routes with a sentence, which is kept
    if error.status_code in (401, 403) or said == HTTPStatus(error.status_code).phrase:
        said = _WORDS.get(error.status_code, said)
    return _failed(request, error.status_code, said)


def _on_bad_value(request: Request, error: Exception) -> Response:
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
    answer.headers.update(HEADERS | {"Cache-Control": "no-store"})
    return answer


def create_app(settings: Settings) -> FastAPI:
    """The pages as an application for Airflow's api-server to mount.

    Every route depends on Airflow's own check (logged in, may view the web site): anonymous 401, without the right
    403. The dependency stands on the application, so a route that is added later is protected without being told.
    """
    app = FastAPI(
        title="Riftwatch",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(requires_access_view(AccessView.WEBSITE))],
    )
    app.state.settings = settings
    app.add_middleware(Guard)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_bad_value)
    app.add_exception_handler(StoreError, _on_no_store)
    app.add_exception_handler(OperationalError, _on_no_store)
    app.add_exception_handler(Exception, _on_fault)
    app.include_router(router)
    return app
