"""A published figure and all that it was made of, and whether it can be made again from that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from pipeline.measure.again.compare import Made
from pipeline.monitor import Period
from pipeline.monitor.periods import period_of
from pipeline.store.pending import pending_among
from pipeline.store.published import (
    Basis,
    Erased,
    Key,
    basis_of,
    codings_of,
    earlier_vintages,
    erasures_among,
    model_of,
    newest_of_alarm,
    newest_vintage,
    published_span,
    unpack,
)
from pipeline.store.tables import Coding, Model, Published

FORMULAS = {
    "corrected": "b = lam mean_N(f) + mean_n(y - lam f), t interval: prediction-powered inference for a finite "
    "population (docs/measuring.md, The estimator)",
    "uncorrected": "b = mean_N(f): the model's mean alone, without interval (docs/measuring.md, Two kinds of point)",
}


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
    """without those that nobody may see yet"""
    coding_count: int
    pending: int
    """codings of ``codings`` that a second coder, or of an alarm's open queue the first, may still answer otherwise"""
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
    criticism: bool = False,
    as_of: datetime | None = None,
    most: int | None = None,
) -> Explanation:
    """The figure of a group, or of a dyad's two groups, for the period that holds ``day``, as it stood at ``as_of``.

    criticism: what the first of two groups says of the second, instead of their gap. most: of its texts, codings and
    earlier figures at most so many are read; None: all.

    Raises :class:`ExplainError` where nothing was published.
    """
    kind, name = ("trend", subject[0]) if len(subject) == 1 else ("gap", "--".join(subject))
    if criticism:
        kind = "criticism"
    span = period_of(period, day)
    key: Key = (kind, name, period, span.start)
    row = newest_vintage(session, monitor, key, until=as_of)
    if row is None:
        known = published_span(session, monitor, kind, name, period)
        there = f"figures were published from {known[0]} to {known[1]}" if known else "none was published at all"
        until = f" until {as_of:%Y-%m-%d %H:%M}" if as_of else ""
        raise ExplainError(
            f"no {'rate of criticism' if criticism else 'figure'} of {' and '.join(subject)} for the {period} of "
            f"{span.start}{until}: {there}; `riftwatch measure` publishes what it measures"
        )
    sides = subject if kind == "gap" else ()
    return _explanation(session, monitor, row, sides, as_of, most)


def explain_alarm(session: Session, monitor: str, alarm: int, *, as_of: datetime | None = None) -> list[Explanation]:
    """What coders said of an alarm, and of criticism beside it, as it stood at ``as_of``: X, then either direction.

    Raises :class:`ExplainError` where coders have said nothing.
    """
    until = as_of or datetime.max.replace(tzinfo=UTC)
    rows = newest_of_alarm(session, monitor, alarm, until)
    if not rows:
        raise ExplainError(
            f"nothing was published of what coders say of alarm {alarm}; `riftwatch alarm list` has the alarms, and "
            "`riftwatch alarm states` says what is missing"
        )
    return [_explanation(session, monitor, row, (), as_of, None) for row in rows]


def _explanation(
    session: Session, monitor: str, row: Published, sides: Sequence[str], as_of: datetime | None, most: int | None
) -> Explanation:
    key: Key = (row.kind, row.subject, row.period, row.start)
    documents, codings = unpack(row.documents).tolist(), unpack(row.codings).tolist()
    texts = basis_of(session, documents[:most])
    hidden = pending_among(session, codings[:most], also_undoable=row.kind == "change")
    return Explanation(
        row=row,
        sides=tuple(s for g in sides if (s := _side(session, monitor, g, row)) is not None),
        texts=texts,
        text_count=len(documents),
        codings=[coding for coding in codings_of(session, codings[:most]) if coding.id not in hidden],
        coding_count=len(codings),
        pending=len(hidden),
        model=model_of(session, row.model),
        erased=erasures_among(session, documents) if row.basis_erased or most is None else [],
        changed=sum(text.updated_at > row.as_of for text in texts),
        earlier=earlier_vintages(session, monitor, key, row, until=as_of, most=most),
    )


def _side(session: Session, monitor: str, group: str, row: Published) -> Published | None:
    """The group's own figure that a gap was made with."""
    key: Key = ("trend", group, row.period, row.start)
    return newest_vintage(session, monitor, key, until=row.as_of, basis=False)


