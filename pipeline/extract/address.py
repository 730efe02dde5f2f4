"""One spelling per web address, so that a page met twice is known again."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from courlan.clean import TRACKERS_RE, decode_punycode

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Names that courlan takes for trackers, but under which old sites number their texts.
_TEXT_NUMBERS = frozenset({"cid", "eid", "uid"})
MAX_HOST = 253
"""characters of a host name, as in the domain name system"""
MAX_ADDRESS = 2000
"""bytes of an address; databases index no more than about 2,700, and what is longer is a trap or a mistake"""


def _path(path: str) -> str:
    """Percent-encoding normalised: unreserved characters plain, all others as UTF-8 in capital hexadecimal."""

    def plain_or_capital(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if character in _UNRESERVED else escape[0].upper()

    path = _ESCAPE.sub(plain_or_capital, _STRAY_PERCENT.sub("%25", path))
    return quote(path, safe="/%:!,=;@&+$*'()~", errors="replace") or "/"


def _query(query: str) -> str:
    """The parameters in alphabetical order, without those that only say where a reader came from."""
    kept = [
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True, errors="replace")
        if not TRACKERS_RE.search(name.lower()) or (name.lower() in _TEXT_NUMBERS and value.isdecimal())
    ]
    # a bare name (?12345) is an address of its own and must not become a name with an equals sign
    if len(kept) == 1 and not kept[0][1] and "=" not in query:
        return quote(unquote(kept[0][0], errors="replace"), safe="", errors="replace")
    return urlencode(sorted(kept), errors="replace")


def canonical(address: str) -> str:
    """The one spelling of a web address: idempotent, and still good for fetching.

    Scheme and host in small letters, host names in their own script, default port, user name, fragment and
    tracking parameters (courlan's list) taken off, parameters sorted, percent-encoding one way. A port that is
    not the default stays. Raises ValueError for what is no http or https address, and for one past the limits.
    """
    shown = address if len(address) < 200 else address[:200] + "..."
    try:
        parts = urlsplit(address.strip().replace("&amp;", "&"))
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{shown!r} is no address ({error}); write it in full with http:// or https://") from None
    if parts.scheme not in _DEFAULT_PORTS or not host or re.search(r"[\s%\"<>\\^`{|}]", host):
        raise ValueError(f"{shown!r} is no web address; write it in full with http:// or https://")
    if len(host) > MAX_HOST:
        raise ValueError(f"{shown!r} is no web address: its host is longer than {MAX_HOST} characters")
    host = f"[{host}]" if ":" in host else decode_punycode(host)
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{port}"
    query = _query(parts.query)
    made = f"{parts.scheme}://{host}{_path(parts.path)}" + (f"?{query}" if query else "")
    if len(made.encode()) > MAX_ADDRESS:
        raise ValueError(f"{shown!r} is too long for an address of a text: more than {MAX_ADDRESS:,} bytes")
    return made
