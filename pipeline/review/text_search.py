"""What a search for texts asks for, read from its address; and its answer in the words of a page. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from starlette.exceptions import HTTPException

from pipeline.monitor import PERIODS, Monitor
from pipeline.monitor.periods import period_of
from pipeline.review.asked import day_of, group_of, monitor_of, names_of
from pipeline.store.search.query import LONGEST_QUERY, parse, shown
from pipeline.store.texts import FACETS, MOST_HITS, NONE, Facet, Hits, Months, Order, Wanted

ANY = "any"
VALUES_SHOWN = 12
"""values of a facet that are shown, those with the most texts"""
MONTHS_SHOWN = 120
"""months of a drawing, the newest"""
LEAST_MONTHS = 24
"""months of a drawing at least, so that one or two bars are seen among others"""

ORDERS: dict[Order, str] = {"newest": "newest first", "oldest": "oldest first", "best": "best match first"}
_TITLES: dict[Facet, str] = {
    "group": "Group",
    "source": "Source",
    "language": "Language",
    "speaker": "Who speaks",
    "label": "Read as",
}
_SPEAKERS = {"own": "the group itself", "observer": "someone about it"}
_NONE: dict[Facet, str] = {"group": "no group", "language": "language unknown", "label": "not framed"}

_Value = Annotated[str, Query(max_length=60)]


def _days(start: str, end: str) -> tuple[date | None, date | None]:
    """The first day and the first day after the last; 422 in words for what is no day, or no stretch of days."""
    first, last = day_of(start), day_of(end)
    if first is not None and last is not None and first >= last:
        raise HTTPException(
            422, f"The period ends before it starts: no text is published from {first} on and before {last}."
        )
    return first, last


@dataclass(frozen=True)
class AskedTexts:
    """A search, as its address asks for it."""

    monitor: Monitor
    typed: str
    days: tuple[str, str]
    """first day, and first day after the last, as they were typed"""
    wanted: Wanted
    order: Order
    problem: str | None = None
    """what is wrong with the days, in words; then ``wanted`` has none"""

    @property
    def refused(self) -> str | None:
        """Why nothing is searched, in words: the days, or the words that are looked for."""
        return self.problem or (self.wanted.query.problem if self.wanted.query else None)

    @property
    def searches(self) -> bool:
        """Whether words are looked for."""
        return self.wanted.query is not None

    @property
    def narrows(self) -> bool:
        """Whether it asks for a part of what a group published: only then is its share of a month worth a drawing."""
        facets = ("source", "language", "label")
        return self.searches or self.wanted.names is not None or any(facet in self.wanted.only for facet in facets)

    @property
    def state(self) -> dict[str, str]:
        """What an address needs to say to ask for the same, without what it need not."""
        wanted = self.wanted
        said: dict[str, str] = {"q": self.typed.strip()}
        said |= {str(facet): value for facet, value in wanted.only.items()}
        said |= {"names": wanted.names} if wanted.names else {}
        said |= {"start": f"{wanted.start}"} if wanted.start else {}
        said |= {"end": f"{wanted.end}"} if wanted.end else {}
        said |= {"counting": "1"} if wanted.counting else {}
        said["order"] = "" if self.order == "newest" else self.order
        return {name: value for name, value in said.items() if value}

    def query(self, **changes: str | None) -> str:
        """The query of an address that asks for the same, but for ``changes``; None: without it."""
        said: dict[str, str | None] = {**self.state, **changes}
        if said.get("group") and not said.get("speaker"):
            said["speaker"] = ANY  # a group and two days alone ask for the texts of a cell, which are its own
        return urlencode({name: value for name, value in said.items() if value})

    @property
    def cell(self) -> str | None:
        """The cell's name where all its own texts are asked for, and nothing else: "2025-Q1", or its days."""
        wanted = self.wanted
        plain = set(wanted.only) == {"group", "speaker"} and wanted.only["speaker"] == "own"
        if self.searches or wanted.counting or not plain or wanted.start is None or wanted.end is None:
            return None
        for kind in PERIODS:
            span = period_of(kind, wanted.start)
            if (span.start, span.end) == (wanted.start, wanted.end):
                return span.label
        return f"{wanted.start} to {wanted.end}"

    @property
    def words(self) -> list[str]:
        """Everything that is asked for, a few words each, so that a figure says how it was made."""
        wanted, names = self.wanted, names_of(self.monitor)
        said = [*shown(wanted.query)] if wanted.query else []
        said += [
            f"{_TITLES[facet].lower()}: {value_in_words(facet, value, names)}" for facet, value in wanted.only.items()
        ]
        said += [f"naming {names.get(wanted.names, wanted.names)}"] if wanted.names else []
        said += [f"published from {wanted.start}"] if wanted.start else []
        said += [f"published before {wanted.end}"] if wanted.end else []
        said += ["only texts that count"] if wanted.counting else []
        return said


