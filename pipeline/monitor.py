"""The monitor: one YAML file that says what is watched, as typed and validated objects.

``load_monitor`` either returns a :class:`Monitor` or raises :class:`MonitorError`, whose problems name the
file, the line, the field and what to do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import soupsieve
from croniter import croniter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

Period = Literal["week", "month", "quarter", "year"]
Day = date
"""A day; an event's field `date` hides the class of that name."""
PERIODS: tuple[Period, ...] = ("week", "month", "quarter", "year")


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", value):
        raise ValueError("write it with small letters, digits, - and _ only (it becomes part of DAG names)")
    return value


def _selector(value: str) -> str:
    try:
        soupsieve.compile(value)
    except soupsieve.SelectorSyntaxError as error:
        raise ValueError(f"not a CSS selector ({str(error).splitlines()[0]}); test it in a browser's console") from None
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression ({error}); escape dots and brackets with a backslash") from None
    return value


def _schedule(value: str | None) -> str | None:
    if value is not None and not croniter.is_valid(value):
        raise ValueError("not a schedule; write @hourly, @daily, @weekly or five cron fields such as '30 6 * * *'")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", value):
        raise ValueError("is no language code; write two or three letters, such as en, ar, fa or ps")
    return value


def _without_credentials(value: HttpUrl) -> HttpUrl:
    if value.username or value.password:
        raise ValueError("holds a user name or password; only public pages are collected, remove it")
    return value


def _no_repeats(value: list[Any]) -> list[Any]:
    for i, one in enumerate(value):
        if one in value[:i]:
            raise ValueError(f"{one!r} stands twice; remove one")
    return value


def _host_port(value: str) -> str:
    if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}", value) or int(value.rpartition(":")[2]) > 65535:
        raise ValueError("write exactly host:port, for example 127.0.0.1:8471 (no scheme, no path, no wildcard)")
    return value


