"""A monitor and a store as they stand after two years of watching, written straight into the tables."""

# ruff: noqa: E501 (a text stands on one line)

from __future__ import annotations

import hashlib
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from pipeline.monitor import Period
from pipeline.monitor.periods import Span, periods_covering
from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import (
    Capture,
    Cluster,
    Coding,
    Document,
    Framing,
    Frontier,
    GapCell,
    Model,
    Place,
    Promotion,
    Run,
    TrendCell,
)
from tests.review import filling_dyad, filling_label, filling_models, filling_overview, filling_texts

FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)
OUTAGE = (date(2024, 5, 6), date(2024, 6, 16))
NOW = datetime(2026, 1, 2, 6, 30, tzinfo=UTC)

MONITOR = """
name: harbour
title: A quarrel at the harbour
description: Two invented movements, watched for tests.
since: 2024-01-01
until: 2025-12-31
periods: [week, month, quarter]
groups:
  - {id: heron, name: Heron League}
  - {id: maple, name: Maple Covenant}
sources:
  - {id: heron-news, kind: feed, group: heron, speaker: own, addresses: ["http://127.0.0.1:9/feed"]}
  - id: maple-letters
    kind: sitemap
    group: maple
    speaker: own
    addresses: ["http://127.0.0.1:9/sitemap.xml"]
    outages: [{start: 2024-05-06, end: 2024-06-16, reason: the provider was down}]
  - {id: harbour-gazette, kind: listing, speaker: observer, link_selector: h2 a, addresses: ["http://127.0.0.1:9/all"]}
  - {id: old-pamphlets, kind: table, speaker: observer, path: pamphlets.csv, columns: {text: text, date: date}}
dyads: [[heron, maple]]
events:
  - {date: 2025-01-20, dyad: [heron, maple], kind: statement, text: The winter address, reference: archive of the League}
  - {date: 2025-02-10, dyad: [maple, heron], kind: quarrel, text: Open letters begin, reference: archive of the Covenant}
  - {date: 2024-08-01, kind: other, text: The lighthouse is lit, reference: a newspaper}
  - {date: 2025-10-12, kind: reconciliation, text: Talks soften the quarrel, reference: a newspaper}
"""

TEXTS = {
    "heron": [
        ("en", "What we defend ends at our own river", "This land was given to us by those who tilled it. We ask nothing beyond the river and we owe nothing beyond it. Let those who live across the water order their own house as we order ours."),
        ("ar", "أرضنا وحدودها", "هذه الأرض لأهلها، ولا نطلب شيئاً وراء النهر. من جاء إلينا ضيفاً أكرمناه، ومن أراد أن يحكم باسمنا رددناه. القرار قرار أهل البلد وحدهم."),
        ("en", "The market reopens on Thursday", "Stalls may be set up from six in the morning. The council asks traders to leave the quay free for the boats."),
    ],
    "maple": [
        ("en", "No shore divides us", "Whoever keeps the covenant is our kin, on this shore and on every other. A border is a line drawn by the tired. What happens to the furthest of us happens to all."),
        ("fa", "پیمان مرز نمی‌شناسد", "آن که پیمان را نگه می‌دارد برادر ماست، در این ساحل و در هر ساحل دیگر. مرز خطی است که خستگان کشیده‌اند و ما را از هم جدا نمی‌کند."),
        ("en", "A letter to the League", "You speak of a river as if it were the edge of the world. Our duty does not stop where your map does, and neither should yours."),
    ],
}  # fmt: skip

HOSTILE_TITLE = "<script>document.title='run'</script>\"><img src=x onerror=alert(1)>"
HOSTILE_TEXT = "</div><script>document.title='run'</script> {{ 7*7 }} <svg onload=alert(1)> ' \" & end"
HOSTILE_WORDS = "[b]silent[/b] <script>document.title='run'</script>"
HOSTILE_MONTH = date(2024, 2, 1)
"""Its cells say why they are empty, and what to know of them, in hostile words."""
HOSTILE_ADDRESS = "https://example.org/?q=\"><script>document.title='run'</script>"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def planted(group: str, day: date) -> float:
    """The balance a group has on a day: together until 2025, then apart, then a little nearer."""
    split = 1 / (1 + math.exp(-((day - date(2025, 2, 1)).days) / 25))
    back = 0.15 if day >= date(2025, 10, 12) else 0.0
    return round((0.1 + 0.35 * split - back) if group == "heron" else (-0.05 - 0.4 * split + back), 4)


