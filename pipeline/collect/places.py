"""When a place of discovery is asked again: after a failure, and when it rarely changes. Pure.

Three numbers bound how long a place that rarely shows anything new may rest:
a tenth of the time for which it has been quiet (the rule by which caches guess for how long a page stays the same:
RFC 9111, 4.2.2), a week, and what it could lose meanwhile. A feed shows its last K entries only, so it rests so
shortly that nothing falls out of it though it speak four times as fast as on its busiest days (and at least four
times a day).
"""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipeline.collect.failure import DAY, TEMPORARY_STEP, Failure
from pipeline.store.places import PlaceState

QUIET_SHARE = 0.1
HOUR = timedelta(hours=1)
LONGEST_REST = timedelta(days=7) - HOUR
"""an hour less, so that a weekly or daily run that begins a little earlier than the last finds it due"""
SHORTEST_REST = HOUR
"""shorter rests are none"""
FASTER = 4
"""so many times faster than ever before it may speak, and nothing is lost"""
LEAST_BUSY = 1.0
"""new addresses a day that any place is trusted with"""
FORGOTTEN_BY_HALF = timedelta(days=90)
"""busy days of so long ago count half"""
SOFT_STEP = timedelta(hours=1)
LONGEST_WAIT = DAY - HOUR
"""a daily run asks a failing place every day"""


def busiest(state: PlaceState, new: int, now: datetime) -> float | None:
    """The most new addresses a day, with the reading of ``now``; null after the first one, when all are new."""
    if state.checked_at is None or state.changed_at is None:
        return None
    since = max(now - state.checked_at, timedelta(0))
    faded = (state.busiest or 0.0) * math.exp2(-(since / FORGOTTEN_BY_HALF))
    return max(faded, new / max(since / DAY, 1.0))


def rest(state: PlaceState, now: datetime) -> timedelta:
    """How long a place that was just read may be left alone."""
    if state.changed_at is None or not state.entries:
        return timedelta(0)
    safe = state.entries / (FASTER * max(state.busiest or 0.0, LEAST_BUSY)) * DAY
    chosen = min((now - state.changed_at) * QUIET_SHARE, LONGEST_REST, safe)
    return chosen if chosen >= SHORTEST_REST else timedelta(0)


def after_reading(
    state: PlaceState,
    *,
    now: datetime,
    entries: int,
    new: int,
    digest: str | None,
    rules: str | None,
    etag: str | None = None,
    last_modified: str | None = None,
) -> PlaceState:
    """A place that was read: it showed ``entries`` addresses, ``new`` of which no earlier run had seen."""
    read = replace(
        state,
        checked_at=now,
        changed_at=now if new or state.changed_at is None else state.changed_at,
        failures=0,
        failure=None,
        reason=None,
        entries=entries,
        busiest=busiest(state, new, now),
        digest=digest,
        rules=rules,
        etag=etag,
        last_modified=last_modified,
    )
    waits = rest(read, now)
    return replace(read, not_before=now + waits if waits else None)


def unchanged(state: PlaceState, now: datetime) -> PlaceState:
    """A place that was asked and is as it was."""
    return after_reading(
        state,
        now=now,
        entries=state.entries or 0,
        new=0,
        digest=state.digest,
        rules=state.rules,
        etag=state.etag,
        last_modified=state.last_modified,
    )


def wait_after(failure: Failure, failures: int, chance: random.Random) -> timedelta:
    """The wait after the ``failures``-th failure in a row (from 1).

    Temporary ones 10, 20, 30 minutes and so on, soft ones an hour, two hours and so on, hard ones a day; never longer
    than a day, for ever. Retry-After counts; the wait after a 429 is spread by chance.
    """
    if failure.kind == "hard":
        return LONGEST_WAIT
    step = SOFT_STEP if failure.kind == "soft" else TEMPORARY_STEP
    wait = min(step * failures, LONGEST_WAIT)
    if failure.status == 429:
        wait = min(wait * (1 + chance.random() / 2), LONGEST_WAIT)
    return max(wait, min(failure.retry_after or timedelta(0), DAY))


def digest_of(body: bytes) -> str:
    """sha256 of a body, hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def stamp(moment: datetime) -> str:
    """A time as reports write it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def put_off(state: PlaceState, until: datetime) -> str:
    """Why a failing place is not asked now, in words."""
    often = "failed" if state.failures == 1 else f"failed {state.failures} times in a row"
    return f"not asked before {stamp(until)}: it {often}, last with: {state.reason}"


def overflow(state: PlaceState, *, entries: int, new: int) -> str | None:
    """What is said of a feed that was read before and now shows new entries only: older new ones may be lost."""
    if state.checked_at is None or not state.entries or entries < 2 or new < entries:
        return None
    return (
        f"all {entries} entries are new since {stamp(state.checked_at)}: older new ones may have fallen out of it "
        "unseen; collect this source more often"
    )
