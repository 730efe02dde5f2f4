"""How far coders agree, as the page shows it while they code: over all of them and in each language, not by pairs.

What a second coder still has to code is left out, so that no figure tells of it. The figures are kept in memory until
the votes change: at every key only three rows of the store are read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from classifiers.coding.agreement import AgreementError, Rating, agreement
from pipeline.monitor import Monitor
from pipeline.store.label import Vote, votes, votes_mark

ALL = "all"
UNKNOWN = "unknown"
MOST_VOTES = 20_000
"""the newest codings of a variable that are reckoned with; `riftwatch codings agreement` reckons with all"""
MOST_LANGUAGES = 12
"""languages that get a figure of their own, those with most texts coded twice"""


@dataclass(frozen=True)
class LiveAgreement:
    """Krippendorff's alpha of a variable's coders in one language, or in all."""

    language: str
    """a language's code, ``unknown``, or ``all``"""
    texts: int
    """coded by two coders or more; of a targeted codebook, texts and groups"""
    codings: int
    """of these texts"""
    percent: float | None
    alpha: float | None
    """None: see ``verdict``"""
    low: float | None
    high: float | None
    verdict: str
    """the lower bound against .667 and .800 in words, or why there is no alpha"""


def _figure(language: str, cast: list[Vote]) -> LiveAgreement:
    by_unit: dict[tuple[str, str], set[str]] = {}
    for vote in cast:
        by_unit.setdefault((vote.unit, vote.target), set()).add(vote.coder)
    paired = [len(coders) for coders in by_unit.values() if len(coders) > 1]
    try:
        found = agreement(Rating((one.unit, one.target), one.unit, one.coder, one.value) for one in cast)
    except AgreementError as error:
        return LiveAgreement(language, len(paired), sum(paired), None, None, None, None, str(error))
    return LiveAgreement(
        language, found.units, found.ratings, found.percent, found.alpha, found.low, found.high, found.verdict
    )


def figures(cast: list[Vote]) -> tuple[LiveAgreement, ...]:
    """Over all languages, then in each that has texts coded twice, where there are several. ``cast``: oldest first."""
    spoken = {vote.unit: vote.language or UNKNOWN for vote in reversed(cast)}  # of the first that was coded
    coders: dict[str, set[str]] = {}
    for vote in cast:
        coders.setdefault(vote.unit, set()).add(vote.coder)
    twice = Counter(spoken[unit] for unit, of in coders.items() if len(of) > 1)
    languages = sorted(language for language, _ in twice.most_common(MOST_LANGUAGES)) if len(twice) > 1 else []
    return (
        _figure(ALL, cast),
        *(_figure(language, [vote for vote in cast if spoken[vote.unit] == language]) for language in languages),
    )


@dataclass(frozen=True)
class Live:
    """The figures of a variable, and what is not in them."""

    figures: tuple[LiveAgreement, ...]
    """for all languages first"""
    behind: float | None = None
    """votes came since: figures with them can be had after so many seconds. None: all are in these"""
    newest: int | None = None
    """only so many of the newest codings are in them, and there are more. None: all are"""


@dataclass(frozen=True)
class _Kept:
    mark: Any
    """of the codings the figures were reckoned from"""
    live: Live
    rests_until: float
    """by the monotonic clock: until then they stand though codings have changed"""


_SLOW, _REST = 0.25, 20
"""What takes more seconds to reckon than the first rests for the second times as long: coders who answer every few
seconds shall not keep a processor busy with one figure."""
_MOST_KEPT = 64
_kept: dict[tuple[str, str, str], _Kept] = {}
"""(database, monitor, variable) -> the newest figures"""


def live_agreement(session: Session, monitor: Monitor, variable: str) -> Live:
    """The figures of a variable as they are now; of very many codings, as they were a few seconds ago, and when to ask
    again. Raises CodebookError."""
    book = codebook_of(variable)
    key = (str(session.get_bind().engine.url), monitor.name, book.variable)
    mark = votes_mark(session, monitor.name, book.variable)
    known = _kept.get(key)
    began = monotonic()
    if known is not None and known.mark == mark:
        return known.live
    if known is not None and began < known.rests_until:
        return replace(known.live, behind=known.rests_until - began)
    cast = votes(session, monitor.name, book.variable, most=MOST_VOTES + 1)
    more = len(cast) > MOST_VOTES
    made = Live(figures(cast[-MOST_VOTES:]), newest=MOST_VOTES if more else None)
    took = monotonic() - began
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[key] = _Kept(mark, made, monotonic() + (_REST * took if took > _SLOW else 0))
    return made
