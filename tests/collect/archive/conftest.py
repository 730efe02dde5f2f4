"""Responses, and an archive with an index."""

from datetime import UTC, datetime
from hashlib import sha256

import httpx
import pytest

from pipeline.collect.archive import Archive, shelf_of
from pipeline.collect.fetch import Response
from pipeline.store.captures import Captured, keep_captures

NOW = datetime(2009, 9, 19, 8, tzinfo=UTC)


def make_response(body, raw=None, **headers):
    named = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Response("http://a.example/1", 200, named, body, raw or body, NOW, 0.1)


def put(archive, session, number, *, index=True, monitor="test", source="letters"):
    """A response in the archive, and (unless ``index`` is false) its row."""
    address, body = f"http://a.example/{number}", f"the words of number {number} ".encode() * 40
    place = archive.write(address, make_response(body))
    if index:
        row = Captured(
            address, NOW, 200, "text/html", sha256(body).hexdigest(), len(body), place.file, place.offset, None
        )
        keep_captures(session, monitor, source, [row])
        session.commit()
    return place


@pytest.fixture
def response():
    return make_response


@pytest.fixture
def stored():
    return put


@pytest.fixture
def letters():
    """An archive of one run of one source."""

    def make(settings, **options):
        return Archive(shelf_of(settings), "test", "letters", **options)

    return make
