"""Failures are kinds, not booleans; and what each kind means for the next try. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

FailureKind = Literal["hard", "soft", "temporary"]

DAY = timedelta(days=1)
TEMPORARY_STEP = timedelta(minutes=10)
SOFT_STEP = timedelta(hours=6)
SOFT_TRIES = 5
NOT_FOUND_TRIES = 3


class Failure(Exception):
    """A response that could not be had, and why, in words.

    hard: it will be the same tomorrow. soft: it may be mended by the other side, worth a few more tries.
    temporary: the other side is busy or down, tried again for ever, ever more slowly.
    """

    def __init__(
        self, kind: FailureKind, reason: str, *, status: int | None = None, retry_after: timedelta | None = None
    ) -> None:
        self.kind: FailureKind = kind
        self.reason = reason
        self.status = status
        """HTTP status, where there was one"""
        self.retry_after = retry_after
        """what the server asked for, at most a day"""
        super().__init__(reason)


class Refused(Failure):
    """An address that is never fetched, or that leads where nothing is fetched."""

    def __init__(self, reason: str, kind: FailureKind = "hard") -> None:
        super().__init__(kind, f"refused: {reason}")


class TooManyRedirects(Failure):
    """Redirects that lead on and on, or round in a circle."""

    def __init__(self, reason: str) -> None:
        super().__init__("soft", reason)


class NotNow(Exception):
    """The request has to wait for a later run: the time is up, or another process holds the host."""

    def __init__(self, host: str, reason: str) -> None:
        self.host = host
        """scheme://host:port"""
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Verdict:
    """What a failure means for a frontier row."""

    status: Literal["pending", "failed", "gone"]
    not_before: datetime | None


def failure_of(status: int, retry_after: timedelta | None = None) -> Failure:
    """The failure an HTTP status stands for."""
    reason = f"HTTP {status}"
    if status == 410:
        return Failure("hard", f"{reason}: gone for good", status=status)
    if status in {408, 425, 429} or status >= 500:
        if retry_after is not None:
            reason += f", asks to wait {retry_after.total_seconds():.0f} s"
        return Failure("temporary", reason, status=status, retry_after=retry_after)
    # 404 is soft at first: many sites answer so while they are rebuilt
    return Failure("soft", reason, status=status)


def verdict(failure: Failure, tries: int, now: datetime, chance: random.Random) -> Verdict:
    """What becomes of an address that failed for the ``tries``-th time (from 1). Backoff is linear, up to a day."""
    if failure.kind == "hard":
        return Verdict("gone" if failure.status == 410 else "failed", None)
    if failure.kind == "soft":
        if failure.status == 404 and tries >= NOT_FOUND_TRIES:
            return Verdict("gone", None)
        if tries >= SOFT_TRIES:
            return Verdict("failed", None)
        return Verdict("pending", now + min(SOFT_STEP * tries, DAY))
    wait = max(min(TEMPORARY_STEP * tries, DAY), failure.retry_after or timedelta(0))
    if failure.status == 429:
        # many collectors that were turned away together should not come back together
        wait *= 1 + chance.random() / 2
    return Verdict("pending", now + min(wait, DAY * 1.5))
