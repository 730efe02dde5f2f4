"""A published figure and all that it was made of, and whether it can be made again from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isclose
from typing import Any

from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.measure.balance import Balance, Borrowed, balance
from pipeline.measure.cells import Grid, codings_by_cluster, model_balance
from pipeline.measure.gap import gap
from pipeline.measure.summary import mean_variance
from pipeline.monitor import Period
from pipeline.monitor.periods import period_of
from pipeline.store.cells import VARIABLE, codings_again, texts_again
from pipeline.store.published import (
    Basis,
    Erased,
    Key,
    basis_of,
    codings_of,
    earlier_vintages,
    erasures_among,
    model_of,
    newest_vintage,
    published_span,
    unpack,
)
from pipeline.store.tables import Coding, Model, Published

TOLERANCE = 1e-9
"""On another machine the same sums may differ by rounding, never by more. Here they are equal to the last bit."""
FORMULAS = {
    "corrected": "b = lam mean_N(f) + mean_n(y - lam f), t interval: prediction-powered inference for a finite "
    "population (docs/measuring.md, The estimator)",
    "uncorrected": "b = mean_N(f): the model's mean alone, without interval (docs/measuring.md, Two kinds of point)",
}
_COUNTS = ("clusters", "codings", "late", "framed")
_NUMBERS = ("balance", "low", "high", "variance", "freedom", "lam", "model_balance", "model_variance")
_GAP_NUMBERS = ("gap", "low", "high", "variance", "freedom")


class ExplainError(LookupError):
    """No such figure was published; says which were."""


@dataclass(frozen=True)
class Explanation:
    """A published figure with its provenance."""

    row: Published
    sides: tuple[Published, ...]
    """of a gap: the figures of its two groups, without what they were made of"""
    texts: Sequence[Basis]
    """those that are still there, of as many as were asked for"""
    text_count: int
    """how many there were"""
    codings: Sequence[Coding]
    coding_count: int
    model: Model | None
    erased: Sequence[Erased]
    changed: int
    """of ``texts`` those that were written anew since"""
    earlier: Sequence[Published]
    """older figures of the same cell, the newest first, without what they were made of"""


def explain(
    session: Session,
    monitor: str,
    *,
    subject: tuple[str, ...],
    period: Period,
    day: date,
    as_of: datetime | None = None,
    most: int | None = None,
) -> Explanation:
    """The figure of a group, or of a dyad's two groups, for the period that holds ``day``, as it stood at ``as_of``.

    most: of its texts, codings and earlier figures at most so many are read; None: all.

    Raises :class:`ExplainError` where nothing was published.
    """
    kind, name = ("trend", subject[0]) if len(subject) == 1 else ("gap", "--".join(subject))
    span = period_of(period, day)
    key: Key = (kind, name, period, span.start)
    row = newest_vintage(session, monitor, key, until=as_of)
    if row is None:
        known = published_span(session, monitor, kind, name, period)
        there = f"figures were published from {known[0]} to {known[1]}" if known else "none was published at all"
        until = f" until {as_of:%Y-%m-%d %H:%M}" if as_of else ""
        raise ExplainError(
            f"no figure of {' and '.join(subject)} for the {period} of {span.start}{until}: {there}; "
            "`riftwatch measure` publishes what it measures"
        )
    documents, codings = unpack(row.documents).tolist(), unpack(row.codings).tolist()
    texts = basis_of(session, documents[:most])
    return Explanation(
        row=row,
        sides=tuple(s for g in subject if len(subject) > 1 and (s := _side(session, monitor, g, row)) is not None),
        texts=texts,
        text_count=len(documents),
        codings=codings_of(session, codings[:most]),
        coding_count=len(codings),
        model=model_of(session, row.model),
        erased=erasures_among(session, documents) if row.basis_erased or most is None else [],
        changed=sum(text.updated_at > row.as_of for text in texts),
        earlier=earlier_vintages(session, monitor, key, row, until=as_of, most=most),
    )


def _side(session: Session, monitor: str, group: str, row: Published) -> Published | None:
    """The group's own figure that a gap was made with."""
    key: Key = ("trend", group, row.period, row.start)
    return newest_vintage(session, monitor, key, until=row.as_of, basis=False)