def asked_texts(
    request: Request,
    monitor: str,
    *,
    q: Annotated[
        str, Query(max_length=LONGEST_QUERY, description='words, "phrases", this OR that, -excluded, begin*')
    ] = "",
    group: Annotated[str, Query(max_length=60, description="a group's identifier, or none")] = "",
    source: Annotated[str, Query(max_length=120)] = "",
    language: Annotated[str, Query(max_length=20, description="a language's code, or none")] = "",
    speaker: Annotated[
        Literal["", "own", "observer", "any"], Query(description="own where a group and both days are given, else any")
    ] = "",
    label: Annotated[str, Query(max_length=60, description="what the model in force reads it as, or none")] = "",
    start: Annotated[str, Query(max_length=40, description="first day of publication, YYYY-MM-DD, UTC")] = "",
    end: Annotated[str, Query(max_length=40, description="first day after the last, YYYY-MM-DD, UTC")] = "",
    counting: Annotated[bool, Query(description="only the first publication of each text")] = False,
    names: Annotated[
        str,
        Query(
            max_length=60,
            description="a group: only texts that were counted as naming it, which are own texts that have a date and "
            "count; implies counting",
        ),
    ] = "",
    order: Annotated[Literal["", "newest", "oldest", "best"], Query()] = "",
) -> AskedTexts:
    """Read a search: 404 for an unknown monitor or group. What is wrong otherwise is left to whoever asks."""
    watched_by = monitor_of(request, monitor)
    if group and group != NONE:
        group_of(watched_by, group)
    if names:
        group_of(watched_by, names)
    problem: str | None = None
    try:
        first, last = _days(start, end)
    except HTTPException as error:
        first, last, problem = None, None, error.detail
    is_cell = bool(group and start and end and not (q.strip() or source or language or label or speaker or names))
    who = "own" if is_cell else "" if speaker == ANY else speaker
    values: dict[Facet, str] = {"group": group, "source": source, "language": language, "speaker": who, "label": label}
    only = {facet: values[facet] for facet in FACETS if values[facet]}
    query = parse(q) if q.strip() else None
    chosen: Order = next((one for one in get_args(Order) if one == order), "oldest" if is_cell else "newest")
    # reposts are not looked through for names, so that a share of them would be wrong
    wanted = Wanted(watched_by.name, query, first, last, only, counting or bool(names), names or None)
    return AskedTexts(watched_by, q, (start, end), wanted, chosen, problem)


Typed = Annotated[AskedTexts, Depends(asked_texts)]
"""A search of the page, which shows its form again where something can't be meant."""


def without_problem(asked: Typed) -> AskedTexts:
    """A search that can be meant; else 422."""
    if asked.refused:
        raise HTTPException(422, asked.refused)
    return asked


Asked = Annotated[AskedTexts, Depends(without_problem)]
"""A search of a file or of the API."""


def value_in_words(facet: Facet, value: str, names: Mapping[str, str]) -> str:
    """A value of a facet as people read it."""
    if value == NONE and facet in _NONE:
        return _NONE[facet]
    if facet == "speaker":
        return _SPEAKERS.get(value, value)
    return names.get(value, value) if facet == "group" else value


@dataclass(frozen=True)
class FacetValue:
    """A value that hits have, and the address that asks for those only (or, where it is chosen, for all)."""

    value: str
    said: str
    number: int
    share: float
    """of the hits that are counted"""
    href: str
    chosen: bool


@dataclass(frozen=True)
class FacetShown:
    """What hits are counted by."""

    title: str
    values: list[FacetValue]
    left_out: int
    """values that are not shown"""


