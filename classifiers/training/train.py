"""From codings to a model with its figures: what `riftwatch model train` and retraining both do. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from classifiers.codebook import Codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.coding.examples import Examples
from classifiers.heads import Floats
from classifiers.model.classifier import TextClassifier
from classifiers.starter import StarterCoding, StarterError, load_starter
from classifiers.training.fitting import Says, Training, fit_codings, says
from classifiers.training.training_report import card_of

__all__ = ["CodingRow", "Says", "Trained", "Training", "probe_texts", "says", "train"]

PROBES = 25


@dataclass(frozen=True)
class Trained:
    """A fitted model and everything that is known of it."""

    classifier: TextClassifier
    card: dict[str, Any]
    """figures and data, ready for JSON; :func:`classifiers.training.card.card_pages` writes them out in words"""
    training: Examples
    """own codings it learnt from"""
    out_of_fold: Floats
    """shape (n, 2): probabilities of ``training`` by models that have not seen their unit; NaN where no model of the
    split could say (split by time: the earliest part)"""
    audit: Examples
    """random codings, never learnt from; may be empty"""
    audit_said: Floats
    """shape (n, 2): probabilities of ``audit``; NaN: no word understood"""
    confusion: dict[str, dict[str, float]]
    training_balance: float


def train(
    codings: Sequence[CodingRow],
    book: Codebook,
    *,
    trained_at: datetime,
    starter: Sequence[StarterCoding] = (),
    incumbent: Says | None = None,
    incumbent_name: str = "incumbent",
    dyads: Sequence[tuple[str, str]] | None = None,
    agreement: dict[str, Any] | None = None,
    settings: Training | None = None,
) -> Trained:
    """Train on all codings but the random ones and what hangs on them, and evaluate on the random ones.

    ``starter`` codings are added with ``settings.starter_weight``. ``incumbent`` says probabilities of texts (NaN: no
    word understood); the new model is compared with it on the random codings, gaps over ``dyads``, or all pairs.
    ``agreement`` of coders goes into the card as it is. Raises ValueError, in words, where the codings can't train a
    model.
    """
    settings = settings or Training()
    fitted = fit_codings(codings, book, starter, settings)
    said = says(fitted.classifier, settings.prepare)(fitted.audit.texts)
    card = card_of(
        fitted,
        said,
        trained_at=trained_at,
        incumbent=incumbent,
        incumbent_name=incumbent_name,
        dyads=dyads,
        agreement=agreement,
    )
    return Trained(
        fitted.classifier,
        card,
        fitted.own,
        fitted.out_of_fold[: len(fitted.own)],
        fitted.audit,
        said,
        card["confusion"],
        fitted.training_balance,
    )


def probe_texts(book: Codebook) -> list[tuple[str, str, str]]:
    """Texts whose probabilities are kept with a model and made again when it is loaded: starter codings of the
    codebook, or of the first one. Never texts of a source: a model folder must not outlive an erased text."""
    try:
        found = load_starter(book)
    except StarterError:
        found = load_starter()
    return [coding.row for coding in found[:: max(1, len(found) // PROBES)]][:PROBES]