def as_record(found: Explanation, made: Made | None) -> dict[str, Any]:
    """The same as plain values, for JSON. ``made``: None when nobody asked for it to be made again."""
    return {
        **_head(found.row, found.pending),
        "sides": [_head(side) for side in found.sides],
        "basis_erased": [vars(one) for one in found.erased],
        "texts_then": found.text_count,
        "texts": [vars(text) for text in found.texts],
        "texts_changed_since": found.changed,
        "codings_then": found.coding_count,
        "codings_pending": found.pending,
        "codings": [
            {
                name: getattr(coding, name)
                for name in ("id", "document_id", "address", "value", "coder", "coded_at", "probability", "drawn_at")
            }
            for coding in found.codings
        ],
        "model_name": found.model.name if found.model else None,
        "earlier": [_head(row, found.pending) for row in found.earlier],
        "differences": None if made is None else list(made.differences),
        "exact": None if made is None else made.exact,
        "not_made_again": None if made is None else list(made.left),
    }


def _head(row: Published, pending: int = 0) -> dict[str, Any]:
    """pending: codings that nobody may see yet. Which texts are an alarm's is not known to its coders then."""
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
    head = {name: getattr(row, name) for name in names}
    if pending:
        head["figures"] = {name: value for name, value in row.figures.items() if name != "unclear"}
    return head


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
    waiting = f"; {found.pending} are not shown while their queue is open" if found.pending else ""
    lines.append(f"codings ({len(found.codings)} of {found.coding_count}{waiting}):")
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
        lines += [f"  not made again: {line}" for line in made.left]
    return lines


_NAMES = {
    "trend": "balance",
    "gap": "gap",
    "change": "change of the corrected gap",
    "rise": "rise of criticism",
    "criticism": "hostile texts that name the other, of all texts:",
}


def _shown(row: Published) -> str:
    figures = row.figures
    name = _NAMES[row.kind]
    if row.kind == "rise":
        return f"{name}: {'it counts' if figures['counts'] else 'it does not count'}; {'; '.join(figures['said'])}"
    value = figures.get({"trend": "balance", "criticism": "rate"}.get(row.kind, row.kind))
    if value is None:
        return f"no figure ({figures.get('missing') or figures.get('why')})"
    how = "95% however often it is looked at" if row.kind == "change" else figures["estimator"]
    if row.kind == "criticism":
        ends = "" if figures["low"] is None else f" ({figures['low']:.4f} to {figures['high']:.4f})"
        return f"{name} {value:.4f}{ends}, {how}"
    ends = "" if figures["low"] is None else f" ({figures['low']:+.3f} to {figures['high']:+.3f})"
    return f"{name} {value:+.3f}{ends}, {how}"


def _how(row: Published) -> list[str]:
    """The formula and what went into it."""
    return _HOW[row.kind](row.figures)


def _how_trend(figures: dict[str, Any]) -> list[str]:
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


def _how_gap(figures: dict[str, Any]) -> list[str]:
    said = [f"state: {figures['state']}"]
    if figures["estimator"] is not None:
        spread = f", variance {figures['variance']:.6f}, t({figures['freedom']:g})" if figures["variance"] else ""
        said.append(f"how: balance of the one minus balance of the other{spread}")
    return said


def _how_change(figures: dict[str, Any]) -> list[str]:
    return [
        "how: (b_A - b_B) in the alarm's stretch less the same in its reference, with a confidence sequence "
        "(docs/confirmation.md)",
        f"{figures['a']} and {figures['b']}, queue {figures['queue']}, {figures['planned']} codings planned, lam = "
        f"{figures['borrowed']['lam']:.4f} as it was then",
    ]


def _how_rise(figures: dict[str, Any]) -> list[str]:
    windows = [" to ".join(figures[name]) for name in ("window", "reference")]
    evidence = ", ".join(f"{one:.4g}" for one in figures["evidence"]) or "none"
    return [
        f"how: {figures['a']} on {figures['b']}, from {windows[0]} against {windows[1]}, evidence {evidence} "
        "(docs/criticism.md, Has it risen?)"
    ]


def _how_criticism(figures: dict[str, Any]) -> list[str]:
    lent = figures["borrowed"]
    said = f"N = {figures['clusters']}, M = {figures['audited']}, n = {figures['coded']}"
    if lent is not None and figures["estimator"] == "corrected":
        said += f", lam = {lent['lam']:.4f} from other cells"
    if figures["why"]:
        said += f"; {figures['why']}"
    return ["how: hostile share of the texts that hit an alias, times M/N (docs/criticism.md)", said]


_HOW: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "trend": _how_trend,
    "gap": _how_gap,
    "change": _how_change,
    "rise": _how_rise,
    "criticism": _how_criticism,
}