def verify(session: Session, row: Published) -> Made:
    """Make the figure again from the texts, framings and codings it names, with the functions that made it.

    What was borrowed from other cells is taken as it was published.
    """
    documents, codings = unpack(row.documents).tolist(), unpack(row.codings).tolist()
    model = model_of(session, row.model)
    grid_texts = texts_again(session, documents, model.id if model else None)
    coded, problems = codings_by_cluster(
        codings_again(session, row.monitor, codings, row.as_of), codebook_of(VARIABLE).balances
    )
    grid = Grid(grid_texts, coded)
    span = period_of(_period(row.period), row.start)
    made: dict[str, tuple[Balance | None, dict[str, Any]]] = {}
    for group, lent in row.figures["borrowed"].items():
        cell = grid.cell(group, span)
        estimate = model_balance(cell)
        if lent is not None and len(cell.y):
            estimate = balance(cell.f, cell.y, Borrowed(**lent), pi=cell.pi, late=cell.late)
        others = {"framed": len(cell.f), "model_variance": mean_variance(cell.f)}
        made[group] = (estimate, {"clusters": cell.clusters, "codings": cell.coded} | others)
    if row.kind == "trend":
        ((estimate, counts),) = made.values()
        # figures of older versions may not have all of these columns
        names = [name for name in (*_COUNTS, *_NUMBERS) if name in row.figures]
        return _compared(problems, row.figures, _trend(estimate) | counts, names)
    a, b = (estimate for estimate, _ in made.values())
    return _compared(problems, row.figures, _gap(a, b), _GAP_NUMBERS)


def _period(name: str) -> Period:
    kinds: dict[str, Period] = {"week": "week", "month": "month", "quarter": "quarter", "year": "year"}
    return kinds[name]


def _trend(found: Balance | None) -> dict[str, Any]:
    interval = found.interval if found else None
    return {
        "balance": found.value if found else None,
        "late": found.late if found else 0,
        "lam": found.lam if found else None,
        "model_balance": found.model if found else None,
        **{name: getattr(interval, name) if interval else None for name in ("low", "high", "variance", "freedom")},
    }


def _gap(a: Balance | None, b: Balance | None) -> dict[str, Any]:
    found = gap(a, b) if a is not None and b is not None else None
    interval = found.interval if found else None
    return {
        "gap": found.value if found else None,
        **{name: getattr(interval, name) if interval else None for name in ("low", "high", "variance", "freedom")},
    }


@dataclass(frozen=True)
class Made:
    """A figure made again."""

    differences: tuple[str, ...]
    """in words; none: equal"""
    exact: bool
    """equal to the last bit, not only but for rounding"""

    @property
    def said(self) -> str:
        """What came of it, in a few words."""
        if self.differences:
            return "it differs:"
        return "equal to the last bit" if self.exact else "equal but for rounding (another machine or library)"


def _compared(problems: Sequence[str], published: dict[str, Any], again: dict[str, Any], names: Sequence[str]) -> Made:
    differences = [
        f"{name}: {_digits(published[name])} was published, {_digits(again[name])} comes out now"
        for name in names
        if not _same(published[name], again[name])
    ]
    return Made((*problems, *differences), all(published[name] == again[name] for name in names))


def _digits(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.12g}"


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def as_record(found: Explanation, made: Made | None) -> dict[str, Any]:
    """The same as plain values, for JSON. ``made``: None when nobody asked for it to be made again."""
    return {
        **_head(found.row),
        "sides": [_head(side) for side in found.sides],
        "basis_erased": [vars(one) for one in found.erased],
        "texts_then": found.text_count,
        "texts": [vars(text) for text in found.texts],
        "texts_changed_since": found.changed,
        "codings_then": found.coding_count,
        "codings": [
            {
                name: getattr(coding, name)
                for name in ("id", "document_id", "address", "value", "coder", "coded_at", "probability", "drawn_at")
            }
            for coding in found.codings
        ],
        "model_name": found.model.name if found.model else None,
        "earlier": [_head(row) for row in found.earlier],
        "differences": None if made is None else list(made.differences),
        "exact": None if made is None else made.exact,
    }


