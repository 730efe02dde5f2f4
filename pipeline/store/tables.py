"""The tables, typed. One class, one table; every time is UTC.

A row is found again by its unique key, so every write is an upsert: a job that was killed anywhere
and runs again loses nothing and doubles nothing.
"""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite keeps no zone, so it is taken off and put back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone can't be stored: {value!r}; make it aware first")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the store."""

    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own protocol)
        datetime: UtcDateTime,
        date: Date,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        str: Text,
        bytes: LargeBinary,
    }


# SQLite counts rows up by itself only for INTEGER keys; PostgreSQL gets the wide type.
Key = BigInteger().with_variant(Integer, "sqlite")
Name = String(60)

# Published figures name texts and codings by their ids. SQLite gives the highest id again once its row is deleted,
# unless it is told to count on; PostgreSQL always does.
_NEVER_AGAIN = {"sqlite_autoincrement": True}


class FrontierStatus(StrEnum):
    PENDING = "pending"
    FETCHED = "fetched"
    FAILED = "failed"
    GONE = "gone"


class Frontier(Base):
    """An address a source has shown us, and what became of it."""

    __tablename__ = "frontier"
    __table_args__ = (
        UniqueConstraint("monitor", "source", "address"),
        Index("ix_frontier_due", "monitor", "source", "status", "not_before"),
        Index("ix_frontier_content", "monitor", "source", "content"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    source: Mapped[str] = mapped_column(Name)
    address: Mapped[str]
    """canonical address"""
    status: Mapped[str] = mapped_column(String(10), default=FrontierStatus.PENDING)
    discovered_at: Mapped[datetime]
    discovered_in: Mapped[str]
    """address of the feed, sitemap or listing page"""
    hints: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """what the place of discovery said of it: title, language, dates [{origin, value}], text, original"""
    content: Mapped[str | None] = mapped_column(String(64))
    """of a capture in a web archive: sha256 of the page's address and of its body's digest, hexadecimal"""
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None]
    """not to be fetched before this time (backoff, Retry-After)"""
    failure: Mapped[str | None] = mapped_column(String(20))
    """hard, soft or temporary; null when nothing failed"""
    reason: Mapped[str | None]
    """the failure in words"""
    fetched_at: Mapped[datetime | None]


class Host(Base):
    """A host and port: its robots.txt, its pace, and which process may talk to it now."""

    __tablename__ = "hosts"

    host: Mapped[str] = mapped_column(String(300), primary_key=True)
    """scheme://host:port"""
    robots: Mapped[str | None]
    robots_status: Mapped[int | None]
    robots_fetched_at: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(100))
    leased_until: Mapped[datetime | None]
    next_request_at: Mapped[datetime | None]


