"""Agreement of a monitor's coders: figures, confusions, and the texts on which they disagree.

Machine labels never count, and a coding that settles is nobody's vote. Texts of one cluster are one text: codings of
two reposts of it are codings of the same. A coder who coded a text more than once counts with the newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import combinations

from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from classifiers.coding.agreement import AgreementError, Rating, agreement, confusion
from pipeline.framing.codings.fields import DRAWS
from pipeline.monitor import Monitor
from pipeline.store.codings import CodedText, coded_texts
from pipeline.store.queues import texts_of

ALL = "all"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class AgreementRow:
    """Agreement of some coders in some language."""

    variable: str
    language: str
    """a language's code, ``unknown``, or ``all``"""
    coders: str
    """``all``, or a pair"""
    texts: int
    """coded by two of them or more; of a targeted codebook, texts and groups"""
    codings: int
    """of these texts"""
    percent: float | None
    alpha: float | None
    """null: see ``verdict``"""
    low: float | None
    high: float | None
    verdict: str
    """the lower bound against .667 and .800 in words, or why there is no alpha"""


@dataclass(frozen=True)
class ConfusionRow:
    """How often one coder said the one where the other said the other."""

    first: str
    second: str
    value_first: str
    value_second: str
    texts: int


@dataclass(frozen=True)
class Disagreement:
    """A text on which coders disagree."""

    address: str
    target: str
    language: str | None
    title: str | None
    values: dict[str, str]
    """coder -> value"""
    settled: str | None
    """the value that settles it"""
    text: str | None
    """null while it is not collected"""


AGREEMENT_COLUMNS = tuple(one.name for one in fields(AgreementRow))
CONFUSION_COLUMNS = tuple(one.name for one in fields(ConfusionRow))
DISAGREEMENT_COLUMNS = tuple(one.name for one in fields(Disagreement))


def ratings_of(codings: Iterable[CodedText]) -> list[Rating]:
    """The codings as votes; those that settle are none."""
    return [Rating((one.unit, one.target), one.unit, one.coder, one.value) for one in codings if not one.settles]


def _pairs(ratings: Sequence[Rating]) -> list[tuple[str, str]]:
    """The pairs of coders who coded a unit both, by their names: a table of pairs, no ranking of people."""
    of: dict[object, set[str]] = {}
    for rating in ratings:
        of.setdefault(rating.unit, set()).add(rating.coder)
    return sorted({pair for coders in of.values() for pair in combinations(sorted(coders), 2)})


def _row(variable: str, language: str, coders: str, ratings: list[Rating]) -> AgreementRow:
    try:
        found = agreement(ratings)
    except AgreementError as error:
        of: dict[object, set[str]] = {}
        for rating in ratings:
            of.setdefault(rating.unit, set()).add(rating.coder)
        paired = [len(names) for names in of.values() if len(names) > 1]
        return AgreementRow(variable, language, coders, len(paired), sum(paired), None, None, None, None, str(error))
    figures = (found.percent, found.alpha, found.low, found.high, found.verdict)
    return AgreementRow(variable, language, coders, found.units, found.ratings, *figures)


def agreement_table(
    session: Session, monitor: Monitor, variable: str, *, draw: str | None = None
) -> list[AgreementRow]:
    """Agreement of all coders, then of each pair; over all languages, then in each. Texts chosen because they are hard
    (active) are harder to agree on: ``draw`` leaves the others out. Raises CodebookError, and ValueError for no draw.
    """
    book = codebook_of(variable)
    if draw is not None and draw not in DRAWS:
        raise AgreementError(f"unknown draw {draw!r}; write one of {', '.join(DRAWS)}")
    codings = [one for one in coded_texts(session, monitor.name, book.variable) if draw is None or one.draw == draw]
    spoken = {one.unit: one.language or UNKNOWN for one in reversed(codings)}  # of the first that was coded
    ratings = ratings_of(codings)
    languages = sorted(set(spoken.values()))
    rows = []
    for language in [ALL, *(languages if len(languages) > 1 else [])]:
        some = [one for one in ratings if language in {ALL, spoken[str(one.document)]}]
        rows.append(_row(book.variable, language, ALL, some))
        pairs = _pairs(some)
        for first, second in pairs if len(pairs) > 1 else []:
            two = [one for one in some if one.coder in {first, second}]
            rows.append(_row(book.variable, language, f"{first}, {second}", two))
    return rows


def confusion_table(session: Session, monitor: Monitor, variable: str) -> list[ConfusionRow]:
    """Pairs of values that pairs of coders gave the same text, most frequent confusions first, agreement last.

    Raises CodebookError, and AgreementError when no text was coded by two.
    """
    book = codebook_of(variable)
    ratings = ratings_of(coded_texts(session, monitor.name, book.variable))
    rows = [
        ConfusionRow(first, second, *values, texts)
        for first, second in _pairs(ratings)
        for values, texts in confusion(ratings, first, second).items()
    ]
    if not rows:
        raise AgreementError(f"no text was coded for {variable} by two coders, so nothing can be confused")
    return sorted(rows, key=lambda r: (r.first, r.second, r.value_first == r.value_second, -r.texts, r.value_first))


def newest_by_coder(codings: Iterable[CodedText]) -> dict[str, CodedText]:
    """Coder -> the newest coding, of one text's codings that do not settle."""
    return {one.coder: one for one in sorted(codings, key=lambda c: c.coded_at) if not one.settles}


def settled_by(codings: Iterable[CodedText]) -> CodedText | None:
    """The newest coding that settles, as measuring takes it."""
    return max((one for one in codings if one.settles), key=lambda c: c.coded_at, default=None)


def disagreements(
    session: Session, monitor: Monitor, variable: str, *, language: str | None = None, settled: bool = False
) -> list[Disagreement]:
    """The texts on which coders disagree, by address; those that are settled only when asked for."""
    book = codebook_of(variable)
    of: dict[tuple[str, str], list[CodedText]] = {}
    for one in coded_texts(session, monitor.name, book.variable):
        of.setdefault((one.unit, one.target), []).append(one)
    open_ones = []
    for codings in of.values():
        by_coder, settling = newest_by_coder(codings), settled_by(codings)
        different = len({one.value for one in by_coder.values()}) > 1
        if different and (settled or settling is None) and language in {None, codings[0].language}:
            open_ones.append((codings[0], by_coder, settling))
    documents = sorted({first.document for first, _, _ in open_ones if first.document is not None})
    texts = dict(texts_of(session, documents))
    found = [
        Disagreement(
            address=first.address,
            target=first.target,
            language=first.language,
            title=first.title,
            values={coder: one.value for coder, one in by_coder.items()},
            settled=settling.value if settling else None,
            text=texts.get(first.document) if first.document is not None else None,
        )
        for first, by_coder, settling in open_ones
    ]
    return sorted(found, key=lambda one: (one.address, one.target))
