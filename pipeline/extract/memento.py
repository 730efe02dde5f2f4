"""Addresses of pages in a web archive: the archive's own in front, the time, and the page's address behind. Pure.

https://web.archive.org/web/20091007120000/http://outlet.example/a.html      for people to open
https://web.archive.org/web/20091007120000id_/http://outlet.example/a.html   the bytes as they were captured
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REPLAY = re.compile(r"(?P<archive>https?://[^?#]*?/)(?P<time>\d{14})(?:[a-z]{2}_)?/(?P<original>https?:/.*)", re.ASCII)


@dataclass(frozen=True)
class Memento:
    """One page as it was at one time."""

    archive: str
    """what stands before the time, with the slash at its end"""
    time: str
    """14 digits, UTC"""
    original: str
    """address of the page itself"""

    @property
    def raw(self) -> str:
        """Where the bytes are had as they were captured."""
        # a fragment belongs to the page, and must not become one of the archive's address
        return f"{self.archive}{self.time}id_/{self.original.replace('#', '%23')}"

    @property
    def shown(self) -> str:
        """Where a person can look at it."""
        return f"{self.archive}{self.time}/{self.original.replace('#', '%23')}"


def memento_at(address: str) -> Memento | None:
    """The page that an address of an archive leads to; null when it is no such address."""
    found = _REPLAY.fullmatch(address)
    if found is None:
        return None
    # some servers fold the two slashes of the inner address into one
    original = re.sub(r"^(https?):/+", r"\1://", found["original"])
    return Memento(found["archive"], found["time"], original)


def original_of(address: str) -> str:
    """The address of the page itself, where ``address`` is one of an archive; else ``address``."""
    found = memento_at(address)
    return found.original if found else address