class Place(Base):
    """A place where a source's addresses are discovered (a feed, a sitemap, a listing, a query of an archive)."""

    __tablename__ = "places"
    __table_args__ = (UniqueConstraint("monitor", "source", "address"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    source: Mapped[str] = mapped_column(Name)
    address: Mapped[str]
    checked_at: Mapped[datetime | None]
    """when it was last asked for"""
    changed_at: Mapped[datetime | None]
    """when it last showed an address that was new"""
    not_before: Mapped[datetime | None]
    """not to be asked before this time (it failed, or rarely changes)"""
    failures: Mapped[int] = mapped_column(default=0)
    """failures in a row"""
    failure: Mapped[str | None] = mapped_column(String(20))
    """kind of the last failure: hard, soft or temporary; null when the last reading went well"""
    reason: Mapped[str | None]
    """the failure in words"""
    entries: Mapped[int | None]
    """addresses it showed at the last reading"""
    busiest: Mapped[float | None]
    """the most addresses a day that were new between two readings; older ones count less"""
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    """as the server sent it"""
    digest: Mapped[str | None] = mapped_column(String(64))
    """sha256 of the body at the last reading, hexadecimal"""
    rules: Mapped[str | None] = mapped_column(String(64))
    """sha256 of what the source said of itself at that reading: other selectors read other addresses"""
    walked: Mapped[bool] = mapped_column(default=False)
    """whether a walk through all its pages has reached the end"""
    cursor: Mapped[str | None]
    """where a walk that was broken off goes on; null: from the beginning"""
    found_on: Mapped[str | None]
    """the home page on which it was found; null when the monitor names it"""


class Capture(Base):
    """Index of the raw archive: where the bytes of one response lie."""

    __tablename__ = "captures"
    __table_args__ = (UniqueConstraint("monitor", "source", "address", "digest"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    source: Mapped[str] = mapped_column(Name)
    address: Mapped[str]
    captured_at: Mapped[datetime]
    http_status: Mapped[int]
    content_type: Mapped[str | None]
    digest: Mapped[str] = mapped_column(String(80))
    """sha256 of the body, hexadecimal"""
    length: Mapped[int] = mapped_column(BigInteger)
    """bytes of the body"""
    warc_file: Mapped[str]
    """relative to the archive folder, or absolute for an imported file"""
    warc_offset: Mapped[int] = mapped_column(BigInteger)
    problem: Mapped[str | None]
    """why no document came of it (quarantine); null when one did"""


class Cluster(Base):
    """Documents that carry the same text. It counts once: for its first publication by a group itself."""

    __tablename__ = "clusters"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name, index=True)
    first_document_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    """own speakers before observers, then the earliest publication, then the lowest id"""


class Document(Base):
    """One collected text."""

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("monitor", "source", "address"),
        Index("ix_documents_cell", "monitor", "group_id", "speaker", "published_at"),
        Index("ix_documents_published", "monitor", "published_at"),
        # the days of each source's texts
        Index("ix_documents_source_published", "monitor", "source", "published_at"),
        Index("ix_documents_source_collected", "monitor", "source", "collected_at"),
        # all that a search filters, sorts and counts by, so that it need not come to the texts themselves
        Index(
            "ix_documents_search",
            *("monitor", "id", "speaker", "group_id", "source", "language"),
            *("published_at", "cluster_id", "text_digest"),
        ),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    source: Mapped[str] = mapped_column(Name)
    group_id: Mapped[str | None] = mapped_column(Name)
    speaker: Mapped[str] = mapped_column(String(10))
    address: Mapped[str]
    title: Mapped[str | None]
    text: Mapped[str]
    text_digest: Mapped[str] = mapped_column(String(64), index=True)
    """sha256 of the normalised text, hexadecimal"""
    language: Mapped[str | None] = mapped_column(String(20))
    language_confidence: Mapped[float | None]
    published_at: Mapped[datetime | None]
    """null: no acceptable date was found; the text is in no period"""
    published_origin: Mapped[str | None] = mapped_column(String(20))
    dates: Mapped[list[Any]] = mapped_column(default=list)
    """every candidate: {origin, value, accepted, why}"""
    encoding: Mapped[str | None] = mapped_column(String(40))
    capture_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))
    cluster_id: Mapped[int | None] = mapped_column(ForeignKey("clusters.id"), index=True)
    collected_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    extractor: Mapped[str] = mapped_column(String(40))


class MinHashBand(Base):
    """Inverted index for near duplicates: documents whose MinHash agrees in one band."""

    __tablename__ = "minhash_bands"
    __table_args__ = (Index("ix_minhash_bands_value", "monitor", "value"),)

    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    band: Mapped[int] = mapped_column(primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    value: Mapped[int] = mapped_column(BigInteger)
    """hash of band number and the band's values, signed 64 bit"""


class Coding(Base):
    """One human label. It may arrive before its document: it is matched by address when the document comes."""

    __tablename__ = "codings"
    __table_args__ = (
        UniqueConstraint("monitor", "address", "variable", "target", "coder", "draw", "drawn_at"),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    address: Mapped[str]
    """canonical address of the coded text"""
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"), index=True)
    """null while the document is not collected"""
    variable: Mapped[str] = mapped_column(Name)
    target: Mapped[str] = mapped_column(Name, default="", server_default="")
    """of a targeted codebook the group it is coded towards; else empty"""
    value: Mapped[str] = mapped_column(Name)
    codebook_version: Mapped[int]
    coder: Mapped[str] = mapped_column(Name)
    coded_at: Mapped[datetime]
    draw: Mapped[str] = mapped_column(String(10))
    """random, active, import or starter; only random ones evaluate and correct"""
    probability: Mapped[float | None]
    """inclusion probability of a random draw, in (0, 1]"""
    drawn_at: Mapped[datetime]
    """when the sample was drawn: texts that come later are a stratum of their own.
    A draw from a list known to be complete: 1970-01-01T00:00:00Z"""
    note: Mapped[str | None]
    origin: Mapped[str] = mapped_column(String(10), default="human", server_default="human")
    """human; machine: a model's label, which is no evidence; confirmed: a machine's label that a person confirmed"""
    settles: Mapped[bool] = mapped_column(default=False, server_default=false())
    """true: the coding that settles a disagreement; the codings that disagreed stay beside it"""
    extra: Mapped[dict[str, Any] | None]
    """what the tool it came from said besides, kept so that an export loses nothing"""


class Queue(Base):
    """A labelling queue: texts drawn at one moment for coders."""

    __tablename__ = "queues"
    __table_args__ = (UniqueConstraint("monitor", "variable", "drawn_at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    variable: Mapped[str] = mapped_column(Name)
    drawn_at: Mapped[datetime]
    seed: Mapped[int]
    model_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    """whose uncertainty chose the texts that were not drawn at random; null: no model was in force"""
    note: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    """since when nobody is given its texts any more; null: open"""
    strata: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """of which texts were drawn at random, as its items name them; unlike the items they stay when it is closed"""


def _random_key() -> str:
    return secrets.token_hex(8)


class QueueItem(Base):
    """A text of a queue, for one coder or, blind, for two."""

    __tablename__ = "queue_items"
    __table_args__ = (
        UniqueConstraint("queue_id", "document_id", "target"),
        Index("ix_queue_items_place", "queue_id", "place"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True, default=_random_key)
    """16 random hexadecimal digits by which coders name it: ``id`` would tell which texts were drawn together"""
    queue_id: Mapped[int] = mapped_column(ForeignKey("queues.id"))
    place: Mapped[int]
    """coders see texts in this order, which tells nothing of how a text was drawn"""
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    target: Mapped[str] = mapped_column(Name)
    """of a targeted codebook the group it is coded towards; else empty"""
    draw: Mapped[str] = mapped_column(String(10))
    """random or active"""
    probability: Mapped[float | None]
    """inclusion probability of a random draw, in (0, 1]"""
    stratum: Mapped[str | None] = mapped_column(String(140))
    """of a random draw: group/audit period, of a targeted codebook group/audit period/target"""
    coders: Mapped[int]
    """how many code it, each without seeing the other: 1 or 2"""


class Assignment(Base):
    """A coder works on a text of a queue, or has done so."""

    __tablename__ = "assignments"
    __table_args__ = (
        UniqueConstraint("item_id", "coder"),
        Index("ix_assignments_coder", "coder", "finished_at"),
    )

    item_id: Mapped[int] = mapped_column(ForeignKey("queue_items.id"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    """1 or 2: the first or the second coder"""
    coder: Mapped[str] = mapped_column(Name)
    leased_until: Mapped[datetime]
    """until then the text is this coder's alone; then, if nothing came, anybody's"""
    outcome: Mapped[str | None] = mapped_column(String(10))
    """coded, or unclear (the coder could not decide: missing, not a value); null: not done"""
    finished_at: Mapped[datetime | None]
    note: Mapped[str | None]
    """what the coder remarked on a text that is unclear; of a coded one the note stands with the coding"""


class Model(Base):
    """A trained model: its folder, its checksum, its card."""

    __tablename__ = "models"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    variable: Mapped[str] = mapped_column(Name)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    """name of its folder below the models folder"""
    sha256: Mapped[str] = mapped_column(String(64))
    trained_at: Mapped[datetime]
    training_balance: Mapped[float]
    """mean balance of the codings it was trained on, in [-1, 1]: the never-look baseline"""
    confusion: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """cross-validated rates that quantifiers need; see classifiers.evaluation.evaluate"""
    card: Mapped[dict[str, Any]] = mapped_column(default=dict)
    rejected_at: Mapped[datetime | None]
    rejection: Mapped[str | None]
    """why it was not promoted, in words: refused by a gate, rejected by a person, nobody answered in time"""


class Promotion(Base):
    """Append-only: the newest row per variable names the model in force."""

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    variable: Mapped[str] = mapped_column(Name, index=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    promoted_at: Mapped[datetime]
    comment: Mapped[str]
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    """the model that was in force until then"""
    person: Mapped[str | None] = mapped_column(String(200))
    """who decided, as Airflow or the operating system knows them; null: nobody was asked (the first model)"""
    evidence: Mapped[dict[str, Any] | None]
    """the comparison of old and new on which it was decided"""


class Framing(Base):
    """A model's calibrated probabilities for a document, of a targeted codebook towards a group."""

    __tablename__ = "framings"

    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    target: Mapped[str] = mapped_column(Name, primary_key=True, default="", server_default="")
    """of a targeted codebook the group it is judged towards; else empty"""
    text_digest: Mapped[str] = mapped_column(String(64))
    """digest of the text that was scored; another digest on the document makes the row stale"""
    featuriser: Mapped[str] = mapped_column(String(64))
    """digest of how text became features (normalisation, mask list); another one makes the row stale"""
    p_first: Mapped[float | None]
    """that the codebook's first head says yes (framing: nationalist). Null, like the other and the label: the model
    knows no word of the text"""
    p_second: Mapped[float | None]
    """that its second head says yes (framing: universalist)"""
    label: Mapped[str | None] = mapped_column(Name)
    scored_at: Mapped[datetime]


class TrendCell(Base):
    """Group x period: how many texts, and their balance. Null balance: see ``missing``."""

    __tablename__ = "trends"
    __table_args__ = (
        UniqueConstraint("monitor", "group_id", "period", "start"),
        Index("ix_trends_newest", "monitor", "period", "start"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    group_id: Mapped[str] = mapped_column(Name)
    period: Mapped[str] = mapped_column(String(10))
    start: Mapped[date]
    end: Mapped[date]
    """first day after the period"""
    texts: Mapped[int]
    """own documents published in the period, reposts included"""
    clusters: Mapped[int]
    """different texts: N of the formulas"""
    sources: Mapped[int]
    codings: Mapped[int]
    """clusters drawn at random and coded: n of the formulas"""
    late: Mapped[int] = mapped_column(default=0)
    """clusters that came at a time that codings do not speak for: no corrected balance is of them"""
    estimator: Mapped[str | None] = mapped_column(String(20))
    """corrected or uncorrected; null without texts"""
    balance: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    variance: Mapped[float | None]
    freedom: Mapped[float | None]
    """degrees of freedom of the t interval"""
    lam: Mapped[float | None]
    model_balance: Mapped[float | None]
    """plain mean of the model's balances (probabilistic classify and count)"""
    framed: Mapped[int | None]
    """clusters that the model in force has scored"""
    model_variance: Mapped[float | None]
    """sampling variance of that mean: s_f^2/N of the framed clusters; null with fewer than two"""
    companions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """cc, pcc, pacc, sld, constant: beside the balance, never instead of it"""
    missing: Mapped[str | None]
    """why there is no balance, in words: silent, outage, not collected, not framed"""
    flags: Mapped[list[Any]] = mapped_column(default=list)
    model_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    measured_at: Mapped[datetime]


class MeasuredCell(Base):
    """What is remembered of a group's cell, so that its texts are read again only when something of it has changed."""

    __tablename__ = "measured_cells"

    monitor: Mapped[str] = mapped_column(Name, primary_key=True)
    group_id: Mapped[str] = mapped_column(Name, primary_key=True)
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(32))
    """of all that the rest was made of: model, code, texts, framings, codings"""
    texts: Mapped[int]
    sources: Mapped[int]
    clusters: Mapped[int]
    codings: Mapped[int]
    """clusters drawn at random and coded"""
    codings_framed: Mapped[int]
    framed: Mapped[int]
    model_balance: Mapped[float | None]
    model_variance: Mapped[float | None]
    companions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    arrays: Mapped[bytes | None]
    """of an audit cell: f, y, pi and late of its framed clusters, packed; see pipeline.store.measured"""
    asked: Mapped[bytes]
    """ids of the clusters that missed a draw unless a copy came earlier, packed"""
    documents: Mapped[bytes]
    """ids of its clusters' documents, packed; see pipeline.store.published"""
    coding_ids: Mapped[bytes]
    """ids of their random codings, packed"""


class GapCell(Base):
    """Dyad x period: balance of a minus balance of b."""

    __tablename__ = "gaps"
    __table_args__ = (
        UniqueConstraint("monitor", "a", "b", "period", "start"),
        Index("ix_gaps_newest", "monitor", "period", "start"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    a: Mapped[str] = mapped_column(Name)
    b: Mapped[str] = mapped_column(Name)
    period: Mapped[str] = mapped_column(String(10))
    start: Mapped[date]
    end: Mapped[date]
    estimator: Mapped[str | None] = mapped_column(String(20))
    gap: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    variance: Mapped[float | None]
    freedom: Mapped[float | None]
    missing: Mapped[str | None]
    state: Mapped[str] = mapped_column(String(30))
    flags: Mapped[list[Any]] = mapped_column(default=list)
    measured_at: Mapped[datetime]


class Bridge(Base):
    """What a promotion changed in a cell: the new model's balance minus the old one's, on the same texts."""

    __tablename__ = "bridges"
    __table_args__ = (UniqueConstraint("monitor", "group_id", "period", "start", "old_model_id", "new_model_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    group_id: Mapped[str] = mapped_column(Name)
    period: Mapped[str] = mapped_column(String(10))
    start: Mapped[date]
    end: Mapped[date]
    """first day after the period"""
    old_model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    new_model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    clusters: Mapped[int]
    """different texts that both models scored"""
    codings: Mapped[int]
    """of them drawn at random and coded"""
    old: Mapped[float | None]
    new: Mapped[float | None]
    delta: Mapped[float | None]
    variance: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    missing: Mapped[str | None]
    """why there is no figure, in words"""
    made_at: Mapped[datetime]


class RaisedAlarm(Base):
    """An alarm of a dyad, as it was raised. Its stretch is frozen: first to last period after C had been zero."""

    __tablename__ = "alarms"
    __table_args__ = (UniqueConstraint("monitor", "a", "b", "period", "reference_id", "since", "side"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    a: Mapped[str] = mapped_column(Name)
    b: Mapped[str] = mapped_column(Name)
    period: Mapped[str] = mapped_column(String(10))
    """week or month: what the alarm runs on"""
    since: Mapped[date]
    """first day of the stretch"""
    raised: Mapped[date]
    """first day of the period in which C passed the threshold"""
    end: Mapped[date]
    """first day after the stretch, and after that period"""
    side: Mapped[int]
    """+1: the gap went up; -1: down"""
    reference_id: Mapped[int] = mapped_column(ForeignKey("kept_references.id"))
    """the decision on the reference it was computed under"""
    reference_start: Mapped[date]
    reference_end: Mapped[date]
    """first day after the reference"""
    threshold: Mapped[float]
    autocorrelation: Mapped[float]
    """that the threshold allows for"""
    model: Mapped[str | None] = mapped_column(String(64))
    """sha256 of the model that raised it"""
    found_at: Mapped[datetime]
    """when it was first computed: a later model may find alarms in the past"""
    closed: Mapped[date | None]
    """first day after the period in which it closed; null: open"""
    closed_why: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    """when coders had first confirmed it: from then on no other model takes it back"""
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queues.id"))
    """the newest draw of its confirmation; null: not drawn yet"""
    planned: Mapped[int | None]
    """codings that were planned when its sample was begun; a draw that goes on with it changes nothing"""
    borrowed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """what audit cells lent when it was first computed: lam, s2, freedom. Kept, so that the width of its confirmation
    does not follow the codings"""


class KeptReference(Base):
    """Append-only: on which day a dyad's reference begins, and how long it is. The newest row of a dyad counts.

    The first is written when a reference is first complete, and keeps older texts that come later from moving it; all
    others are a person's decision.
    """

    __tablename__ = "kept_references"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    a: Mapped[str] = mapped_column(Name)
    b: Mapped[str] = mapped_column(Name)
    start: Mapped[date]
    weeks: Mapped[int | None]
    """usable weeks it takes, where a person chose; null: 52, or 24 months"""
    reason: Mapped[str]
    person: Mapped[str | None] = mapped_column(String(200))
    """null: nobody decided, it was the first that was complete"""
    kept_at: Mapped[datetime]


class StateChange(Base):
    """Append-only: a dyad's newest state became another one, or another alarm needs codings. People are told once."""

    __tablename__ = "state_changes"
    __table_args__ = (UniqueConstraint("monitor", "a", "b", "after_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    a: Mapped[str] = mapped_column(Name)
    b: Mapped[str] = mapped_column(Name)
    period: Mapped[str] = mapped_column(String(10))
    start: Mapped[date]
    """first day of the period whose state it is"""
    state: Mapped[str] = mapped_column(String(30))
    previous: Mapped[str | None] = mapped_column(String(30))
    """null: the first state there was"""
    after_id: Mapped[int] = mapped_column(BigInteger)
    """id of the change before it, 0 for the first: of two measurements at once only one can write the next"""
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    as_of: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    """how often it was begun to tell people"""
    told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """way (mail, apprise) -> when people were told that way"""
    told_at: Mapped[datetime | None]
    """when they were told in every way"""
    silenced: Mapped[str | None]
    """why nobody was told"""


class Published(Base):
    """Append-only: a figure as it was on the day it was measured, with all that it was made of (the vintage series)."""

    __tablename__ = "published"
    __table_args__ = (Index("ix_published_key", "monitor", "kind", "subject", "period", "start", "as_of"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(String(10))
    """one of pipeline.store.published.KINDS"""
    subject: Mapped[str] = mapped_column(String(125))
    """the group, the dyad as a--b, or the alarm"""
    period: Mapped[str] = mapped_column(String(10))
    start: Mapped[date]
    end: Mapped[date]
    """first day after the period"""
    as_of: Mapped[datetime]
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """the figures, such as the columns of the trend or gap row, and what was fixed beforehand or taken from other
    cells (``borrowed``)"""
    digest: Mapped[str] = mapped_column(String(32))
    """of all that the figure is and was made of; another one makes a new row"""
    documents: Mapped[bytes]
    """ids of the different texts it was made of, packed; see pipeline.store.published"""
    codings: Mapped[bytes]
    """ids of their random codings, packed"""
    model: Mapped[str | None] = mapped_column(String(64))
    """sha256 of the model"""
    codebook_version: Mapped[int | None]
    code_version: Mapped[str] = mapped_column(String(60))
    basis_erased: Mapped[int] = mapped_column(default=0)
    """how many of its texts were erased since; the figure stays"""


class ReplayStretch(Base):
    """A stretch of a replay: the weeks or months that are scored by a model of what was dated before they began."""

    __tablename__ = "replay_stretches"
    __table_args__ = (UniqueConstraint("monitor", "start"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    period: Mapped[str] = mapped_column(String(10))
    """week or month: what its cells are"""
    start: Mapped[date]
    """first day: model and lam know only texts dated before it"""
    end: Mapped[date]
    """first day after its last finished period"""
    digest: Mapped[str] = mapped_column(String(64))
    """of all that it is made of: texts, codings, masked names, way of training"""
    model: Mapped[str | None] = mapped_column(String(100))
    """name of its model, which is in no list of models and can't be promoted; null: see ``missing``"""
    model_sha256: Mapped[str | None] = mapped_column(String(64))
    """of the model's vocabulary, weights and calibration"""
    learnt_from: Mapped[str | None] = mapped_column(String(64))
    """digest of the codings and settings it was trained with: the same ones make the same model again"""
    codings: Mapped[int] = mapped_column(default=0)
    """that it learnt from, without starter codings"""
    texts: Mapped[int] = mapped_column(default=0)
    """different texts among them"""
    missing: Mapped[str | None]
    """why there is no model, in words"""
    scored: Mapped[int] = mapped_column(default=0)
    """texts of its cells"""
    wordless: Mapped[int] = mapped_column(default=0)
    """texts of which the model knows no word: in no cell"""
    coded: Mapped[bytes | None]
    """clusters with random codings and the model's balance of each, packed; see pipeline.store.replays"""
    code_version: Mapped[str] = mapped_column(String(60), default="")
    made_at: Mapped[datetime | None]
    """null: it is still to be made"""


class ReplayCell(Base):
    """Group x week or month, as the model of a stretch scores it: from the first there is to the end of the stretch."""

    __tablename__ = "replay_cells"

    stretch_id: Mapped[int] = mapped_column(ForeignKey("replay_stretches.id"), primary_key=True)
    group_id: Mapped[str] = mapped_column(Name, primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)
    texts: Mapped[int]
    """different texts that the model has scored"""
    mean: Mapped[float]
    """of the model's balance"""
    variance: Mapped[float | None]
    """of the texts' balances, with n - 1; null with fewer than two"""


class Erasure(Base):
    """What was erased, when and why; never what stood there."""

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    monitor: Mapped[str] = mapped_column(Name)
    erased_at: Mapped[datetime]
    scope: Mapped[str] = mapped_column(String(10))
    """source, address or group"""
    target: Mapped[str] = mapped_column(String(64))
    """the source's or group's id; of an address, its sha256"""
    reason: Mapped[str]
    documents: Mapped[int]
    captures: Mapped[int]
    finished_at: Mapped[datetime | None]
    """null: it was broken off, and must be run again"""


class ErasedAddress(Base):
    """An address that must not be collected again."""

    __tablename__ = "erased_addresses"

    monitor: Mapped[str] = mapped_column(Name, primary_key=True)
    address_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """sha256 of the canonical address, hexadecimal"""
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasures.id"))


class ErasedDocument(Base):
    """Id of a text that is no more: published figures may name it."""

    __tablename__ = "erased_documents"

    document_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasures.id"))


class Run(Base):
    """One report line of one run of a job."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_source", "monitor", "source", "started_at"),
        Index("ix_runs_newest", "monitor", "started_at"),
        Index("ix_runs_job", "monitor", "job", "started_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    job: Mapped[str] = mapped_column(Name)
    monitor: Mapped[str | None] = mapped_column(Name)
    source: Mapped[str | None] = mapped_column(Name)
    started_at: Mapped[datetime]
    seconds: Mapped[float] = mapped_column(Float)
    found: Mapped[int]
    new: Mapped[int]
    known: Mapped[int]
    updated: Mapped[int]
    reposts: Mapped[int]
    failed: Mapped[int]
    waiting: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    first: Mapped[datetime | None]
    last: Mapped[datetime | None]
    problems: Mapped[list[Any]] = mapped_column(default=list)
    sentence: Mapped[str]
    dag: Mapped[str | None] = mapped_column(String(250))
    """the DAG of Airflow whose task did it, which need not be the job's own: a retraining also frames; null: by hand"""
    dag_run: Mapped[str | None] = mapped_column(String(250))
    """the id of that DAG's run"""


class WatchedDyad(Base):
    """What an alarm of a dyad runs on, as it was measured last: its series, its reference and its sums."""

    __tablename__ = "watched_dyads"

    monitor: Mapped[str] = mapped_column(Name, primary_key=True)
    a: Mapped[str] = mapped_column(Name, primary_key=True)
    b: Mapped[str] = mapped_column(Name, primary_key=True)
    period: Mapped[str] = mapped_column(String(10))
    """week or month"""
    measured_at: Mapped[datetime]
    impossible: Mapped[str | None]
    """why no alarm can be computed; null: it can, or the reference is not complete yet"""
    lam: Mapped[float | None]
    """by which the model's gap is multiplied"""
    threshold: Mapped[float | None]
    """h"""
    autocorrelation: Mapped[float | None]
    """that the threshold allows for"""
    reference_start: Mapped[date | None]
    reference_end: Mapped[date | None]
    """first day after the reference"""
    mean: Mapped[float | None]
    """mu of the reference"""
    sigma_u: Mapped[float | None]
    noise: Mapped[float | None]
    """mean sampling variance of the reference's periods"""
    series: Mapped[bytes]
    """first day, m, V_f, z, C+ and C- of every finished period, packed; see pipeline.store.watched"""


class AlarmLook(Base):
    """What coders have said of an alarm, as it was measured last."""

    __tablename__ = "alarm_looks"

    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarms.id"), primary_key=True, autoincrement=False)
    looked_at: Mapped[datetime]
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """change, low, high, and the gaps of reference and stretch with their intervals; empty: see ``why``"""
    why: Mapped[str | None]
    """why nothing can be said yet"""


class KeptPanel(Base):
    """The fixed-panel series of a group and period kind, made by a job since it needs every text."""

    __tablename__ = "kept_panels"

    monitor: Mapped[str] = mapped_column(Name, primary_key=True)
    group_id: Mapped[str] = mapped_column(Name, primary_key=True)
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    made_at: Mapped[datetime]
    basis: Mapped[int] = mapped_column(BigInteger)
    """id of the newest published figure then: another one means that it may have changed"""
    points: Mapped[list[Any]] = mapped_column(default=list)
    """first day, value, texts and reason of each period"""
    weights: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """source of the panel -> its share"""
    left_out: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """source that is not in it -> why"""


class KeptSmoothed(Base):
    """The smoothed gaps of a dyad in the audit period, made by a job since they lean on every group's cells.

    For the eye: nothing but the dyad's page and its API reads them."""

    __tablename__ = "kept_smoothed"

    monitor: Mapped[str] = mapped_column(Name, primary_key=True)
    a: Mapped[str] = mapped_column(Name, primary_key=True)
    b: Mapped[str] = mapped_column(Name, primary_key=True)
    period: Mapped[str] = mapped_column(String(10))
    """the audit period then"""
    made_at: Mapped[datetime]
    basis: Mapped[int] = mapped_column(BigInteger)
    """id of the newest published figure then"""
    points: Mapped[list[Any]] = mapped_column(default=list)
    """first day, value, ends of the interval (null: not smoothed) and reason of each period, oldest first"""


class KeptSheet(Base):
    """The newest sheet of a dyad, made by a job since it needs every text of both stretches."""

    __tablename__ = "kept_sheets"

    monitor: Mapped[str] = mapped_column(Name, primary_key=True)
    a: Mapped[str] = mapped_column(Name, primary_key=True)
    b: Mapped[str] = mapped_column(Name, primary_key=True)
    made_at: Mapped[datetime]
    seconds: Mapped[float]
    basis: Mapped[int] = mapped_column(BigInteger)
    """id of the newest published figure then"""
    model: Mapped[str | None] = mapped_column(String(64))
    """sha256 of the model whose framings it is made of"""
    sheet: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """stretches, rows, error rates, sections and words; empty: see ``problem``"""
    problem: Mapped[str | None]
    """why it could not be made"""


class SearchProgress(Base):
    """How far the search index of a store is made that is older than the index; see pipeline.store.search.index."""

    __tablename__ = "search_progress"

    rules: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """version of the rules by which texts become words"""
    after_id: Mapped[int] = mapped_column(BigInteger)
    """documents up to this one are in the index"""
    last_id: Mapped[int] = mapped_column(BigInteger)
    """later documents were indexed when they were written"""


class DrawnSide(Base):
    """The texts that one side of an alarm's confirmation was drawn from, frozen at the draw."""

    __tablename__ = "drawn_sides"

    queue_id: Mapped[int] = mapped_column(ForeignKey("queues.id"), primary_key=True)
    side: Mapped[str] = mapped_column(String(140), primary_key=True)
    """as the stratum of the queue's items"""
    documents: Mapped[bytes]
    """ids of all its texts, packed; see pipeline.store.published"""


class ScannedText(Base):
    """A text in which the monitor's groups were looked for."""

    __tablename__ = "scanned_texts"

    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    text_digest: Mapped[str] = mapped_column(String(64))
    """of the text that was read; another digest on the document makes it stale"""
    names: Mapped[str] = mapped_column(String(32))
    """digest of who speaks, of the names that were looked for, and of the rules"""


class Mention(Base):
    """A scanned text names a group that does not speak in it."""

    __tablename__ = "mentions"
    __table_args__ = (Index("ix_mentions_target", "target", "document_id"),)

    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    target: Mapped[str] = mapped_column(Name, primary_key=True)
    named: Mapped[bool]
    """it counts as naming the group: by an alias or another transliteration of one, and not as an ordinary word"""
    audited: Mapped[bool]
    """it hits an alias as masking and the labelling queue understand it: codings are drawn from these"""


class DirectedTotal(Base):
    """Group x period: of how many texts the directed figures speak."""

    __tablename__ = "directed_totals"

    monitor: Mapped[str] = mapped_column(Name, primary_key=True)
    a: Mapped[str] = mapped_column(Name, primary_key=True)
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)
    end: Mapped[date]
    """first day after the period"""
    clusters: Mapped[int]
    """different texts of a"""
    measured_at: Mapped[datetime]


class DirectedCount(Base):
    """What a's texts of a period say of b; there is no row where none of them names b."""

    __tablename__ = "directed_counts"

    monitor: Mapped[str] = mapped_column(Name, primary_key=True)
    a: Mapped[str] = mapped_column(Name, primary_key=True)
    b: Mapped[str] = mapped_column(Name, primary_key=True)
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)
    named: Mapped[int]
    audited: Mapped[int]
    """M: texts that hit an alias of b"""
    coded: Mapped[int]
    """of them drawn at random and coded"""
    late: Mapped[int] = mapped_column(default=0, server_default="0")
    """audited texts that came at a time that codings do not speak for; a corrected share is of the others"""
    hostile: Mapped[float]
    """of the coded ones; a tie of two coders counts a half"""
    estimator: Mapped[str] = mapped_column(String(20))
    """corrected, counted, uncorrected or none"""
    hostile_share: Mapped[float | None]
    """of the audited texts"""
    hostile_low: Mapped[float | None]
    hostile_high: Mapped[float | None]
    rate: Mapped[float | None]
    """h: hostile texts that name b, of all texts of a"""
    low: Mapped[float | None]
    high: Mapped[float | None]
    why: Mapped[str | None]
    """why it is not corrected, has no interval, or is not there"""
    measured_at: Mapped[datetime]
