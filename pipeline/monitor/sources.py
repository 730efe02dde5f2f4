"""Where texts appear: one class per kind of source."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, HttpUrl, field_validator, model_validator

from pipeline.monitor.fields import Address, Identifier, Language, Part, Pattern, Schedule, Selector, Words


class Outage(Part):
    """A time in which a source is known not to have been reachable; its cells are missing, not silent."""

    start: date = Field(description="First day.")
    end: date = Field(description="Last day.")
    reason: Words = Field(description="Shown with the missing periods.")

    @model_validator(mode="after")
    def _ordered(self) -> Outage:
        if self.end < self.start:
            raise ValueError("end lies before start; swap them")
        return self


class _Source(Part):
    id: Identifier = Field(description="Part of the name of its DAG.")
    group: Identifier | None = Field(default=None, description="Whose texts these are; may be left out for observers.")
    speaker: Literal["own", "observer"] = Field(
        description="own: the group speaks (enters its trend). observer: someone writes about it (does not)."
    )
    schedule: Schedule = Field(
        default="@daily", description="When Airflow collects: a preset, five cron fields, or null for by hand only."
    )
    language: Language | None = Field(
        default=None, description="Language code when the whole source has one; else detected."
    )
    earliest: date | None = Field(default=date(1990, 1, 1), description="A text dated before this has a wrong date.")
    outages: list[Outage] = Field(default_factory=list, description="Times in which it is known to have been down.")
    reference: str | None = Field(
        default=None, description="Where it can be read that these addresses are this speaker's."
    )


def _address_of(template: str) -> None:
    if not re.match(r"https?://[^/\s]+", template):
        raise ValueError("page_template is no web address; write it in full with http:// or https://")


class WebSource(_Source):
    """What all kinds share that fetch from the web."""

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
    date_format: str | None = Field(
        default=None,
        description="strptime format of the dates that selectors find, where they are ambiguous (3/4/2009).",
    )
    date_languages: list[Language] = Field(
        default_factory=list,
        description="Languages in which the dates that selectors find are written, which also says whether the day or "
        "the month stands first; fa, prs, ps: solar years (1388/6/28) are read. Else guessed where it is plain.",
    )
    title_selector: Selector | None = Field(default=None, description="The element that holds the title.")
    conditional: bool = Field(
        default=False,
        description="Ask for feeds, sitemaps and listings with If-None-Match and If-Modified-Since. "
        "Off by default: some servers answer that nothing has changed when something has.",
    )

    @field_validator("date_languages")
    @classmethod
    def _can_be_read(cls, value: list[str]) -> list[str]:
        if value:
            from dateparser.data.languages_info import language_order

            if unknown := [one for one in value if one not in language_order and one != "prs"]:
                raise ValueError(f"dates in {', '.join(unknown)} can't be read; leave it out and write date_format")
        return value


class FeedSource(WebSource):
    """RSS, Atom or JSON feeds."""

    kind: Literal["feed"] = Field(description="Always `feed`.")
    addresses: list[Address] = Field(default_factory=list, description="The feeds.")
    opml: Path | None = Field(
        default=None, description="An OPML file that lists feeds, relative to the monitor file; read at every run."
    )
    home_pages: list[Address] = Field(
        default_factory=list,
        description="Pages whose feeds are looked for: when they are new, then every month.",
    )
    text_from: Literal["page", "entry"] = Field(
        default="page",
        description="entry: what an entry says itself is the text (feeds with full texts); its page is fetched only "
        "where it says nothing.",
    )
    fetch_pages: bool = Field(
        default=True, description="false: no page is fetched; addresses without a text stay pending in the frontier."
    )
    max_pages: int = Field(
        default=1000,
        ge=1,
        description="Pages of one feed that are read, where a feed names its older pages (RFC 5005); reported when it "
        "bites. 1: the feed itself only.",
    )


class SitemapSource(WebSource):
    """Sitemaps and sitemap indexes, plain or gzip."""

    kind: Literal["sitemap"] = Field(description="Always `sitemap`.")
    addresses: list[Address] = Field(min_length=1, description="The sitemaps or sitemap indexes.")


class ListingSource(WebSource):
    """Pages that list links to texts, with pagination."""

    kind: Literal["listing"] = Field(description="Always `listing`.")
    addresses: list[Address] = Field(min_length=1, description="The first listing pages.")
    link_selector: Selector = Field(description="Every link to a text on a listing page.")
    next_selector: Selector | None = Field(
        default=None, description="The link to the next listing page; where left out, rel=next of the page itself."
    )
    page_template: str | None = Field(
        default=None,
        description="Addresses of the further pages where nothing links to them, with {n} for the number: "
        "https://outlet.example/statements?page={n}. The walk ends at a page without links or a 404.",
    )
    page_start: int = Field(default=2, ge=0, description="The first number put into page_template.")
    page_step: int = Field(default=1, ge=1, description="How far one number lies from the next (?start=20, ?start=40).")
    item_selector: Selector | None = Field(
        default=None, description="The element around each link, in which the next two selectors look."
    )
    item_title_selector: Selector | None = Field(default=None, description="The title beside each link.")
    item_date_selector: Selector | None = Field(
        default=None,
        description="The date beside each link, read by date_format and date_languages; "
        "a walk stops at the first page older than the window.",
    )
    max_pages: int = Field(default=1000, ge=1, description="Stop after so many listing pages; reported when it bites.")

    @model_validator(mode="after")
    def _fits_together(self) -> ListingSource:
        if self.item_selector is None and (self.item_title_selector or self.item_date_selector):
            raise ValueError("item_title_selector and item_date_selector look inside item_selector; add it")
        if self.page_template is not None:
            if self.page_template.count("{n}") != 1:
                raise ValueError("page_template needs {n} once, where the page's number stands")
            if self.next_selector is not None or len(self.addresses) > 1:
                raise ValueError(
                    "page_template goes with one address and without next_selector; make a source for each listing"
                )
            _address_of(self.page_template.replace("{n}", "1"))
        return self


class WaybackSource(WebSource):
    """Captures of a web archive that answers CDX queries."""

    kind: Literal["wayback"] = Field(description="Always `wayback`.")
    addresses: list[Address] = Field(min_length=1, description="What was archived: addresses as they were at the time.")
    match: Literal["exact", "prefix", "host", "domain"] = Field(
        default="prefix",
        description="Which captures: of exactly these addresses, of all that begin like them, of their whole hosts, "
        "or of these and the hosts below them.",
    )
    delay: float | None = Field(
        default=5.0,
        ge=0,
        description="Seconds between two requests to the archive; the Internet Archive shuts out who asks much faster.",
    )
    first_day: date | None = Field(default=None, alias="from", description="Only captures from this day.")
    last_day: date | None = Field(default=None, alias="to", description="Only captures up to this day.")
    cdx: Address = Field(
        default=HttpUrl("https://web.archive.org/cdx/search/cdx"), description="The archive's CDX service."
    )
    replay: Address = Field(
        default=HttpUrl("https://web.archive.org/web"),
        description="Where captures are replayed: <replay>/<time>id_/<address>.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> WaybackSource:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError("to lies before from; swap them")
        return self


class WarcSource(_Source):
    """Local WARC or ARC files and folders."""

    kind: Literal["warc"] = Field(description="Always `warc`.")
    paths: list[Path] = Field(min_length=1, description="Files or folders, relative to the monitor file.")
    include: Pattern | None = Field(
        default=None, description="Only addresses in which this regular expression is found."
    )
    exclude: Pattern | None = Field(default=None, description="No address in which this is found.")


class TableColumns(Part):
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
    export: Literal["4cat", "zeeschuimer"] | None = Field(
        default=None,
        description="The tool the file was exported from: its columns are known, and are called text, date, id, title, "
        "address, language and account.",
    )
    columns: TableColumns = Field(description="Which column means what; with `export`, only what differs.")
    groups: dict[str, Identifier] = Field(
        default_factory=dict, description="Value of the group column -> group id; rows of other values are left out."
    )
    date_format: str | None = Field(
        default=None, description="strptime format; without it dates are ISO 8601 or a year."
    )
    earliest: date | None = Field(default=None, description="A text dated before this has a wrong date.")
    schedule: Schedule = Field(default=None, description="When Airflow imports it; by hand only when left out.")

    @model_validator(mode="before")
    @classmethod
    def _columns_of_the_export(cls, data: Any) -> Any:
        """A known tool's columns need not be named."""
        if isinstance(data, dict) and data.get("export") and isinstance(data.get("columns", {}), dict):
            known = {name: name for name in ("text", "date", "id", "title", "address", "language")}
            return {**data, "columns": {**known, **data.get("columns", {})}}
        return data


Source = Annotated[
    FeedSource | SitemapSource | ListingSource | WaybackSource | WarcSource | TableSource, Field(discriminator="kind")
]
KINDS: dict[str, type[Part]] = {
    "feed": FeedSource,
    "sitemap": SitemapSource,
    "listing": ListingSource,
    "wayback": WaybackSource,
    "warc": WarcSource,
    "table": TableSource,
}
