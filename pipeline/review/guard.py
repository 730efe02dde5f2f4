"""What a browser may do with the answers, and which requests are refused before anybody looks at them.

Among them those with a large body: it is read and parsed before it is known who sends it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.review.access import SAFE_METHODS

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "frame-src 'self'; frame-ancestors 'self'; form-action 'self'; base-uri 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MOST_SENT = 1_000_000
"""bytes of a request's body; the longest that our own pages send, a coding with its note, has a tenth of them"""
_TOO_LARGE = (
    f"What was sent is larger than {MOST_SENT:,} bytes, so it was not read and nothing was changed; send less. Codings "
    "of many texts come in as a file: `riftwatch codings import`."
)
_REFUSED = "This request comes from another site, or from a program that sends no Bearer token; nothing was changed."


def set_headers(headers: MutableHeaders) -> None:
    """The headers of every answer. A stricter policy that a route has set stays."""
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("Cache-Control", "no-store")
    for name, value in HEADERS.items():
        headers[name] = value


def is_our_own(headers: Headers) -> bool:
    """Whether a request that would change something comes from our own pages or carries a token of its own.

    A cookie is sent with whatever another site makes a browser send, a Bearer token is not. Browsers say where a
    request comes from: in ``Sec-Fetch-Site`` on https and loopback, in ``Origin`` everywhere.
    """
    if headers.get("authorization", "").lower().startswith("bearer "):
        return True
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def bounded(receive: Receive, headers: Headers) -> Receive:
    """The same body, given up with 413 as soon as it is known to be too large: by what it says of itself, or counted.

    The error passes through the application, which tells it in words like any other.
    """
    length = headers.get("content-length", "")
    declared, read = int(length) if length.isdecimal() else 0, 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if max(declared, read) > MOST_SENT:
                raise HTTPException(413, _TOO_LARGE)
        return message

    return counted


class Guard:
    """Sets the headers on every response and refuses what another site could make a browser do, and large bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                set_headers(MutableHeaders(scope=message))
            await send(message)

        if scope["method"] == "HEAD":
            # routes know GET only; of an answer to HEAD the server sends no body
            scope = {**scope, "method": "GET"}
        elif scope["method"] not in SAFE_METHODS and not is_our_own(Headers(scope=scope)):
            await PlainTextResponse(_REFUSED, status_code=403)(scope, receive, with_headers)
            return
        await self.app(scope, bounded(receive, Headers(scope=scope)), with_headers)
