"""One request, one response, within limits of time and size. Follows nothing, retries nothing."""

from __future__ import annotations

import http.cookiejar
import ssl
import time
from collections.abc import Iterator
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

REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED = 304


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


def _conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    """The headers of a conditional GET. What can't stand in a header is left out: then the whole body comes."""
    sent = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in sent.items() if value and value.isascii() and value.isprintable()}


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    # made once: reading the certificates takes tens of milliseconds
    return httpx.create_ssl_context(trust_env=False)


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Transport(httpx.BaseTransport):
    """httpx over an httpcore pool whose connections the guard makes."""

    def __init__(self, backend: GuardedBackend, proxy: str | None) -> None:
        limits = {"max_connections": 10, "keepalive_expiry": 5.0, "network_backend": backend, "ssl_context": _tls()}
        self._pool = (
            httpcore.HTTPProxy(proxy_url=proxy, **limits) if proxy else httpcore.ConnectionPool(**limits)  # type: ignore[arg-type]
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=dict(answer.extensions)
        )

    def close(self) -> None:
        self._pool.close()


class Fetcher:
    """Makes the requests of one thread. Keeps connections open, keeps no cookies."""

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._settings, self._guard = settings, guard
        self._backend = GuardedBackend(guard, to_proxy=settings.proxy is not None)
        no_cookies = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.Client(
            transport=_Transport(self._backend, settings.proxy),
            trust_env=False,
            follow_redirects=False,
            timeout=settings.request_seconds,
            cookies=no_cookies,
            headers={"User-Agent": settings.agent, "Accept": "*/*", "Accept-Encoding": ACCEPTED},
        )

    def close(self) -> None:
        self._client.close()

    def get(self, address: str, *, etag: str | None = None, last_modified: str | None = None) -> Response:
        """The response to one GET: 2xx or a redirect. Raises :class:`Failure` for all else.

        ``etag``, ``last_modified``: the headers ETag and Last-Modified of an earlier response, as they came. With them
        the answer may also be a 304 without a body.
        """
        place = place_of(address)
        if self._settings.proxy is not None:
            # the proxy connects, so this check can't bind it; without a proxy the backend checks what it connects to
            self._guard.resolve(place.host, place.port)
        began = time.monotonic()
        self._backend.deadline = began + self._settings.request_seconds
        try:
            return self._exchange(address, _conditions(etag, last_modified), began)
        except (httpcore.TimeoutException, httpx.TimeoutException):
            raise Failure("temporary", f"no full response within {self._settings.request_seconds:g} s") from None
        except ssl.SSLError as error:
            raise Failure("temporary", f"no secure connection ({error.reason})") from None
        except (httpcore.NetworkError, httpcore.ProxyError) as error:
            raise Failure("temporary", f"no connection ({error})") from None
        except (httpcore.ProtocolError, httpx.DecodingError) as error:
            raise Failure("temporary", f"the server does not speak HTTP ({error})") from None
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol, UnicodeError) as error:
            raise Failure("hard", f"refused: no address ({error})") from None

    def _exchange(self, address: str, conditions: dict[str, str], began: float) -> Response:
        fetched_at = datetime.now(UTC)
        with self._client.stream("GET", address, headers=conditions) as answer:
            status = answer.status_code
            bare = status in REDIRECTS and "location" in answer.headers or (status == NOT_MODIFIED and bool(conditions))
            if not bare and not 200 <= status < 300:
                raise failure_of(status, retry_after(answer.headers.get("retry-after"), fetched_at))
            body, raw = (b"", b"") if bare else self._read(answer)
        return Response(address, status, answer.headers, body, raw, fetched_at, time.monotonic() - began)

    def _read(self, answer: httpx.Response) -> tuple[bytes, bytes]:
        limit = self._settings.max_body_bytes
        announced = answer.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            raise Failure("hard", f"refused: the body is longer than {limit:,} bytes")
        encoding = answer.headers.get("content-encoding", "")
        inflater = Inflater(encoding, max_bytes=limit, max_ratio=self._settings.max_inflation)
        raw = bytearray()
        for chunk in answer.iter_raw():
            inflater.take(chunk)
            raw += chunk
        body = inflater.body()
        packed = bytes(raw)
        return body, body if body == packed else packed