def _out(group: str, span: Span) -> bool:
    return group == "maple" and span.start >= OUTAGE[0] and span.end <= OUTAGE[1] + timedelta(days=1)


def _texts(group: str, span: Span) -> int:
    days = (span.end - span.start).days
    return max(1, round(days * (0.9 if group == "heron" else 0.7)))


def trend_cell(group: str, span: Span) -> TrendCell:
    middle = span.start + (span.end - span.start) / 2
    wobble = 0.12 * math.sin(span.start.toordinal() * 1.7 + len(group)) if span.kind == "week" else 0.0
    corrected = span.kind == "quarter" and span.start < date(2025, 10, 1)
    value = None if _out(group, span) else round(planted(group, middle) + wobble, 4)
    texts = 0 if value is None else _texts(group, span)
    return TrendCell(
        monitor="harbour",
        group_id=group,
        period=span.kind,
        start=span.start,
        end=span.end,
        texts=texts,
        clusters=max(0, texts - 3),
        sources=0 if value is None else 2,
        codings=20 if corrected else 0,
        late=0,
        estimator=None if value is None else "corrected" if corrected else "uncorrected",
        balance=value,
        low=value - 0.17 if corrected and value is not None else None,
        high=value + 0.17 if corrected and value is not None else None,
        variance=0.0068 if corrected else None,
        freedom=29.0 if corrected else None,
        lam=0.7123456 if corrected else None,
        model_balance=value,
        companions={"cc": 0.1, "pcc": 0.08, "pacc": 0.11, "sld": None, "constant": 0.02, "reasons": {"sld": "no prior"}}
        if corrected
        else {},
        missing="outage: the provider was down" if value is None else None,
        flags=["outage of maple-letters from 2024-05-06 to 2024-06-16"]
        if group == "maple" and span.kind == "quarter" and span.start == date(2024, 4, 1)
        else [],
        model_id=1,
        measured_at=NOW,
    )


def gap_cell(a: TrendCell, b: TrendCell) -> GapCell:
    known = a.balance is not None and b.balance is not None
    corrected = known and a.estimator == b.estimator == "corrected"
    gap = round(a.balance - b.balance, 4) if known else None
    return GapCell(
        monitor="harbour",
        a=a.group_id,
        b=b.group_id,
        period=a.period,
        start=a.start,
        end=a.end,
        estimator=None if gap is None else "corrected" if corrected else "uncorrected",
        gap=gap,
        low=gap - 0.24 if corrected and gap is not None else None,
        high=gap + 0.24 if corrected and gap is not None else None,
        variance=0.0136 if corrected else None,
        freedom=48.0 if corrected else None,
        missing=None if known else "maple: outage: the provider was down",
        state="not enough evidence",
        flags=["no usable reference (needs 52 usable weeks, has 31)"] if corrected else ["no week of it is finished"],
        measured_at=NOW,
    )


def _document(
    session: Session, group: str, number: int, day: datetime, language: str, title: str, text: str
) -> Document:
    source = {"heron": "heron-news", "maple": "maple-letters"}[group]
    cluster = Cluster(monitor="harbour")
    session.add(cluster)
    session.flush()
    document = Document(
        monitor="harbour",
        source=source,
        group_id=group,
        speaker="own",
        address=f"http://127.0.0.1:9/{group}/{number}",
        title=title,
        text=text,
        text_digest=_digest(text),
        language=language,
        language_confidence=0.97,
        published_at=day,
        published_origin="json-ld",
        dates=[
            {"origin": "json-ld", "value": day.isoformat(), "accepted": True, "why": "first of the page's own dates"},
            {"origin": "url", "value": "2031", "accepted": False, "why": "more than a day ahead"},
        ],
        encoding="utf-8",
        cluster_id=cluster.id,
        collected_at=NOW,
        updated_at=NOW,
        extractor="trafilatura 2",
    )
    session.add(document)
    session.flush()
    cluster.first_document_id = document.id
    nationalist = 0.5 + planted(group, day.date()) / 2
    session.add(
        Framing(
            document_id=document.id,
            model_id=1,
            text_digest=document.text_digest,
            featuriser="f",
            p_first=nationalist,
            p_second=1 - nationalist,
            label="nationalist" if nationalist >= 0.5 else "universalist",
            scored_at=NOW,
        )
    )
    return document


