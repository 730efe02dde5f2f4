"""How far coders agree, as the page shows it while they code: over all of them and in each language, not by pairs.

What a second coder still has to code is left out, so that no figure tells of it. The figures are kept in memory until
a coding or an answer changes: at every key only two rows of the store are read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from classifiers.coding.agreement import AgreementError, Rating, agreement
from pipeline.monitor import Monitor
from pipeline.store.label import Vote, votes, votes_mark

ALL = "all"
UNKNOWN = "unknown"
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
class _Kept:
    mark: Any
    """of the codings the figures were reckoned from"""
    figures: tuple[LiveAgreement, ...]
    rests_until: float
    """by the monotonic clock: until then they stand though codings have changed"""


_SLOW, _REST = 0.25, 20
"""What takes more seconds to reckon than the first rests for the second times as long: coders who answer every few
seconds shall not keep a processor busy with one figure."""
_MOST_KEPT = 64
_kept: dict[tuple[str, str, str], _Kept] = {}
"""(database, monitor, variable) -> the newest figures"""


def live_agreement(session: Session, monitor: Monitor, variable: str) -> tuple[LiveAgreement, ...]:
    """The figures of a variable as they are now, for all languages first; of very many codings, as they were a few
    seconds ago. Raises CodebookError."""
    book = codebook_of(variable)
    key = (str(session.get_bind().engine.url), monitor.name, book.variable)
    mark = votes_mark(session, monitor.name, book.variable)
    known = _kept.get(key)
    began = monotonic()
    if known is not None and (known.mark == mark or began < known.rests_until):
        return known.figures
    made = figures(votes(session, monitor.name, book.variable))
    took = monotonic() - began
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[key] = _Kept(mark, made, monotonic() + (_REST * took if took > _SLOW else 0))
    return made
