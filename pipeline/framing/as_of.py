"""A model as of a day: trained as retraining does, on codings of texts that were dated before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from classifiers.codebook import Codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.coding.examples import Examples, sort_codings
from classifiers.model.classifier import TextClassifier
from classifiers.starter import StarterCoding
from classifiers.training.fitting import Training, fit_codings
from pipeline.framing.retrain import LEAST
from pipeline.store.training import CodedText

LEAST_OF_A_SIDE = 5
"""different texts that must say yes to a head, and as many that say no: one for each fold of the calibration"""


class TooFewCodingsError(ValueError):
    """The codings of the time can't train a model; says how many there are and how many are needed."""


@dataclass(frozen=True)
class Learnt:
    """A model and what it learnt from."""

    classifier: TextClassifier
    sha256: str
    """of its vocabulary, weights and calibration"""
    codings: int
    """own ones, without starter codings"""
    texts: int
    """different texts among them"""


def dated_before(coded: Iterable[CodedText], day: date) -> list[CodedText]:
    """The codings whose text was published before ``day`` (UTC). One without a date is not known to have been."""
    return [one for one in coded if one.published_at is not None and one.published_at.date() < day]


def _units(examples: Examples, chosen: Sequence[bool]) -> int:
    return len(set(examples.units[np.asarray(chosen, dtype=bool)].tolist())) if len(examples) else 0


def training_of(rows: Sequence[CodingRow], book: Codebook) -> Examples:
    """The own codings a model as of a day learns from: none of a random draw, nor of a text that hangs on one.

    rows: of texts dated before the day, as :func:`pipeline.framing.retrain.rows_of` makes them.

    Raises :class:`TooFewCodingsError` where a model would have to rest on starter codings alone: needed are as many
    different texts as retraining asks for, and of each head five that say yes and five that say no.
    """
    training = sort_codings(rows).training
    if (texts := _units(training, [True] * len(training))) < LEAST:
        raise TooFewCodingsError(
            f"{texts} different texts that were not drawn at random are coded, and {LEAST} are needed"
        )
    for column in (1, 2):  # of (value, yes to the first head, yes to the second)
        for answer in (True, False):
            values = [said[0] for said in book.two_heads.values if said[column] is answer]
            there = _units(training, [value in values for value in training.values])
            if there < LEAST_OF_A_SIDE:
                raise TooFewCodingsError(
                    f"{there} different texts that were not drawn at random are coded as {' or '.join(values)}, "
                    f"and {LEAST_OF_A_SIDE} are needed"
                )
    return training


def weights_digest(classifier: TextClassifier) -> str:
    """sha256 of all numbers a fitted classifier scores with: the same digest gives the same probabilities."""
    parts = [
        classifier.weights_.columns_.astype("<i8"),
        classifier.weights_.idf_.astype("<f4"),
        classifier.known_.astype("u1"),
        classifier.coef_.astype("<f4"),
        classifier.intercept_.astype("<f8"),
        classifier.calibration_.astype("<f8"),
    ]
    if classifier.dense_coef_ is not None:
        parts.append(classifier.dense_coef_.astype("<f4"))
    digest = hashlib.sha256(repr(classifier.values_.tolist()).encode())
    for part in parts:
        digest.update(repr(part.shape).encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def learn(rows: Sequence[CodingRow], book: Codebook, starter: Sequence[StarterCoding], how: Training) -> Learnt:
    """Train on the codings that :func:`training_of` takes of ``rows``, calibrated on held-out folds. Pure.

    starter: they join with their small weight, as in retraining; they hold no text of any group, and are the same at
    every day.

    Raises :class:`TooFewCodingsError` for codings that can't be split to calibrate on.
    """
    try:
        fitted = fit_codings(rows, book, starter, how)
    except ValueError as error:
        raise TooFewCodingsError(f"the codings can't train a {book.variable} model: {error}") from error
    own = fitted.own
    return Learnt(fitted.classifier, weights_digest(fitted.classifier), len(own), len(set(own.units.tolist())))
