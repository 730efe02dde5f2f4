"""The framing job: every document gets the probabilities of the model in force."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from classifiers.mask import Mask
from classifiers.model_folder import LoadedModel
from classifiers.passages import score_texts
from pipeline.framing.model import ensure_model
from pipeline.monitor import Monitor
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.framings import Unframed, count_documents, count_unframed, keep_framings, unframed
from pipeline.store.runs import record_run
from pipeline.store.session import open_session

VARIABLE = "framing"
BATCH = 1000
"""documents in memory at a time, and per commit"""


def mask_of(monitor: Monitor) -> Mask:
    """Takes every name and alias of the monitor's groups out of a text, and the other names it says to mask."""
    names = [group.name for group in monitor.groups]
    aliases = (alias for group in monitor.groups for each in group.aliases.values() for alias in each)
    return Mask([*names, *aliases, *monitor.masked])


def _framings(
    documents: Sequence[Unframed], model_id: int, model: LoadedModel, mask: Mask, now: datetime
) -> list[dict[str, Any]]:
    """The rows to write; without probabilities and label for a document of which the model knows no word."""
    probabilities, known = score_texts(model.classifier, [d.text for d in documents], mask)
    labels = model.classifier.heads_.labels(probabilities)
    return [
        {
            "document_id": document.id,
            "model_id": model_id,
            "text_digest": document.text_digest,
            "featuriser": mask.featuriser,
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


def frame(settings: Settings, monitor: Monitor, *, progress: Progress = silent) -> Report:
    """Score every document whose framing is missing or stale: text, masked names or model have changed.

    Trains and promotes the starter model where none is in force. Batches are committed as they are done. The
    report counts documents: found in the monitor, new, updated (were stale), known (left alone), failed (the
    model knows no word of them; they are looked at again when text, masked names or model change). Raises
    ModelFolderError when the model in force can't be trusted.
    """
    started_at, clock = datetime.now(UTC), time.monotonic()
    model_id, model = ensure_model(settings, VARIABLE)
    mask = mask_of(monitor)
    new = updated = failed = after = 0
    languages: Counter[str | None] = Counter()
    with open_session(settings) as session:
        documents_now = count_documents(session, monitor.name)
        waiting = count_unframed(session, monitor.name, model_id=model_id, featuriser=mask.featuriser)
        progress("framing", 0, waiting)
        while documents := unframed(
            session, monitor.name, model_id=model_id, featuriser=mask.featuriser, after=after, limit=BATCH
        ):
            session.commit()  # no lock is held, and no old view kept, while the texts are scored
            rows = _framings(documents, model_id, model, mask, datetime.now(UTC))
            keep_framings(session, rows)
            session.commit()
            after = documents[-1].id
            stale = {d.id for d in documents if d.stale}
            framed = {row["document_id"] for row in rows if row["label"] is not None}
            updated += len(framed & stale)
            new += len(framed - stale)
            failed += len(documents) - len(framed)
            languages.update(d.language for d in documents if d.id in framed)
            progress("framing", new + updated + failed, waiting)
        problems = _untrained(languages, model)
        if failed:
            problems.insert(0, f"{failed} texts have no word that {model.name} knows, and stay without framing")
        # texts may come while others are scored: what was looked at is what was scored, and what was left alone
        known = max(0, documents_now - waiting)
        report = Report(
            job="frame",
            found=known + new + updated + failed,
            new=new,
            updated=updated,
            known=known,
            failed=failed,
            seconds=time.monotonic() - clock,
            problems=tuple(problems),
        )
        record_run(session, report, started_at=started_at, monitor=monitor.name)
        session.commit()
    return report
