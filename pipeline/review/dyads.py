"""What the overview and the dyad page say of two groups: rows in, series, sentences, table lines out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from urllib.parse import quote

from pipeline.monitor import Dyad, Event, Monitor, Period
from pipeline.monitor.periods import period_of
from pipeline.review.charts import Mark, Point, Series
from pipeline.review.words import NO_WIDTH, NOTHING, interval, number
from pipeline.store.directed import DirectedCell
from pipeline.store.tables import GapCell, TrendCell

THREE_SENTENCES = (
    "Divergence of framing is not a break of an alliance: the Taliban and al-Qaeda did not split in 2010.",
    "Distance of topic is not divergence of framing: opponents talk about the same thing.",
    "No evidence is a result, and is shown as one.",
)
HOW_TO_READ = (
    "A balance is the share of nationalist texts less the share of universalist texts of one group in one period: "
    "+1 all nationalist, −1 all universalist. The gap is the first group's balance less the second's.",
    "Filled marks with a bar are corrected by random codings; the bar is the 95% interval, and where it holds zero no "
    "difference is shown. Hollow marks on dashed lines are the model alone: uncorrected, without interval.",
    "The grey band is what the gap usually was in the reference. A shaded stretch that ends in a line is an alarm: the "
    "model's gap has left its usual ups and downs. It is a question to coders, and no finding.",
    "A strip along the foot marks periods without a value; no line crosses them, and the reason stands under “Missing "
    "periods”. Point at a mark, or use the arrow keys in a chart, to read it; a click opens its texts.",
)


@dataclass(frozen=True)
class Absent:
    """Neighbouring periods without a value, for one reason."""

    group: str
    first: str
    last: str
    count: int
    reason: str


@dataclass(frozen=True)
class Line:
    """A row of the table beneath the charts: one period of both groups."""

    label: str
    start: date
    end: date
    gap: GapCell | None
    a: TrendCell | None
    b: TrendCell | None
    flags: tuple[str, ...]
    href_a: str
    href_b: str


@lru_cache(maxsize=20_000)
def _label(kind: Period, start: date) -> str:
    return period_of(kind, start).label


def label_of(row: TrendCell | GapCell | DirectedCell) -> str:
    """The period's name, such as 2024-Q1."""
    kind: Period = row.period  # type: ignore[assignment]  # the column holds nothing else
    return _label(kind, row.start)


def texts_query(group: str, start: date, end: date) -> str:
    """What the page of texts is asked for to show a group's texts of a period."""
    return f"group={quote(group, safe='')}&start={start.isoformat()}&end={end.isoformat()}"


def texts_address(group: str, row: TrendCell | GapCell) -> str:
    """Address of the texts behind a cell, relative to the monitor's pages."""
    return "texts?" + texts_query(group, row.start, row.end)


def all_coded(*cells: TrendCell | None) -> bool:
    """Whether every text of these cells is drawn at random and coded: then no sampling error is left.

    Texts that came after the draw and are not coded are among those that are not.
    """
    return bool(cells) and all(
        cell is not None and 0 < (cell.clusters or 0) <= (cell.codings or 0) and not cell.late for cell in cells
    )


def both_all_coded(cells_a: Sequence[TrendCell], cells_b: Sequence[TrendCell]) -> frozenset[date]:
    """First days of the periods of which every text of both groups is coded."""
    coded_b = {cell.start for cell in cells_b if all_coded(cell)}
    return frozenset(cell.start for cell in cells_a if cell.start in coded_b and all_coded(cell))


def estimate(value: float | None, low: float | None, high: float | None, *, whole: bool = False) -> str:
    """A value with its interval, or the word for having none. whole: every text behind it is coded."""
    if value is None:
        return "no value"
    bounds = interval(low, high, all_coded=whole)
    return f"{number(value)} ({bounds})" if bounds else f"{number(value)}, uncorrected"


def _is_corrected(row: TrendCell | GapCell) -> bool:
    return row.estimator == "corrected"


def balance_series(side: str, name: str, cells: Sequence[TrendCell], up: str) -> Series:
    """A group's balances as a line; ``up`` leads from the page to the monitor's pages."""
    return Series(
        "a" if side == "a" else "b",
        name,
        [
            Point(
                start=c.start,
                end=c.end,
                label=label_of(c),
                value=c.balance,
                low=c.low if _is_corrected(c) else None,
                high=c.high if _is_corrected(c) else None,
                corrected=_is_corrected(c),
                missing=c.missing,
                said=f"{name}, {label_of(c)}: {estimate(c.balance, c.low, c.high, whole=all_coded(c))}; "
                f"{c.texts} texts from {c.sources} sources, {c.codings} coded",
                href=up + texts_address(c.group_id, c) if c.texts else None,
            )
            for c in cells
        ],
    )


def anchor(label: str) -> str:
    """Name of a period's row in the table beneath the charts, which leads to the texts of both groups."""
    return f"p-{label}"


def anchor_of(row: TrendCell | GapCell) -> str:
    """The anchor of a row's period."""
    return anchor(label_of(row))


