"""One request, one response, within limits of time and size. Follows nothing, retries nothing."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

import httpcore
import httpx

from pipeline.collect.failure import DAY, Failure, failure_of
from pipeline.collect.guard import Guard, GuardedBackend, place_of
from pipeline.collect.inflate import ACCEPTED, Inflater
from pipeline.settings import Settings

_Headers = list[tuple[bytes | str, bytes | str]]

REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED = 304
KEPT_OPEN = 5.0
"""seconds an idle connection is kept"""
MOST_OPEN = 10
"""connections of one thread: its host, and the hosts it is redirected to"""


@dataclass(frozen=True)
class Response:
    """What a server answered."""

    address: str
    """the address that was asked last, after redirects"""
    status: int
    headers: httpx.Headers
    body: bytes
    """unpacked"""
    raw: bytes
    """as it came over the wire; the same object where nothing was packed"""
    fetched_at: datetime
    elapsed: float
    """seconds from the request to the last byte"""

    @property
    def content_type(self) -> str | None:
        return str(self.headers["content-type"]) if "content-type" in self.headers else None

    @property
    def not_modified(self) -> bool:
        """Whether the server said that nothing has changed since the response whose ETag or date was sent along."""
        return self.status == NOT_MODIFIED

    @property
    def location(self) -> str | None:
        """Where a redirect leads; null when it is none."""
        return str(self.headers["location"]) if self.status in REDIRECTS and "location" in self.headers else None


class Disconnected(Failure):
    """The server closed a connection that was open since an earlier request, just as this one came: ask again."""


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait a Retry-After header asks for (seconds or a date), at most a day; null when it says nothing."""
    if not value:
        return None
    try:
        wait = timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        try:
            until = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), DAY)


def _conditions(etag: str | None, last_modified: str | None) -> _Headers:
    """The headers of a conditional GET. What can't stand in a header is left out: then the whole body comes."""
    sent = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return [(name, value) for name, value in sent.items() if value and value.isascii() and value.isprintable()]


_one_at_a_time = threading.Lock()


@lru_cache(maxsize=1)
def _made_tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _tls() -> ssl.SSLContext:
    # made once, also where many threads begin at the same time: reading the certificates takes tens of milliseconds
    with _one_at_a_time:
        return _made_tls()


def _pool(backend: GuardedBackend, proxy: str | None) -> httpcore.ConnectionPool:
    if proxy is not None:
        return httpcore.HTTPProxy(
            proxy, ssl_context=_tls(), keepalive_expiry=KEPT_OPEN, network_backend=backend, max_connections=MOST_OPEN
        )
    return httpcore.ConnectionPool(
        ssl_context=_tls(), keepalive_expiry=KEPT_OPEN, network_backend=backend, max_connections=MOST_OPEN
    )


def _url(address: str) -> httpcore.URL:
    """An address as it is sent: host in ASCII, path and query with their escapes."""
    url = httpx.URL(address)
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _bytes_behind(answer: httpcore.Response) -> bytes:
    """What the server sent behind the end it had announced. To be asked between the last chunk and the closing."""
    # httpcore has no public way to ask; a test notices when this one changes
    h11 = answer.stream._stream._connection._h11_state  # type: ignore[union-attr]
    return bytes(h11.trailing_data[0])


class Fetcher:
    """Makes the requests of one thread. Keeps connections open, keeps no cookies."""

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._settings, self._guard = settings, guard
        # a body may double on its way (chunks, headers); what takes more is an attack
        wire = 2 * settings.max_body_bytes + 1_000_000
        self._backend = GuardedBackend(guard, max_bytes=wire, to_proxy=settings.proxy is not None)
        self._pool = _pool(self._backend, settings.proxy)
        self._headers: _Headers = [
            ("User-Agent", settings.agent.encode()),
            ("Accept", "*/*"),
            ("Accept-Encoding", ACCEPTED),
        ]

    def close(self) -> None:
        self._pool.close()

    def get(
        self, address: str, *, etag: str | None = None, last_modified: str | None = None, enough: int | None = None
    ) -> Response:
        """The response to one GET: 2xx or a redirect. Raises :class:`Failure` for all else.

        ``enough``: stop after so many bytes of the body; the response may then be longer or shorter than the whole.
        ``etag``, ``last_modified``: the headers ETag and Last-Modified of an earlier response, as they came. With them
        the answer may also be a 304 without a body.
        """
        place = place_of(address)
        began = time.monotonic()
        self._backend.begin(began + self._settings.request_seconds)
        try:
            if self._settings.proxy is not None:
                # the proxy connects, so this can't bind it; without one the backend checks what it connects to
                self._guard.resolve(place.host, place.port)
            return self._exchange(address, _conditions(etag, last_modified), enough, began)
        except httpcore.TimeoutException:
            raise Failure("temporary", f"no full response within {self._settings.request_seconds:g} s") from None
        except (httpcore.NetworkError, httpcore.ProxyError, httpcore.ProtocolError) as error:
            kind = Disconnected if self._backend.stale else Failure
            if isinstance(error, httpcore.ProtocolError):
                raise kind("temporary", f"the server does not speak HTTP ({error})") from None
            raise kind("temporary", _no_connection(error)) from None
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol, UnicodeError) as error:
            raise Failure("hard", f"refused: no address ({error})") from None

    def _exchange(self, address: str, conditions: _Headers, enough: int | None, began: float) -> Response:
        fetched_at = datetime.now(UTC)
        with self._pool.stream("GET", _url(address), headers=self._headers + conditions) as answer:
            status, headers = answer.status, httpx.Headers(answer.headers)
            redirects = status in REDIRECTS and "location" in headers
            unchanged = status == NOT_MODIFIED and bool(conditions)
            if not redirects and not unchanged and not 200 <= status < 300:
                raise failure_of(status, retry_after(headers.get("retry-after"), fetched_at))
            body, raw = (b"", b"") if redirects or unchanged else self._read(answer, headers, enough)
        return Response(address, status, headers, body, raw, fetched_at, time.monotonic() - began)

    def _read(self, answer: httpcore.Response, headers: httpx.Headers, enough: int | None) -> tuple[bytes, bytes]:
        limit = self._settings.max_body_bytes
        announced = headers.get("content-length", "")
        if enough is None and announced.isdecimal() and int(announced) > limit:
            raise Failure("hard", f"refused: the body is longer than {limit:,} bytes")
        encoding = headers.get("content-encoding", "")
        inflater = Inflater(encoding, max_bytes=limit, max_ratio=self._settings.max_inflation)
        raw = bytearray()
        for chunk in answer.iter_stream():
            raw += chunk
            try:
                inflater.take(chunk)
            except Failure:
                if enough is None or inflater.size < enough:
                    raise
            if enough is not None and inflater.size >= enough:
                return inflater.so_far(), bytes(raw)
        if _bytes_behind(answer):
            # the text would end in the middle, and the rest would be taken for the next answer
            raise Failure("temporary", "the body is longer than the server announced")
        body = inflater.body()
        packed = bytes(raw)
        return body, body if body == packed else packed


def _no_connection(error: Exception) -> str:
    cause = error.args[0] if error.args else None  # httpcore hands on what the system said
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"no secure connection (the certificate is not valid: {cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return f"no secure connection ({cause.reason or cause})"
    return f"no connection ({error or type(error).__name__})"