Identifier = Annotated[str, AfterValidator(_identifier)]
Selector = Annotated[str, AfterValidator(_selector)]
Pattern = Annotated[str, AfterValidator(_pattern)]
HostPort = Annotated[str, AfterValidator(_host_port)]
Language = Annotated[str, AfterValidator(_language)]
Address = Annotated[HttpUrl, AfterValidator(_without_credentials)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(_Part):
    """An organisation or current whose discourse is tracked."""

    id: Identifier = Field(description="Short name by which the rest of the file speaks of it.")
    name: str = Field(description="Name as pages show it.")
    aliases: dict[Language, list[str]] = Field(
        default_factory=dict,
        description="Names by language code; masked before training, so that framing is learnt and not the speaker.",
    )
    description: str = Field(default="", description="Who they are.")


class Outage(_Part):
    """A time in which a source is known not to have been reachable; its cells are missing, not silent."""

    start: date = Field(description="First day.")
    end: date = Field(description="Last day.")
    reason: str = Field(description="Shown with the missing periods.")

    @model_validator(mode="after")
    def _ordered(self) -> Outage:
        if self.end < self.start:
            raise ValueError("end lies before start; swap them")
        return self


class _Source(_Part):
    id: Identifier = Field(description="Part of the name of its DAG.")
    group: Identifier | None = Field(default=None, description="Whose texts these are; may be left out for observers.")
    speaker: Literal["own", "observer"] = Field(
        description="own: the group speaks (enters its trend). observer: someone writes about it (does not)."
    )
    schedule: Annotated[str | None, AfterValidator(_schedule)] = Field(
        default="@daily", description="When Airflow collects: a preset, five cron fields, or null for by hand only."
    )
    language: Language | None = Field(
        default=None, description="Language code when the whole source has one; else detected."
    )
    earliest: date | None = Field(default=date(1990, 1, 1), description="A text dated before this has a wrong date.")
    outages: list[Outage] = Field(default_factory=list, description="Times in which it is known to have been down.")


class _WebSource(_Source):
    delay: float | None = Field(
        default=None, ge=0, description="Seconds between two requests to a host; a longer Crawl-delay wins."
    )
    include: Pattern | None = Field(
        default=None, description="Only addresses in which this regular expression is found."
    )
    exclude: Pattern | None = Field(default=None, description="No address in which this is found.")
    text_selector: Selector | None = Field(
        default=None, description="The element that holds the text, where extraction misses it."
    )
    date_selector: Selector | None = Field(default=None, description="The element that holds the date of publication.")
    title_selector: Selector | None = Field(default=None, description="The element that holds the title.")


class FeedSource(_WebSource):
    """RSS, Atom or JSON feeds."""

    kind: Literal["feed"] = Field(description="Always `feed`.")
    addresses: list[Address] = Field(min_length=1, description="The feeds.")
    fetch_pages: bool = Field(
        default=True, description="false: discovery only, the pages stay pending in the frontier."
    )


class SitemapSource(_WebSource):
    """Sitemaps and sitemap indexes, plain or gzip."""

    kind: Literal["sitemap"] = Field(description="Always `sitemap`.")
    addresses: list[Address] = Field(min_length=1, description="The sitemaps or sitemap indexes.")


class ListingSource(_WebSource):
    """Pages that list links to texts, with pagination."""

    kind: Literal["listing"] = Field(description="Always `listing`.")
    addresses: list[Address] = Field(min_length=1, description="The first listing pages.")
    link_selector: Selector = Field(description="Every link to a text on a listing page.")
    next_selector: Selector | None = Field(default=None, description="The link to the next listing page.")
    max_pages: int = Field(default=1000, ge=1, description="Stop after so many listing pages; reported when it bites.")


class WarcSource(_Source):
    """Local WARC or ARC files and folders."""

    kind: Literal["warc"] = Field(description="Always `warc`.")
    paths: list[Path] = Field(min_length=1, description="Files or folders, relative to the monitor file.")
    include: Pattern | None = Field(
        default=None, description="Only addresses in which this regular expression is found."
    )
    exclude: Pattern | None = Field(default=None, description="No address in which this is found.")


class TableColumns(_Part):
    """Which column of a table means what."""

    text: str = Field(description="The text itself.")
    date: str = Field(description="Date of publication.")
    id: str | None = Field(default=None, description="Identifies a row; without it the row's text does.")
    title: str | None = Field(default=None, description="Title.")
    address: str | None = Field(default=None, description="Where the text was published.")
    language: str | None = Field(default=None, description="Language code.")
    group: str | None = Field(
        default=None, description="Column that names the group; its values are mapped in `groups`."
    )
    source: str | None = Field(default=None, description="Column that names the source within the table.")


class TableSource(_Source):
    """A CSV, JSONL or Parquet file whose rows are texts."""

    kind: Literal["table"] = Field(description="Always `table`.")
    path: Path = Field(description="File, relative to the monitor file; .gz is read too.")
    columns: TableColumns = Field(description="Which column means what.")
    groups: dict[str, Identifier] = Field(
        default_factory=dict, description="Value of the group column -> group id; rows of other values are left out."
    )
    date_format: str | None = Field(
        default=None, description="strptime format; without it dates are ISO 8601 or a year."
    )
    earliest: date | None = Field(default=None, description="A text dated before this has a wrong date.")
    schedule: Annotated[str | None, AfterValidator(_schedule)] = Field(
        default=None, description="When Airflow imports it; by hand only when left out."
    )


Source = Annotated[FeedSource | SitemapSource | ListingSource | WarcSource | TableSource, Field(discriminator="kind")]


class Dyad(_Part):
    """An ordered pair of groups; its gap is the balance of `a` minus the balance of `b`."""

    a: Identifier = Field(description="A group.")
    b: Identifier = Field(description="Another group.")

    @property
    def id(self) -> str:
        return f"{self.a}--{self.b}"


class Event(_Part):
    """A dated outside fact, drawn on charts."""

    date: Day = Field(description="The day, YYYY-MM-DD.")
    dyad: tuple[Identifier, Identifier] | None = Field(default=None, description="Whom it concerns; all when left out.")
    kind: Literal["statement", "quarrel", "split", "no-split", "reconciliation", "rename", "other"] = Field(
        description="What it was; no-split: watched, and did not break."
    )
    text: str = Field(description="What happened, in a few words.")
    reference: str = Field(description="Where this can be read.")


class Monitor(_Part):
    """What is watched."""

    name: Identifier = Field(description="Part of every DAG's name; rows in the store carry it.")
    title: str = Field(description="Name as pages show it.")
    description: str = Field(default="", description="What is watched and why.")
    since: date | None = Field(default=None, description="First day the trend tables speak of; else the first text's.")
    until: date | None = Field(default=None, description="Last day the trend tables speak of; else today.")
    periods: Annotated[list[Period], AfterValidator(_no_repeats)] = Field(
        default=["week", "month", "quarter"], min_length=1, description="The trend table's periods (UTC, ISO weeks)."
    )
    audit_period: Period = Field(default="quarter", description="Random codings correct the model over this period.")
    groups: list[Group] = Field(min_length=1, description="Whose discourse is tracked.")
    sources: list[Source] = Field(min_length=1, description="Where their texts appear.")
    dyads: list[Dyad] = Field(default_factory=list, description="Ordered pairs of groups; `[a, b]` for short.")
    events: list[Event] = Field(default_factory=list, description="Dated outside facts.")
    allowed_addresses: list[HostPort] = Field(
        default_factory=list,
        description="Loopback or private host:port that may be fetched all the same. Exact; for tests and demos.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_dyads(cls, data: Any) -> Any:
        """`[a, b]` is short for `{a: a, b: b}`."""
        if isinstance(data, dict) and isinstance(data.get("dyads"), list):
            dyads = [{"a": d[0], "b": d[1]} if isinstance(d, list) and len(d) == 2 else d for d in data["dyads"]]
            return {**data, "dyads": dyads}
        return data

    def group(self, group_id: str) -> Group:
        """The group of this id; KeyError when there is none."""
        for group in self.groups:
            if group.id == group_id:
                return group
        raise KeyError(group_id)

    def source(self, source_id: str) -> Source:
        """The source of this id; KeyError when there is none."""
        for source in self.sources:
            if source.id == source_id:
                return source
        raise KeyError(source_id)

    def sources_of(self, group_id: str) -> list[Source]:
        """The sources in which the group itself speaks."""
        return [
            s
            for s in self.sources
            if s.speaker == "own" and (s.group == group_id or (s.kind == "table" and group_id in s.groups.values()))
        ]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a monitor file, and the mend."""

    file: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


class MonitorError(ValueError):
    """A monitor file that can't be used; says everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


_MENDS = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not a field here; remove it or check the spelling ({known})",
    "union_tag_invalid": "unknown kind; write one of {expected_tags}",
    "union_tag_not_found": "has no kind; add kind: feed, sitemap, listing, warc or table",
    "literal_error": "is {input!r}; write one of {expected}",
    "url_parsing": "is no address ({error}); write it in full with https://",
    "url_scheme": "only http and https addresses are collected",
    "date_from_datetime_parsing": "is no date; write YYYY-MM-DD",
    "date_parsing": "is no date; write YYYY-MM-DD",
    "too_short": "is empty; list at least one",
    "list_type": "is no list; write one entry a line, each after a dash",
    "dict_type": "is no mapping; write `name: value` lines",
    "model_type": "is no mapping; write `name: value` lines ({known})",
    "model_attributes_type": "is no mapping; write `name: value` lines ({known})",
    "string_type": "is no text; put it in quotes",
    "float_parsing": "is no number",
    "float_type": "is no number",
    "int_parsing": "is no whole number",
    "int_type": "is no whole number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "date_type": "is no date; write YYYY-MM-DD",
    "greater_than_equal": "is {input!r}; write {ge} or more",
}


def _line(node: Any, path: tuple[Any, ...]) -> int:
    """Line (from 1) of the value at ``path`` in the YAML tree, or of its nearest parent that exists."""
    line = 0
    for key in path:
        try:
            if isinstance(node, CommentedMap):
                line = node.lc.key(key)[0]
            elif isinstance(node, CommentedSeq):
                line = node.lc.item(key)[0]
            else:
                break
            node = node[key]
        except (KeyError, IndexError, TypeError):
            break
    return line + 1


def _field(path: tuple[Any, ...]) -> str:
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text or "(the file)"


_TAGS = {"feed", "sitemap", "listing", "warc", "table"}


def _known_fields(path: tuple[Any, ...], tags: list[str]) -> str:
    models: dict[str, type[BaseModel]] = {
        "feed": FeedSource,
        "sitemap": SitemapSource,
        "listing": ListingSource,
        "warc": WarcSource,
        "table": TableSource,
        "groups": Group,
        "dyads": Dyad,
        "events": Event,
        "outages": Outage,
        "columns": TableColumns,
    }
    names = [p for p in path[:-1] if isinstance(p, str)]
    inner = names[-1] if names and names[-1] in models else tags[-1] if tags else ""
    model = models.get(inner, Monitor)
    return "known: " + ", ".join(model.model_fields)


def _from_pydantic(file: Path, tree: Any, error: ValidationError) -> Iterator[Problem]:
    for item in error.errors():
        # pydantic puts the tag of a union ("feed") into the path; the file has no such level
        raw = item["loc"]
        tags = [p for i, p in enumerate(raw) if p in _TAGS and i == 2 and raw[0] == "sources"]
        path = tuple(p for i, p in enumerate(raw) if not (i == 2 and raw[0] == "sources" and p in _TAGS))
        message = item["msg"].removeprefix("Value error, ")
        if mend := _MENDS.get(item["type"]):
            context = dict(item.get("ctx", {}))
            message = mend.format(
                **{"expected": "", "expected_tags": "", "error": "", "ge": "", **context},
                input=item["input"],
                known=_known_fields(path, [str(t) for t in tags]),
            )
        if item["type"].startswith("union_tag"):
            path = (*path, "kind")
        yield Problem(file, _line(tree, path), _field(path), message)


class _CrossChecks:
    """What no single field can know: that names refer to something, and only to one thing."""

    def __init__(self, monitor: Monitor, file: Path, tree: Any) -> None:
        self.monitor, self.file, self.tree = monitor, file, tree
        self.groups = {g.id for g in monitor.groups}

    def problem(self, path: tuple[Any, ...], message: str) -> Problem:
        return Problem(self.file, _line(self.tree, path), _field(path), message)

    def group_exists(self, path: tuple[Any, ...], group: str | None) -> Iterator[Problem]:
        if group is not None and group not in self.groups:
            known = ", ".join(sorted(self.groups))
            yield self.problem(path, f"unknown group {group!r}; write one of {known}")

    def ids_are_unique(self, section: str, ids: list[str]) -> Iterator[Problem]:
        for duplicate in (i for i, n in Counter(ids).items() if n > 1):
            last = len(ids) - 1 - ids[::-1].index(duplicate)
            yield self.problem((section, last, "id"), f"{duplicate!r} stands twice; give each its own id")

    def source(self, i: int, source: Source) -> Iterator[Problem]:
        path = ("sources", i)
        yield from self.group_exists((*path, "group"), source.group)
        maps_groups = source.kind == "table" and source.columns.group is not None
        if source.speaker == "own" and source.group is None and not maps_groups:
            yield self.problem(path, "speaker is own but no group is named; add group")
        if source.kind == "table":
            for value, group in source.groups.items():
                yield from self.group_exists((*path, "groups", value), group)
            if maps_groups and not source.groups:
                yield self.problem(path, "a group column needs `groups`, the map of its values to group ids")

    def dyad(self, i: int, dyad: Dyad) -> Iterator[Problem]:
        for side in (dyad.a, dyad.b):
            yield from self.group_exists(("dyads", i), side)
        if dyad.a == dyad.b:
            yield self.problem(("dyads", i), "a dyad needs two different groups")

    def all(self) -> Iterator[Problem]:
        monitor = self.monitor
        yield from self.ids_are_unique("groups", [g.id for g in monitor.groups])
        yield from self.ids_are_unique("sources", [s.id for s in monitor.sources])
        for i, source in enumerate(monitor.sources):
            yield from self.source(i, source)
        for i, dyad in enumerate(monitor.dyads):
            yield from self.dyad(i, dyad)
            if dyad in monitor.dyads[:i]:
                yield self.problem(("dyads", i), f"{dyad.a} and {dyad.b} stand twice; remove one")
        for i, event in enumerate(monitor.events):
            for side in event.dyad or ():
                yield from self.group_exists(("events", i, "dyad"), side)
        if monitor.since and monitor.until and monitor.until < monitor.since:
            yield self.problem(("until",), "until lies before since; swap them")


_YAML_MENDS = {
    "found": "quote the value if * or & is part of it",
}


def _line_of_impossible_date(text: str) -> int | None:
    """Line (from 1) of the first thing that is written like a date and is none."""
    for number, line in enumerate(text.splitlines(), start=1):
        for found in re.findall(r"\b\d{4}-\d{1,2}-\d{1,2}\b", line):
            try:
                date(*map(int, found.split("-")))
            except ValueError:
                return number
    return None


def load_monitor(file: Path) -> Monitor:
    """The monitor in ``file``.

    Relative paths in it are made absolute against the file's folder. Raises :class:`MonitorError`.
    """
    yaml = YAML()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise MonitorError([Problem(file, 1, "(the file)", f"can't be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise MonitorError([Problem(file, 1, "(the file)", "is not UTF-8; save it as UTF-8")]) from None
    try:
        tree = yaml.load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MonitorError(
            [Problem(file, line, "(the file)", f"not YAML: {error.problem}; check the indentation")]
        ) from None
    except (YAMLError, ValueError) as error:
        # a ValueError comes from a value that looks like a date and is none, such as 2009-13-19
        line = _line_of_impossible_date(text)
        mend = "write a date that exists, as YYYY-MM-DD" if line else "check the spelling"
        raise MonitorError([Problem(file, line or 1, "(the file)", f"not YAML: {error}; {mend}")]) from None
    if not isinstance(tree, CommentedMap):
        raise MonitorError([Problem(file, 1, "(the file)", "is empty or no mapping; start with name: and title:")])
    try:
        monitor = Monitor.model_validate(_plain(tree))
    except ValidationError as error:
        raise MonitorError(sorted(_from_pydantic(file, tree, error), key=lambda p: p.line)) from None
    monitor = _anchor_paths(monitor, file.resolve().parent)
    problems = list(_CrossChecks(monitor, file, tree).all())
    if problems:
        raise MonitorError(problems)
    return monitor


def _plain(node: Any) -> Any:
    """ruamel's commented tree as plain dicts and lists, so that validation sees ordinary Python."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _anchor_paths(monitor: Monitor, folder: Path) -> Monitor:
    def anchored(source: Any) -> Any:
        if source.kind == "warc":
            return source.model_copy(update={"paths": [folder / p for p in source.paths]})
        if source.kind == "table":
            return source.model_copy(update={"path": folder / source.path})
        return source

    return monitor.model_copy(update={"sources": [anchored(s) for s in monitor.sources]})


def missing_files(file: Path, monitor: Monitor) -> list[Problem]:
    """Files and folders that the sources of a monitor name and that are not there now."""
    tree = YAML().load(file.read_text(encoding="utf-8"))
    problems = []
    for i, source in enumerate(monitor.sources):
        named: list[tuple[tuple[Any, ...], Path]] = []
        if source.kind == "table":
            named = [(("sources", i, "path"), source.path)]
        elif source.kind == "warc":
            named = [(("sources", i, "paths", j), path) for j, path in enumerate(source.paths)]
        for at, path in named:
            if not path.exists():
                message = f"{path} is not there; correct the path (relative ones start at the monitor file)"
                problems.append(Problem(file, _line(tree, at), _field(at), message))
    return problems
