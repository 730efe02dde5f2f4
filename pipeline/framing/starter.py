"""The starter model: trained from the starter codings in seconds, so that a new installation needs no coder."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from classifiers.codebook import Codebook
from classifiers.evaluation.evaluate import confusion, figures, training_balance
from classifiers.model.classifier import TextClassifier
from classifiers.model.model_folder import ENCODERS, FORMAT, LoadedModel, load_model, save_model
from classifiers.starter import StarterCoding, load_starter, starter_digest, starter_groups
from classifiers.text.featuriser import RULES
from classifiers.text.mask import target_masks
from pipeline.settings import Settings

TRAINER = 1
"""Raise it when training itself changes: the same codings then make another starter model."""

log = logging.getLogger(__name__)


def starter_name(book: Codebook, encoder: str = "") -> str:
    """Name of a codebook's starter model: the same codings and settings give the same name."""
    classifier = TextClassifier(encoder=encoder or None)
    settings = {name: value for name, value in classifier.get_params().items() if name != "heads"}
    made_of = [TRAINER, FORMAT, RULES, starter_digest(book.variable), book.model_dump(), settings]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    return f"{book.variable}-starter-{digest[:8]}"


def open_model(settings: Settings, folder: Path, sha256: str | None = None) -> LoadedModel:
    """:func:`classifiers.model.model_folder.load_model`; the model may name the encoder of the settings as well."""
    return load_model(folder, sha256, encoders={*ENCODERS, settings.encoder} - {""})


def is_starter(name: str) -> bool:
    """Whether a model of this name is a starter model, of this version or an earlier one."""
    return "starter-" in name


def starter_card(
    codings: list[StarterCoding], classifier: TextClassifier, book: Codebook, trained_at: datetime
) -> dict[str, Any]:
    """What the pages tell of the starter model; figures are of held-out traditions."""
    values = [coding.value for coding in codings]
    return {
        "title": "Starter model",
        "trained_on": f"{len(codings)} short paragraphs written and coded by the project, no text of any group",
        "trained_at": trained_at.isoformat(),
        "codings": len(codings),
        "languages": sorted({coding.lang for coding in codings}),
        "reviewed_by_native_speakers": all(coding.reviewed for coding in codings),
        "evaluation": "cross-validated on the starter codings, no tradition on both sides",
        "limits": "Figures on texts of your groups are unknown until some are coded: see docs/framing.md.",
        "figures": figures(
            values, classifier.out_of_fold_, classifier.heads_, {"languages": [c.lang for c in codings]}
        ),
        "training_balance": training_balance(values, book.balances),
        "confusion": confusion(values, classifier.out_of_fold_, classifier.heads_),
    }


def _rows(codings: list[StarterCoding], book: Codebook) -> list[tuple[str, str, str]]:
    """(before, text, after); of a targeted codebook with the group's names marked, and those of the others out."""
    masks = target_masks(starter_groups(book))
    return [
        coding.row if not book.targeted else (coding.before, masks[coding.target](coding.text), coding.after)
        for coding in codings
    ]


def train_starter(settings: Settings, book: Codebook, trained_at: datetime | None = None) -> LoadedModel:
    """The starter model's folder, made unless it is there. Two processes at once end up with one folder.

    ``trained_at``: of a starter model whose folder was lost; training is deterministic, so the same folder comes back.
    """
    classifier = TextClassifier(book.two_heads, encoder=settings.encoder or None)
    folder = settings.models / starter_name(book, settings.encoder)
    if not folder.exists():
        codings = load_starter(book)
        log.info("training %s on %d starter codings", folder.name, len(codings))
        rows = _rows(codings, book)
        classifier.fit(rows, [coding.value for coding in codings], [coding.tradition for coding in codings])
        try:
            save_model(
                classifier,
                folder,
                codebook=book,
                card=starter_card(codings, classifier, book, trained_at or datetime.now(UTC)),
                probes=rows[:: max(1, len(rows) // 25)],
            )
        except FileExistsError:
            log.info("another process has made %s meanwhile", folder.name)
    return open_model(settings, folder)