def gap_series(
    name: str,
    gaps: Sequence[GapCell],
    *,
    leads: Callable[[GapCell], str] | None = None,
    coded: Collection[date] = (),
) -> Series:
    """The gaps of a dyad as a line. leads: gap -> where a click on it leads. coded: see :func:`both_all_coded`."""
    return Series(
        "gap",
        name,
        [
            Point(
                start=g.start,
                end=g.end,
                label=label_of(g),
                value=g.gap,
                low=g.low if _is_corrected(g) else None,
                high=g.high if _is_corrected(g) else None,
                corrected=_is_corrected(g),
                missing=g.missing,
                said=f"Gap, {label_of(g)}: {estimate(g.gap, g.low, g.high, whole=g.start in coded)}",
                href=leads(g) if leads else None,
            )
            for g in gaps
        ],
    )


def marks(events: Sequence[tuple[int, Event]]) -> list[Mark]:
    """Numbered events as marks on the time axis."""
    return [Mark(e.date, number, e.kind, f"{e.date.isoformat()}: {e.text}") for number, e in events]


def events_of(monitor: Monitor, dyad: Dyad) -> list[tuple[int, Event]]:
    """The events of a dyad and those of all dyads, numbered from the earliest."""
    own = [e for e in monitor.events if e.dyad is None or set(e.dyad) == {dyad.a, dyad.b}]
    return list(enumerate(sorted(own, key=lambda e: e.date), start=1))


def absences(names: Mapping[str, str], cells: Mapping[str, Sequence[TrendCell]]) -> list[Absent]:
    """Periods without a balance in words, neighbours with one reason taken together."""
    made: list[Absent] = []
    for group, rows in cells.items():
        run: list[TrendCell] = []
        for row, following in pairwise([*rows, None]):
            if row is None or row.balance is not None:
                continue
            run.append(row)
            if (
                following is None
                or following.balance is not None
                or following.missing != row.missing
                or following.start != row.end
            ):
                reason = row.missing or "no reason was stored; measure again"
                made.append(Absent(names[group], label_of(run[0]), label_of(row), len(run), reason))
                run = []
    return made


def lines(gaps: Sequence[GapCell], cells_a: Sequence[TrendCell], cells_b: Sequence[TrendCell]) -> list[Line]:
    """The table beneath the charts, newest period first."""
    by_start = [{row.start: row for row in rows} for rows in (cells_a, cells_b)]
    of_gap = {g.start: g for g in gaps}
    made = []
    for start in sorted({*of_gap, *by_start[0], *by_start[1]}, reverse=True):
        gap, a, b = of_gap.get(start), by_start[0].get(start), by_start[1].get(start)
        any_row: TrendCell | GapCell | None = gap or a or b
        if any_row is None:
            continue
        flags = [f for row in (a, b) if row is not None for f in row.flags]
        made.append(
            Line(
                label=label_of(any_row),
                start=start,
                end=any_row.end,
                gap=gap,
                a=a,
                b=b,
                flags=tuple(dict.fromkeys(str(f) for f in flags)),
                href_a=texts_address(a.group_id, a) if a else "",
                href_b=texts_address(b.group_id, b) if b else "",
            )
        )
    return made


def latest_with_value(gaps: Sequence[GapCell]) -> GapCell | None:
    """The newest period in which the gap is known."""
    return next((g for g in reversed(gaps) if g.gap is not None), None)


def reading(gap: GapCell | None, name_a: str, name_b: str, coded: Collection[date] = ()) -> str:
    """A gap as a sentence that claims no more than its interval allows. coded: see :func:`both_all_coded`."""
    if gap is None:
        return "No period has a gap yet: at least one of the two groups has no balance."
    if gap.gap is None:
        return f"{label_of(gap)}: no gap ({gap.missing or 'no reason stored'})."
    low, high = (gap.low, gap.high) if _is_corrected(gap) else (None, None)
    more = name_a if gap.gap >= 0 else name_b
    less = name_b if gap.gap >= 0 else name_a
    size = f"{abs(gap.gap):.2f}"
    if low is None or high is None:
        return (
            f"{label_of(gap)}: by the model alone, {more} reads {size} more nationalist than {less}. "
            "This is uncorrected: without random codings nobody can say how far it may be off."
        )
    if gap.start in coded and high - low < NO_WIDTH:
        bounds = "every text of both is coded: no sampling error is left, only the coders' own"
    else:
        bounds = f"95% interval of the gap {interval(low, high)}"
    if low <= 0 <= high:
        return (
            f"{label_of(gap)}: a gap of {number(gap.gap)}; the interval holds zero ({bounds}): no difference is shown."
        )
    return f"{label_of(gap)}: {more} reads {size} more nationalist than {less} ({bounds})."


def latest_corrected(gaps: Sequence[GapCell]) -> GapCell | None:
    """The newest period in which the gap is known and corrected."""
    return next((g for g in reversed(gaps) if g.gap is not None and _is_corrected(g)), None)


def last_corrected(gaps: Sequence[GapCell], name_a: str, name_b: str, coded: Collection[date] = ()) -> str | None:
    """The newest corrected gap as a sentence, where the newest gap of all is uncorrected; else None."""
    newest, found = latest_with_value(gaps), latest_corrected(gaps)
    return None if found is None or found is newest else "Last corrected: " + reading(found, name_a, name_b, coded)


def texts_counted(a: TrendCell | None, b: TrendCell | None, name_a: str, name_b: str) -> str:
    """How many texts stand behind a period."""
    return " · ".join(
        f"{name}: {f'{row.texts:,} texts, {row.sources} sources, {row.codings} coded' if row else NOTHING}"
        for name, row in ((name_a, a), (name_b, b))
    )
