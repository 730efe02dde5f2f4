"""The framing job: every document gets the probabilities of the model in force, of each variable."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from classifiers.codebook import Codebook, codebooks
from classifiers.model.model_folder import LoadedModel
from classifiers.model.passages import score_features
from classifiers.starter import has_starter
from classifiers.text.features import Features
from classifiers.text.mask import Mask, target_masks
from pipeline.framing.kept import DocumentFeatures
from pipeline.framing.model import ensure_model
from pipeline.monitor import Monitor
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.features import remove_unused
from pipeline.store.framings import (
    Unframed,
    count_documents,
    count_unframed,
    drop_framings,
    keep_framings,
    unframed,
)
from pipeline.store.models import model_in_force
from pipeline.store.runs import record_run
from pipeline.store.session import open_session

BATCH = 1000
"""documents in memory at a time, and per commit"""


def _names(monitor: Monitor) -> dict[str, list[str]]:
    return {
        group.id: [group.name, *(alias for each in group.aliases.values() for alias in each)]
        for group in monitor.groups
    }


def mask_of(monitor: Monitor) -> Mask:
    """Takes every name and alias of the monitor's groups out of a text, and the other names it says to mask."""
    return Mask([*(name for names in _names(monitor).values() for name in names), *monitor.masked])


def masks_towards(monitor: Monitor) -> dict[str, Mask]:
    """Group -> the mask of texts spoken of it, for targeted codebooks: its names marked, all others taken out."""
    return target_masks(_names(monitor), monitor.masked)


def masks_for(monitor: Monitor, book: Codebook) -> dict[str, Mask]:
    """Target -> mask; of an untargeted codebook the one target is empty."""
    return masks_towards(monitor) if book.targeted else {"": mask_of(monitor)}


def _framings(
    documents: Sequence[Unframed], features: Features, model_id: int, model: LoadedModel, made: DocumentFeatures
) -> list[dict[str, Any]]:
    """The rows to write; without probabilities and label for a document of which the model knows no word."""
    probabilities, known = score_features(model.classifier, features)
    labels = model.classifier.heads_.labels(probabilities)
    now = datetime.now(UTC)
    return [
        {
            "document_id": document.id,
            "model_id": model_id,
            "target": made.target,
            "text_digest": document.text_digest,
            "featuriser": made.featuriser,
            "p_first": float(p[0]) if is_known else None,
            "p_second": float(p[1]) if is_known else None,
            "label": str(label) if is_known else None,
            "scored_at": now,
        }
        for document, p, label, is_known in zip(documents, probabilities, labels, known, strict=True)
    ]


def _untrained(languages: Counter[str | None], model: LoadedModel) -> list[str]:
    """A problem for texts in languages the model has not learnt; undetected languages are given the benefit."""
    trained = set(model.card.get("languages", []))
    other = {str(code): n for code, n in languages.items() if code and trained and code not in trained}
    if not other:
        return []
    shown = ", ".join(f"{n} in {code}" for code, n in sorted(other.items(), key=lambda item: (-item[1], item[0]))[:5])
    return [
        f"{sum(other.values())} texts are in languages the model was not trained on ({shown}); code some and retrain"
    ]


@dataclass
class _Done:
    """What one variable towards one target came to; documents."""

    new: int = 0
    updated: int = 0
    failed: int = 0
    languages: Counter[str | None] = field(default_factory=Counter)

    @property
    def looked_at(self) -> int:
        return self.new + self.updated + self.failed


def _waiting(
    session: Session, monitor: str, model_id: int, made: DocumentFeatures
) -> Iterator[tuple[list[Unframed], list[Unframed]]]:
    """Batches of documents to score, and of those that are known to say nothing of the target."""
    after = 0
    while documents := unframed(
        session,
        monitor,
        model_id=model_id,
        featuriser=made.featuriser,
        after=after,
        limit=BATCH,
        target=made.target,
    ):
        after = documents[-1].id
        # nobody criticises himself: of what a group says, nothing is towards it
        silent_on_it = [
            d
            for d in documents
            if made.target and (d.speaking == made.target or made.store.passages_of(d.id, d.text_digest) == 0)
        ]
        left = {d.id for d in silent_on_it}
        yield [d for d in documents if d.id not in left], silent_on_it


