"""How an archived copy is served: inert, under a policy of its own, and never as what its site said it is."""

from __future__ import annotations

from fastapi import Response

from pipeline.collect.archive.inert import Inert
from pipeline.review.asked import download

POLICY = "sandbox; default-src 'none'; frame-ancestors 'self'; form-action 'none'; base-uri 'none'"
"""An origin of its own, no script, no form, nothing loaded, not even a style; only our own pages may frame it."""
MOST_BYTES = 50_000_000
"""a larger response is not handed out"""
_HEADERS = {"Content-Security-Policy": POLICY, "X-DNS-Prefetch-Control": "off", "X-Robots-Tag": "noindex"}


def shown_copy(copy: Inert) -> Response:
    """The copy, to be looked at; in UTF-8, whatever its site wrote in."""
    return Response(copy.content, media_type=f"{copy.media_type}; charset=utf-8", headers=_HEADERS)


def saved_copy(body: bytes, document: int) -> Response:
    """The bytes as they came, to be saved: no browser opens them."""
    answer = download(body, "application/octet-stream", f"text-{document}.bin")
    answer.headers.update(_HEADERS)
    return answer
