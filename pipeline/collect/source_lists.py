"""A monitor's web sources as OPML, for feed readers; an OPML file as YAML sources. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from pipeline.collect.kinds import opml
from pipeline.collect.kinds.opml import Outline
from pipeline.monitor import FeedSource, Monitor, Source, WebSource

_SOURCE: TypeAdapter[Any] = TypeAdapter(Source)


# Out


def to_opml(monitor: Monitor, listed: Mapping[str, opml.FeedList]) -> bytes:
    """The web sources of a monitor as OPML: a folder for each group, in it one for each source.

    Feeds are outlines with xmlUrl, other addresses (sitemaps, listings, home pages, archived pages) links. The whole
    source stands beside as JSON, so that :func:`from_opml` makes it again. ``listed``: by source id, the feeds of its
    OPML file, which are written out.
    """
    names = {group.id: group.name for group in monitor.groups}
    folders: dict[str, list[Outline]] = {}
    for source in monitor.sources:
        if isinstance(source, WebSource):
            outline = _outline(source, listed.get(source.id))
            folders.setdefault(names.get(source.group or "", "Without a group"), []).append(outline)
    return opml.write(monitor.title, (Outline(title=name, children=tuple(inside)) for name, inside in folders.items()))


def not_listed(monitor: Monitor) -> list[str]:
    """Ids of the sources that are no web sources, so that no list of addresses can hold them."""
    return [source.id for source in monitor.sources if not isinstance(source, WebSource)]


def _outline(source: Any, listed: opml.FeedList | None) -> Outline:
    entry = source.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    addresses = [str(address) for address in source.addresses]
    titles: dict[str, str] = {}
    if listed is not None:
        titles = {address: outline.title for address, outline in listed.feeds.items()}
        addresses = list(dict.fromkeys([*addresses, *listed.feeds]))
        entry.pop("opml", None)
        entry["addresses"] = addresses
    is_feed = isinstance(source, FeedSource)
    inside = [
        Outline(title=titles.get(one) or one, feed=one) if is_feed else Outline(title=one, page=one)
        for one in addresses
    ]
    if is_feed:
        inside += [Outline(title=str(one), page=str(one)) for one in source.home_pages]
    return Outline(
        title=source.id, source=json.dumps(entry, ensure_ascii=False, sort_keys=True), children=tuple(inside)
    )


# In


@dataclass(frozen=True)
class Imported:
    """What an OPML file gives."""

    text: str
    """YAML: the sources, to be put under ``sources:`` of a monitor"""
    sources: int
    feeds: int
    problems: tuple[str, ...]


@dataclass(frozen=True)
class _Made:
    entry: dict[str, Any]
    comments: tuple[str, ...] = ()


def from_opml(body: bytes, *, name: str, group: str | None, speaker: str) -> Imported:
    """The sources that an OPML file names, as YAML.

    A feed becomes a source of its own, and so does a page whose feed is to be looked for; a folder that
    :func:`to_opml` wrote becomes the source it was. Titles and folders stand beside as comments. ``group``: of all;
    null: it stays open, and the folder is proposed. Raises :class:`~pipeline.collect.kinds.opml.OpmlError`.
    """
    read = opml.read(body)
    folders = [outline for outline in read.all() if outline.source is not None]
    inside = {child for folder in folders for child in folder.all()}
    pages = {one.page: one for one in read.all() if one.page and not (one.feed or one.children or one in inside)}
    named = opml.feeds(read, {*inside, *pages.values()})
    problems = list(named.problems)
    made: list[_Made] = []
    for folder in folders:
        try:
            made.append(_again(folder))
        except ValueError as error:
            problems.append(f"source {folder.title[:60]!r} is read as a plain list: {error}")
    taken = {address for one in made for address in one.entry.get("addresses", [])}
    for address, outline in named.feeds.items():
        if address not in taken:
            made.append(_Made({"kind": "feed", "addresses": [address]}, tuple(_said(outline, group))))
    for written, outline in pages.items():
        try:
            page = opml.address_of(written)
        except ValueError as error:
            problems.append(f"outline {outline.title[:60]!r} is left out: {error}")
        else:
            made.append(_Made({"kind": "feed", "home_pages": [page]}, tuple(_said(outline, group))))
    feeds = sum(len(one.entry.get("addresses", [])) for one in made if one.entry["kind"] == "feed")
    return Imported(_yaml(made, name, group, speaker), len(made), feeds, tuple(problems))


def _again(outline: Outline) -> _Made:
    """A source that was written out by :func:`to_opml`. Feeds that were put into its folder since are its own."""
    try:
        entry = json.loads(outline.source or "")
        source = _SOURCE.validate_python(entry)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise ValueError(f"{where}: {error.errors()[0]['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if isinstance(source, FeedSource):
        added = [address for child in outline.children if (address := _address(child))]
        addresses = list(dict.fromkeys([*map(str, source.addresses), *added]))
        entry |= {"addresses": addresses} if addresses else {}
    return _Made(entry)


def _address(outline: Outline) -> str | None:
    try:
        return opml.address_of(outline.feed) if outline.feed else None
    except ValueError:
        return None


def _said(outline: Outline, group: str | None) -> Iterator[str]:
    if outline.title:
        yield outline.title
    if outline.categories:
        yield f"in: {' / '.join(outline.categories)}"
        if group is None and (proposed := slug(outline.categories[0])):
            yield f"group: {proposed}"


def slug(text: str) -> str:
    """Text as an identifier; empty where it has no Latin letters or digits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")


def _id(one: _Made, used: set[str]) -> str:
    """The source's own id, else one out of its title or host; never twice."""
    addresses = [*one.entry.get("addresses", []), *one.entry.get("home_pages", [])]
    host = (urlsplit(addresses[0]).hostname or "").removeprefix("www.") if addresses else ""
    title = next((said for said in one.comments if not said.startswith(("in: ", "group: "))), "")
    wanted = str(one.entry.get("id") or "") or slug(title) or slug(host) or "source"
    made, number = wanted, 1
    while made in used:
        number += 1
        made = f"{wanted}-{number}"
    used.add(made)
    return made


def _yaml(made: list[_Made], name: str, group: str | None, speaker: str) -> str:
    sources = CommentedSeq()
    used: set[str] = set()
    for number, one in enumerate(made):
        entry = CommentedMap({"id": _id(one, used)})
        entry["kind"] = one.entry["kind"]
        if (whose := one.entry.get("group") or group) is not None:
            entry["group"] = whose
        entry["speaker"] = one.entry.get("speaker") or speaker
        entry.update({key: value for key, value in one.entry.items() if key not in entry})
        sources.append(entry)
        if one.comments:
            sources.yaml_set_comment_before_after_key(number, "\n".join(map(_printable, one.comments)), indent=2)
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    out = StringIO()
    yaml.dump(CommentedMap({"sources": sources}), out)
    said = f"# From {_printable(name)}. Check group and speaker of each: own, when the group itself speaks."
    return f"{said}\n{out.getvalue()}"


def _printable(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())[:200]