def _score(
    session: Session,
    monitor: str,
    model_id: int,
    model: LoadedModel,
    made: DocumentFeatures,
    *,
    progress: Progress,
    waiting: int | None,
) -> _Done:
    """Score what waits, a batch and a commit at a time."""
    done = _Done()
    for documents, silent_on_it in _waiting(session, monitor, model_id, made):
        drop_framings(session, model_id, made.target, [d.id for d in silent_on_it if d.stale])
        for part, features in made.of(session, documents):
            some, rows = part, _framings(part, features, model_id, model, made)
            if made.target:  # of a text that does not name the group there is nothing to say
                unnamed = {d.id for d in part if made.store.passages_of(d.id, d.text_digest) == 0}
                drop_framings(session, model_id, made.target, [d.id for d in part if d.stale and d.id in unnamed])
                some = [d for d in part if d.id not in unnamed]
                rows = [row for row in rows if row["document_id"] not in unnamed]
            keep_framings(session, rows)
            session.commit()
            stale = {d.id for d in some if d.stale}
            framed = {row["document_id"] for row in rows if row["label"] is not None}
            done.updated += len(framed & stale)
            done.new += len(framed - stale)
            done.failed += len(some) - len(framed)
            done.languages.update(d.language for d in some if d.id in framed)
        session.commit()
        progress("framing", done.looked_at, waiting)
    return done


def _frame_variable(
    settings: Settings, session: Session, monitor: Monitor, book: Codebook, *, progress: Progress, used: set[str]
) -> Report:
    """One variable; the featurisers in use are added to ``used``.

    Of a targeted codebook the report counts pairs of a document and a group that it names.
    """
    started_at, clock = datetime.now(UTC), time.monotonic()
    model_id, model = ensure_model(settings, book.variable)
    job = "frame" if not book.targeted else f"frame {book.variable}"
    total = Report(job=job)
    for target, mask in masks_for(monitor, book).items():
        made = DocumentFeatures(settings, monitor.name, mask, target, model.classifier.encoder_)
        used.add(made.featuriser)
        known, waiting = 0, None
        if not target:
            waiting = count_unframed(session, monitor.name, model_id=model_id, featuriser=made.featuriser)
            # texts may come while others are scored: what was looked at is what was scored
            known = max(0, count_documents(session, monitor.name) - waiting)
            progress("framing", 0, waiting)
        done = _score(session, monitor.name, model_id, model, made, progress=progress, waiting=waiting)
        made.store.tidy()
        problems = _untrained(done.languages, model)
        if done.failed:
            problems.insert(0, f"{done.failed} texts have no word that {model.name} knows, and stay without framing")
        total += Report(
            job=job,
            found=known + done.looked_at,
            new=done.new,
            updated=done.updated,
            known=known,
            failed=done.failed,
            problems=tuple(f"towards {target}: {problem}" if target else problem for problem in problems),
        )
    total += Report(job=job, seconds=time.monotonic() - clock)
    record_run(session, total, started_at=started_at, monitor=monitor.name)
    session.commit()
    return total


def _scored_variables(session: Session) -> list[Codebook]:
    """Codebooks that there is a model of, or starter codings to train one; untargeted ones first."""
    books = [b for b in codebooks() if has_starter(b) or model_in_force(session, b.variable) is not None]
    return sorted(books, key=lambda book: book.targeted)


def frame(settings: Settings, monitor: Monitor, *, progress: Progress = silent) -> Report:
    """Score every document whose framing is missing or stale: text, masked names or model have changed.

    Of a targeted codebook, towards every group that a text names, by the passages that name it. Trains and promotes
    the starter model where none is in force. Features are taken from where they are kept, or made and kept. Batches
    are committed as they are done. The report counts documents: found in the monitor, new, updated (were stale), known
    (left alone), failed (the model knows no word of them; they are looked at again when text, masked names or model
    change); each targeted codebook leaves a report of its own, and its problems here. Raises ModelFolderError when
    the model in force can't be trusted.
    """
    report, used = Report(job="frame"), set[str]()
    with open_session(settings) as session:
        books = _scored_variables(session)
        session.commit()
        for book in books:
            made = _frame_variable(settings, session, monitor, book, progress=progress, used=used)
            if book.targeted:
                made = Report(job="frame", problems=tuple(f"{book.variable}: {p}" for p in made.problems))
            report += made
    remove_unused(settings.features, monitor.name, used)
    return report