def _head(row: Published) -> dict[str, Any]:
    names = (
        "kind",
        "subject",
        "period",
        "start",
        "end",
        "as_of",
        "figures",
        "model",
        "codebook_version",
        "code_version",
    )
    return {name: getattr(row, name) for name in names}


def in_words(found: Explanation, made: Made | None) -> list[str]:
    """The same for people, line by line."""
    row = found.row
    lines = [
        f"{row.subject.replace('--', ' - ')}, {row.period} from {row.start} to {row.end}: {_shown(row)}",
        f"published {row.as_of:%Y-%m-%d %H:%M} UTC by Riftwatch {row.code_version}, codebook {row.codebook_version}",
        f"model: {found.model.name if found.model else 'not known any more'} (sha256 {row.model})"
        if row.model
        else "model: none was in force",
        *_how(row),
        *(f"  {side.subject}: {_shown(side)}; {'; '.join(_how(side))}" for side in found.sides),
        *(
            f"basis erased: {one.texts} of {found.text_count} texts were erased on "
            f"{one.erased_at:%Y-%m-%d %H:%M} UTC ({one.reason})"
            for one in found.erased
        ),
    ]
    if found.changed:
        lines.append(f"{found.changed} of its texts were written anew since; the figure stands for the old ones")
    lines.append(f"texts ({len(found.texts)} of {found.text_count}):")
    for text in found.texts:
        capture = "no response (a table's row or a feed's entry)"
        if text.captured_at is not None:
            capture = f"captured {text.captured_at:%Y-%m-%d %H:%M}, {text.warc_file} at {text.warc_offset}"
        lines.append(
            f"  {text.id}  {text.published_at:%Y-%m-%d}  {text.title or '(no title)'}  {text.address}  {capture}"
            if text.published_at
            else f"  {text.id}  (no date)  {text.title or '(no title)'}  {text.address}  {capture}"
        )
    lines.append(f"codings ({len(found.codings)} of {found.coding_count}):")
    lines += [
        f"  {one.id}  text {one.document_id}  {one.value}  {one.coder}  {one.coded_at:%Y-%m-%d}  "
        f"probability {one.probability:g}"
        for one in found.codings
        if one.probability is not None
    ]
    if found.earlier:
        lines.append("earlier:")
        lines += [
            f"  {one.as_of:%Y-%m-%d %H:%M}  {_shown(one)}  (riftwatch {one.code_version})" for one in found.earlier
        ]
    if made is not None:
        lines.append(f"made again from these: {made.said}")
        lines += [f"  {line}" for line in made.differences]
    return lines


def _shown(row: Published) -> str:
    figures = row.figures
    value = figures.get("balance") if row.kind == "trend" else figures.get("gap")
    if value is None:
        return f"no figure ({figures.get('missing')})"
    ends = "" if figures["low"] is None else f" ({figures['low']:+.3f} to {figures['high']:+.3f})"
    return f"{'balance' if row.kind == 'trend' else 'gap'} {value:+.3f}{ends}, {figures['estimator']}"


def _how(row: Published) -> list[str]:
    """The formula and what went into it."""
    figures = row.figures
    if row.kind == "gap":
        if figures["estimator"] is None:
            return []
        return [
            "how: balance of the one minus balance of the other"
            + (
                f", variance {figures['variance']:.6f}, t({figures['freedom']:g})"
                if figures["variance"] is not None
                else ""
            )
        ]
    if figures["estimator"] is None:
        return [f"how: not at all: {figures.get('missing')}"]
    said = f"N = {figures['clusters']}, n = {figures['codings']}"
    if figures.get("late"):
        said += f" ({figures['late']} of the N, with their codings, arrived at a time that codings do not speak for)"
    if figures["estimator"] == "corrected":
        (lent,) = figures["borrowed"].values()
        said += (
            f", lam = {figures['lam']:.4f}, variance = {figures['variance']:.6f}, t({figures['freedom']:g}); from "
            f"other cells: lam, residual variance {lent['s2']:.4f} with {lent['freedom']} degrees of freedom"
        )
    return [f"how: {FORMULAS[figures['estimator']]}", said]
