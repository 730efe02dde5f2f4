"""What the pages of texts need: every text in the search index, a response in the archive, a model to be read."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from classifiers.codebook import load_codebook
from classifiers.model.classifier import TextClassifier
from classifiers.model.model_folder import MANIFEST, save_model
from classifiers.starter import load_starter
from classifiers.text.features import Row
from pipeline.collect.archive import Archive
from pipeline.collect.fetch import Response
from pipeline.store.search.index import index_texts
from pipeline.store.tables import Assignment, Capture, Coding, Document, Model, Queue, QueueItem

NOW = datetime(2026, 1, 2, 6, 30, tzinfo=UTC)
PAGE = """<html lang="en"><head><meta charset="windows-1252"><title>What we defend</title>
<link rel="dns-prefetch" href="http://127.0.0.1:9/elsewhere"><script>parent.document.title = 'run'</script></head>
<body onload="parent.document.title='run'"><h1>What we defend ends at our own river</h1>
<p>This land was given to us by those who tilled it – and <a href="http://127.0.0.1:9/elsewhere">here</a> it ends.</p>
<img src="http://127.0.0.1:9/elsewhere.png" alt="a heron"></body></html>"""
HIDDEN_NOTE = "a coding that a second coder must not see"


def _capture(session: Session, document: Document, body: bytes, kind: str, archive: Archive) -> None:
    answer = Response(document.address, 200, httpx.Headers({"content-type": kind}), body, body, NOW, 0.1)
    place = archive.write(document.address, answer)
    capture = Capture(
        monitor="harbour", source="heron-news", address=document.address, captured_at=NOW, http_status=200,
        content_type=kind, digest=sha256(body).hexdigest(), length=len(body), warc_file=place.file,
        warc_offset=place.offset,
    )  # fmt: skip
    session.add(capture)
    session.flush()
    document.capture_id = capture.id


@cache
def _classifier() -> tuple[TextClassifier, list[Row]]:
    """A small one, trained once for all stores of a test run; and texts to try it on."""
    codings = [c for c in load_starter() if c.lang in {"en", "ar"}][:300]
    made = TextClassifier(folds=3, min_df=2).fit(
        [c.row for c in codings], [c.value for c in codings], [c.tradition for c in codings]
    )
    return made, [c.row for c in codings[:5]]


def _model(session: Session, models: Path) -> None:
    row = session.get_one(Model, 1)
    folder = models / row.name
    if not folder.exists():
        classifier, probes = _classifier()
        save_model(classifier, folder, codebook=load_codebook(), card={}, probes=probes)
    row.sha256 = sha256((folder / MANIFEST).read_bytes()).hexdigest()


def add_pending(session: Session, document: Document) -> None:
    """A text of an open queue for two coders, of whom one has coded it."""
    queue = Queue(
        monitor="harbour", variable="framing", drawn_at=datetime(2026, 1, 1, tzinfo=UTC), seed=1, closed_at=None
    )
    session.add(queue)
    session.flush()
    item = QueueItem(
        queue_id=queue.id, place=1, document_id=document.id, target="", draw="random", probability=0.5, coders=2
    )
    session.add(item)
    session.flush()
    session.add(
        Assignment(item_id=item.id, slot=1, coder="third coder", leased_until=NOW, outcome="coded", finished_at=NOW)
    )
    session.add(
        Coding(
            monitor="harbour", address=document.address, document_id=document.id, variable="framing", value="neither",
            codebook_version=1, coder="third coder", coded_at=NOW, draw="random", probability=0.5,
            drawn_at=queue.drawn_at, note=HIDDEN_NOTE,
        )
    )  # fmt: skip


def add(session: Session, ids: dict[str, int]) -> None:
    """Called last: it indexes what the others have added."""
    session.flush()
    address = session.get_bind().engine.url
    if address.get_backend_name() == "sqlite":
        data = Path(str(address.database)).parent
        archive = Archive(data / "archive", "harbour", "heron-news")
        shown, saved = (session.get_one(Document, ids[name]) for name in ("heron-en", "hostile"))
        _capture(session, shown, PAGE.encode("windows-1252"), "text/html; charset=windows-1252", archive)
        _capture(session, saved, b"%PDF-1.4 and more", "application/pdf", archive)
        archive.close()
        _model(session, data / "models")
    rows = session.execute(select(Document.id, Document.title, Document.text)).all()
    index_texts(session, [(row.id, row.title, row.text) for row in rows])
