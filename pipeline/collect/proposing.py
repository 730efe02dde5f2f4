"""A source for an address that somebody pasted: its feed, else its sitemap, else its list of links, tried and as YAML.

Every request is a run's own: the guard, robots.txt, the pace. Nothing is kept of what is found, and no file is changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any
from urllib.parse import urljoin, urlsplit

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML

from pipeline.collect.failure import Failure, NotNow
from pipeline.collect.fetch import Response
from pipeline.collect.kinds.homepage import feeds_of, usual_addresses
from pipeline.collect.kinds.likely_links import likely_links
from pipeline.collect.kinds.listing_page import soup_of
from pipeline.collect.source_lists import slug
from pipeline.collect.trying import Trial, try_source, visiting
from pipeline.extract.decode import decode
from pipeline.monitor import FeedSource, Monitor, Source
from pipeline.settings import Settings

MOST_SECONDS = 25.0
"""for everything: somebody waits"""
MOST_SECONDS_A_REQUEST = 8.0
MOST_FEEDS = 3
"""feeds of a page that are tried"""
_SOURCE: TypeAdapter[Any] = TypeAdapter(Source)


class ProposalError(ValueError):
    """What was asked for can't be tried; says why and what to write."""


@dataclass
class Proposal:
    """What was found at an address."""

    address: str
    entry: dict[str, Any] | None = None
    """the source, as it stands in a monitor's file; null: nothing was found"""
    trial: Trial | None = None
    """what that source would collect"""
    tried: list[str] = field(default_factory=list)
    """what was looked for and what came of it, a sentence each"""

    @property
    def yaml(self) -> str:
        """The entry as it is to be put under ``sources:`` of the monitor's file; empty where nothing was found."""
        return "" if self.entry is None else source_yaml(self.entry)


def source_yaml(entry: dict[str, Any]) -> str:
    """One source as an item of a YAML list."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    out = StringIO()
    yaml.dump([entry], out)
    return out.getvalue()


def propose(
    settings: Settings,
    monitor: Monitor,
    address: str,
    *,
    group: str | None,
    speaker: str,
    seconds: float = MOST_SECONDS,
) -> Proposal:
    """Look for what can be collected at ``address``: it as a feed, the feeds it names, its site's sitemap, its links.

    ``group``, ``speaker``: whose source it would be. Ends after ``seconds`` with what is known by then. Raises
    :class:`ProposalError` for an address that is none, and for a speaker without a group.
    """
    address = _checked(monitor, address, group, speaker)
    settings = settings.model_copy(update={"request_seconds": min(settings.request_seconds, MOST_SECONDS_A_REQUEST)})
    found = Proposal(address)
    until = time.monotonic() + seconds
    for what, fields in _candidates(settings, monitor, found, until):
        rest = until - time.monotonic()
        if rest <= 1:
            found.tried.append(f"The {seconds:.0f} seconds for this are over; the rest was not looked at.")
            break
        entry = {"id": _id(monitor, address), "kind": fields["kind"]}
        entry |= {"group": group} if group else {}
        entry |= {"speaker": speaker} | {name: value for name, value in fields.items() if name != "kind"}
        trial = _tried(settings, monitor, entry, rest)
        if trial.links:
            found.tried.append(f"{what}: {len(trial.links):,}{'+' if trial.more else ''} links.")
            found.entry, found.trial = entry, trial
            break
        why = trial.problems[0] if trial.problems else "no link is found there"
        found.tried.append(f"{what}: {why.removeprefix(fields['addresses'][0] + ': ')}.")
    return found


def _checked(monitor: Monitor, address: str, group: str | None, speaker: str) -> str:
    address = address.strip()
    if "://" not in address:
        address = f"https://{address}"
    if speaker not in ("own", "observer"):
        raise ProposalError(f"the speaker is {speaker!r}; choose own or observer")
    if speaker == "own" and not group:
        raise ProposalError("who speaks there? Choose the group, or say that an observer writes")
    if group and all(one.id != group for one in monitor.groups):
        raise ProposalError(f"the monitor has no group {group!r}; choose one of its groups")
    try:
        FeedSource.model_validate({"id": "x", "kind": "feed", "speaker": "observer", "addresses": [address]})
    except ValidationError as error:
        raise ProposalError(
            f"this is no web address: {error.errors()[0]['msg']}; paste it whole, with https://"
        ) from None
    return address


def _id(monitor: Monitor, address: str) -> str:
    """A name out of the host, that no source of the monitor has."""
    wanted = slug((urlsplit(address).hostname or "").removeprefix("www.")) or "source"
    wanted = wanted if wanted[0].isalpha() else f"source-{wanted}"
    used, made, number = {source.id for source in monitor.sources}, wanted, 1
    while made in used:
        number += 1
        made = f"{wanted}-{number}"
    return made


def _tried(settings: Settings, monitor: Monitor, entry: dict[str, Any], seconds: float) -> Trial:
    source = _SOURCE.validate_python(entry)
    return try_source(settings, monitor.model_copy(update={"sources": [source]}), source.id, seconds=seconds)


def _candidates(
    settings: Settings, monitor: Monitor, found: Proposal, until: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What may be there, the best first: in words, and as fields of a source."""
    page = _page(settings, monitor, found, until)
    if page is None:
        return
    if _may_be_feed(page):
        yield "Read as a feed", {"kind": "feed", "addresses": [page.address]}
    if _may_be_sitemap(page):
        yield "Read as a sitemap", {"kind": "sitemap", "addresses": [page.address]}
    text, _ = decode(page.body, page.content_type)
    soup = soup_of(text)
    feeds = feeds_of(text, page.address)
    for feed in [*feeds.linked, *feeds.likely][:MOST_FEEDS]:
        yield f"Its feed {feed}", {"kind": "feed", "addresses": [feed]}
    if not feeds.linked:
        for feed in usual_addresses(page.address)[:MOST_FEEDS]:
            yield f"A feed at {feed}", {"kind": "feed", "addresses": [feed]}
    likely = likely_links(soup, page.address)
    if likely is not None:
        around = likely.selector.removesuffix(" a")
        selectors = {"link_selector": likely.selector, "item_selector": around, "item_title_selector": "a"}
        yield f"Its links by {likely.selector!r}", {"kind": "listing", "addresses": [page.address], **selectors}
    sitemap = urljoin(page.address, "/sitemap.xml")
    yield f"A sitemap at {sitemap}", {"kind": "sitemap", "addresses": [sitemap]}


def _page(settings: Settings, monitor: Monitor, found: Proposal, until: float) -> Response | None:
    """The answer of the address itself; None where there is none, which is then told."""
    source = FeedSource.model_validate({"id": "x", "kind": "feed", "speaker": "observer", "addresses": [found.address]})
    trial = Trial("x", "feed")
    try:
        with visiting(settings, monitor, source, trial, seconds=until - time.monotonic()) as visitor:
            return visitor.get(found.address)
    except (Failure, NotNow) as failure:
        found.tried.append(f"{found.address}: {failure.reason}.")
        return None


def _may_be_feed(page: Response) -> bool:
    start = page.body[:2000].lower()
    return b"<rss" in start or b"<feed" in start or b"<rdf:rdf" in start or start.lstrip().startswith(b"{")


def _may_be_sitemap(page: Response) -> bool:
    start = page.body[:2000].lower()
    return b"<urlset" in start or b"<sitemapindex" in start or page.body.startswith(b"\x1f\x8b")
