"""What may be fetched at all: no address that leads into a private network.

A name is resolved once, every address it has is checked, and the connection is made to an address that was
checked. So a name that changes its mind between the check and the connection (rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpcore

from pipeline.collect.failure import Failure, FailureKind, Refused
from pipeline.extract.address import MAX_HOST

_PORTS = {"http": 80, "https": 443}
# What Python takes for public and is not: two behind which clouds keep their metadata, the old relays to 6to4,
# private addresses of old (RFC 3879), addresses for documentation (RFC 9637).
_NOT_PUBLIC = tuple(
    map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20"))
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

LOOKUP_SECONDS = 10.0
"""longest wait for the resolver"""

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Place:
    """Where an address leads: the part that is guarded and paced."""

    scheme: str
    host: str
    port: int

    @property
    def host_port(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def key(self) -> str:
        """scheme://host:port, the key of the hosts table."""
        return f"{self.scheme}://{self.host_port}"


def place_of(address: str) -> Place:
    """The place of an address. Raises :class:`Refused` for what may never be fetched."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise Refused(f"no address ({error})") from None
    if parts.scheme not in _PORTS:
        raise Refused(f"the scheme {parts.scheme or '(none)'!r}; only http and https are fetched")
    if "@" in parts.netloc:
        raise Refused("the address carries a user name or password")
    if not parts.hostname:
        raise Refused("the address has no host")
    if len(parts.hostname) > MAX_HOST:
        raise Refused(f"the host is longer than {MAX_HOST} characters")
    return Place(parts.scheme, parts.hostname.rstrip("."), port or _PORTS[parts.scheme])


def _unwrapped(ip: _Ip) -> list[_Ip]:
    """What has to be public: the address, and an IPv4 address that is wrapped in it."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped:
        return [ip.ipv4_mapped]
    if ip in _NAT64:
        return [ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)]
    return [ip, *(wrapped for wrapped in (ip.sixtofour, ip.teredo and ip.teredo[1]) if wrapped)]


def is_public(ip: str) -> bool:
    """Whether an IP address lies in the open internet, with all that is wrapped in it."""
    return all(
        one.is_global
        and not one.is_multicast
        and not one.is_reserved
        and not any(one in network for network in _NOT_PUBLIC)
        for one in _unwrapped(ipaddress.ip_address(ip.partition("%")[0]))
    )


def _is_ip(host: str) -> bool:
    """Whether a host is written as an address (also as one number, as resolvers read it), not as a name."""
    try:
        if ":" not in host:
            socket.inet_aton(host)
    except (OSError, ValueError):
        return False
    return True  # no name has a colon


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    # The system's resolver takes no time limit. A daemon: one that hangs must not hold the process either.
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(one[4][0]) for one in found)))
        except Exception as error:  # handled by the thread that asked
            answers.put(error)

    threading.Thread(target=ask, name="collect-lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise Failure("temporary", f"nobody says within {seconds:.3g} s where {host} is") from None
    if isinstance(answer, OSError | UnicodeError):
        raise Failure("temporary", f"the name {host} can't be resolved ({answer})")
    if isinstance(answer, Exception):
        raise answer
    return answer


@dataclass(frozen=True)
class Guard:
    """Checks places; ``allowed`` are exact host:port that may be private."""

    allowed: frozenset[str] = field(default_factory=frozenset)

    def resolve(self, host: str, port: int, seconds: float = LOOKUP_SECONDS) -> list[str]:
        """All IP addresses of a host, every one checked, had within ``seconds``. Raises :class:`Failure`."""
        ips = _look_up(host, port, min(seconds, LOOKUP_SECONDS))
        if Place("http", host.lower(), port).host_port not in self.allowed:
            for ip in ips:
                if not is_public(ip):
                    # a name may lead elsewhere tomorrow: blocked and hijacked names are answered with such addresses
                    kind: FailureKind = "hard" if _is_ip(host) else "temporary"
                    raise Refused(f"{host}:{port} leads to {ip}, which is no public address", kind)
        return ips


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the clock's deadline: one that trickles can't hold us.

    What it reads is counted, so that one that floods (headers, interim responses, chunks of one byte) can't either.
    """

    def __init__(self, stream: httpcore.NetworkStream, clock: GuardedBackend) -> None:
        self._stream, self._clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, self._clock.rest(timeout, httpcore.ReadTimeout))
        self._clock.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.rest(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        rest = self._clock.rest(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, rest), self._clock)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Makes the connections of one thread: guarded, and each within the deadline of the request it serves."""

    def __init__(self, guard: Guard, *, max_bytes: int, to_proxy: bool = False) -> None:
        """``max_bytes``: the most that may come over the wire for one request, headers and framing included."""
        self._guard, self._max_bytes, self._to_proxy = guard, max_bytes, to_proxy
        self._connect = httpcore.SyncBackend()
        self.begin(float("inf"))

    def begin(self, deadline: float) -> None:
        """A new request begins, which must be over at ``deadline`` (time.monotonic())."""
        self._deadline = deadline
        self._bytes = 0
        self._connected = False

    @property
    def stale(self) -> bool:
        """Whether the present request used a connection of an earlier one, and nothing came."""
        return not self._connected and not self._bytes

    def rest(self, timeout: float | None, error: type[Exception]) -> float:
        """Seconds that one wait may last. Raises ``error`` when the time is over."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise error("the time for one response is over")
        return left if timeout is None else min(timeout, left)

    def count(self, size: int) -> None:
        """``size`` bytes came. Raises :class:`Failure` past the limit."""
        self._bytes += size
        if self._bytes > self._max_bytes:
            raise Failure("hard", f"refused: more than {self._max_bytes:,} bytes came over the wire for one response")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        # a proxy comes from the settings, may well be private, and resolves the names itself
        ips = [host]
        if not self._to_proxy:
            ips = self._guard.resolve(host, port, self.rest(timeout, httpcore.ConnectTimeout))
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for tried, ip in enumerate(ips):
            # one address that swallows everything (IPv6 on a bad line) must leave time for the others
            rest = self.rest(timeout, httpcore.ConnectTimeout) / (len(ips) - tried)
            try:
                stream = self._connect.connect_tcp(ip, port, rest, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                self._connected = True
                return _TimedStream(stream, self)
        raise failure