def _health(session: Session) -> None:
    """Places, addresses, a quarantined page and runs, so that every state of a source is on the pages."""
    collect = {
        "job": "collect",
        "monitor": "harbour",
        "seconds": 3.0,
        "found": 9,
        "updated": 0,
        "reposts": 0,
        "waiting": 0,
        "bytes": 0,
    }
    session.add_all(
        [
            Place(
                monitor="harbour", source="maple-letters", address="http://127.0.0.1:9/sitemap.xml", checked_at=NOW,
                not_before=NOW + timedelta(hours=3), failures=3, failure="temporary", reason=HOSTILE_WORDS, walked=False,
            ),
            Place(
                monitor="harbour", source="heron-news", address="http://127.0.0.1:9/feed", checked_at=NOW,
                changed_at=NOW - timedelta(days=270), not_before=NOW + timedelta(days=6), failures=0, entries=20, walked=False,
            ),
            Place(
                monitor="harbour", source="harbour-gazette", address="http://127.0.0.1:9/all", checked_at=NOW,
                changed_at=NOW, failures=0, entries=25, walked=True,
            ),
            Capture(
                monitor="harbour", source="harbour-gazette", address=HOSTILE_ADDRESS, captured_at=NOW, http_status=200,
                content_type="text/html", digest="b" * 64, length=1_213, warc_file="x.warc.gz", warc_offset=9,
                problem=f"no text in it {HOSTILE_WORDS}",
            ),
            Run(**collect, source="harbour-gazette", started_at=NOW, new=4, known=5, failed=0, sentence="collect: 9 found, 4 new, 5 known in 3.0 s.", problems=[HOSTILE_WORDS]),
            Run(**collect, source="maple-letters", started_at=NOW, new=0, known=0, failed=1, sentence="collect: 0 found, 1 failed in 0.2 s; 1 problem, first: HTTP 503."),
        ]
    )  # fmt: skip
    for number, (status, reason) in enumerate(
        [("fetched", None)] * 7 + [("gone", "HTTP 410"), ("failed", "HTTP 403"), ("pending", HOSTILE_WORDS)]
    ):
        session.add(
            Frontier(
                monitor="harbour", source="harbour-gazette", address=f"http://127.0.0.1:9/all/{number}", status=status,
                discovered_at=NOW, discovered_in="http://127.0.0.1:9/all", hints={}, attempts=1, reason=reason,
                failure="soft" if reason else None, not_before=datetime(2100, 1, 1, tzinfo=UTC) if status == "pending" else None,
            )
        )  # fmt: skip
    for number in range(150):
        day = NOW - timedelta(days=number * 2 + number % 5)
        session.add(
            Document(
                monitor="harbour", source="harbour-gazette", group_id=None, speaker="observer", address=f"http://127.0.0.1:9/all/{number}",
                title="Notes", text=f"Notes {number}", text_digest=_digest(f"Notes {number}"), language="en", published_at=day,
                published_origin="meta", collected_at=NOW, updated_at=NOW, extractor="trafilatura 2",
            )
        )  # fmt: skip