def facets(asked: AskedTexts, hits: Hits) -> list[FacetShown]:
    """Every facet with its values, the most frequent first, and the years."""
    names, many = names_of(asked.monitor), max(1, len(hits.hits))
    made = []
    for facet in FACETS:
        chosen = asked.wanted.only.get(facet)
        counted = hits.counts(facet)
        if chosen is not None and all(value != chosen for value, _ in counted):
            counted = [(chosen, 0), *counted]
        values = [
            FacetValue(
                value,
                value_in_words(facet, value, names),
                number,
                number / many,
                "?" + asked.query(**{facet: None if value == chosen else value}),
                value == chosen,
            )
            for value, number in counted[:VALUES_SHOWN]
        ]
        made.append(FacetShown(_TITLES[facet], values, max(0, len(counted) - VALUES_SHOWN)))
    return [*made, _years(asked, hits, many)]


def _years(asked: AskedTexts, hits: Hits, many: int) -> FacetShown:
    values = []
    for year, number in reversed(hits.years[-VALUES_SHOWN:]):
        days = {"start": f"{year:04}-01-01", "end": f"{year + 1:04}-01-01"}
        chosen = (str(asked.wanted.start), str(asked.wanted.end)) == (days["start"], days["end"])
        changes: dict[str, str | None] = {"start": None, "end": None} if chosen else dict(days)
        values.append(FacetValue(str(year), str(year), number, number / many, "?" + asked.query(**changes), chosen))
    return FacetShown("Year", values, max(0, len(hits.years) - VALUES_SHOWN))


@dataclass(frozen=True)
class Month:
    """How much of what a group published in a month was found."""

    start: date
    found: int
    of: int | None
    """the group's own texts of the month; null: not counted"""

    @property
    def share(self) -> float | None:
        """Null without texts, and where more was found than had been counted: it was counted before."""
        return self.found / self.of if self.of and self.found <= self.of else None


@dataclass(frozen=True)
class Attention:
    """A group's months, up to the last in which anything was found."""

    group: str
    name: str
    months: list[Month]

    @property
    def most(self) -> float:
        """The greatest share."""
        return max((month.share or 0.0 for month in self.months), default=0.0)

    @property
    def found(self) -> int:
        return sum(month.found for month in self.months)


def months_of(hits: Hits, wanted: Wanted) -> tuple[list[str], date, date] | None:
    """The groups that were found and the months from the first to the last, the newest only; None without any.

    Only months that lie whole in the days that are asked for: of part of a month no share can be told.
    """
    whole = {
        (group, month)
        for group, month in hits.months
        if (wanted.start is None or wanted.start <= month) and (wanted.end is None or _month(month, 1) <= wanted.end)
    }
    if not whole:
        return None
    last = max(month for _, month in whole)
    first = min(month for _, month in whole)
    earliest, latest = (_month(last, -months + 1) for months in (MONTHS_SHOWN, LEAST_MONTHS))
    begin = min(max(first, earliest), latest)
    if wanted.start is not None and begin < wanted.start:
        begin = _month(wanted.start, 0 if wanted.start.day == 1 else 1)
    return sorted({group for group, _ in whole}), begin, last


def _month(start: date, later: int) -> date:
    """The month so many months after the one that begins at ``start``; none before the calendar's first."""
    number = max(12, start.year * 12 + start.month - 1 + later)
    return date(number // 12, number % 12 + 1, 1)


def attention(names: Mapping[str, str], hits: Hits, counted: Months, first: date, last: date) -> list[Attention]:
    """Per group that was found its share of each month. Months in which it published nothing are None."""
    many = (last.year - first.year) * 12 + last.month - first.month + 1
    every = [_month(first, later) for later in range(many)]
    groups = [group for group in names if any((group, month) in hits.months for month in every)]
    return [
        Attention(
            group,
            names[group],
            [Month(m, hits.months.get((group, m), 0), counted.texts.get((group, m))) for m in every],
        )
        for group in groups
    ]


def how_many(hits: Hits) -> str:
    """The number of hits in words."""
    if hits.more:
        return f"more than {MOST_HITS:,} texts"
    return f"{len(hits.hits):,} text{'' if len(hits.hits) == 1 else 's'}"


EXPORTED = (
    "id", "title", "address", "group", "speaker", "source", "language", "published_at", "published_origin", "counts",
    "label", "p_nationalist", "p_universalist", "withheld",
)  # fmt: skip
"""columns of a file of hits; with their texts also ``text``"""


def exported(rows: Sequence[Any], with_text: bool) -> list[list[Any]]:
    """Rows (:class:`pipeline.store.texts.Shown`) as the file has them."""
    columns = (*EXPORTED, "text") if with_text else EXPORTED
    return [[getattr(row, name) for name in columns] for row in rows]