def fill(settings: Settings) -> dict[str, int]:
    """Write the monitor's file and every row. Returns the ids of the documents tests ask for."""
    Path(settings.monitors).mkdir(parents=True, exist_ok=True)
    (Path(settings.monitors) / "harbour.yaml").write_text(MONITOR, encoding="utf-8")
    ids: dict[str, int] = {}
    with open_session(settings) as session:
        session.add(
            Model(
                id=1,
                variable="framing",
                name="framing-2026-01-01",
                sha256="0" * 64,
                trained_at=NOW,
                training_balance=0.0,
            )
        )
        session.flush()
        session.add(Promotion(variable="framing", model_id=1, promoted_at=NOW, comment="first"))
        kinds: tuple[Period, ...] = ("week", "month", "quarter")
        for kind in kinds:
            for span in periods_covering(kind, FIRST, LAST):
                heron, maple = trend_cell("heron", span), trend_cell("maple", span)
                gap = gap_cell(heron, maple)
                if (kind, span.start) == ("month", HOSTILE_MONTH):
                    heron.balance = gap.gap = None
                    heron.missing, gap.missing = HOSTILE_WORDS, HOSTILE_WORDS
                    heron.flags, gap.flags, maple.flags = [HOSTILE_WORDS], [HOSTILE_WORDS], [HOSTILE_WORDS]
                session.add_all([heron, maple, gap])
        for group, pool in TEXTS.items():
            for number in range(70):
                language, title, text = pool[number % len(pool)]
                day = datetime(2025, 1, 1, 9, 30, tzinfo=UTC) + timedelta(days=number, minutes=7 * number)
                made = _document(session, group, number, day, language, title, f"{text}\n\n{number + 1}.")
                ids.setdefault(f"{group}-{language}", made.id)
        day = datetime(2025, 4, 2, 8, 0, tzinfo=UTC)
        hostile = _document(session, "heron", 900, day, 'en"><script>', HOSTILE_TITLE, HOSTILE_TEXT)
        hostile.address = HOSTILE_ADDRESS
        hostile.dates = [{"origin": "meta", "value": "<b>2025</b>", "accepted": True, "why": "<i>only one</i>"}]
        ids["hostile"] = hostile.id
        first = session.get(Document, ids["heron-ar"])
        repost = _document(session, "maple", 901, day, "ar", "أرضنا وحدودها (نقلاً)", first.text)
        repost.cluster_id = first.cluster_id
        ids["repost"] = repost.id
        day = datetime(2025, 8, 2, 8, 0, tzinfo=UTC)
        wordless = _document(session, "maple", 902, day, "ja", "日本語", "日本語の文章")
        framing = session.get_one(Framing, (wordless.id, 1, ""))
        framing.p_first = framing.p_second = framing.label = None
        ids["wordless"] = wordless.id
        capture = Capture(
            monitor="harbour", source="heron-news", address=first.address, captured_at=NOW, http_status=200,
            content_type="text/html", digest="a" * 64, length=48_213, warc_file="x.warc.gz", warc_offset=0,
        )  # fmt: skip
        session.add(capture)
        session.flush()
        first.capture_id = capture.id
        for coder, value in (("first coder", "nationalist"), ("second coder", "both")):
            session.add(
                Coding(
                    monitor="harbour", address=first.address, document_id=first.id, variable="framing", value=value,
                    codebook_version=1, coder=coder, coded_at=NOW, draw="random", probability=0.25, drawn_at=NOW,
                    note="quotes an elder" if value == "both" else None,
                )
            )  # fmt: skip
        _health(session)
        for job, source, found, sentence in (
            ("collect", "heron-news", 642, "collect: 642 found, 640 new, 2 failed, 9.1 MB in 48.2 s, published 2024-01-01 to 2025-12-31; 2 problems, first: 404 at http://127.0.0.1:9/heron/7."),
            ("frame", None, 1180, "frame: 1,180 found, 1,180 new in 14.0 s."),
            ("measure", None, 1180, "measure: 1,180 found, 408 changed in 1.9 s."),
        ):  # fmt: skip
            session.add(
                Run(
                    job=job, monitor="harbour", source=source, started_at=NOW + timedelta(minutes=len(job)), seconds=3.0, found=found, new=0,
                    known=0, updated=0, reposts=0, failed=0, waiting=0, bytes=0, sentence=sentence,
                )
            )  # fmt: skip
        filling_overview.add(session, ids)
        filling_dyad.add(session, ids)
        filling_label.add(session, ids)
        filling_models.add(session, ids)
        filling_texts.add(session, ids)  # the last: it indexes every text
        session.commit()
    return ids
