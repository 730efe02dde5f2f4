"""A stored text as the model in force weighs it, passage by passage and word by word, for the text's page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from classifiers.model.classifier import TextClassifier
from classifiers.model.explain import ExplainedPassage, explained_passages
from classifiers.model.model_folder import ENCODERS, LoadedModel, ModelFolderError, load_model
from classifiers.text.cutting import split_passages
from classifiers.text.normalise import normalise
from pipeline.framing.job import masks_for
from pipeline.monitor import Monitor
from pipeline.settings import Settings
from pipeline.store.models import model_in_force

VARIABLE = "framing"
MOST_CHARACTERS = 25_000
"""of a text that are weighed: more would keep its reader waiting"""
WORDS_MARKED = 12
"""words of a passage that are marked, those that weigh most"""
TERMS_SHOWN = 12
_WORD = re.compile(r"\b\w\w+\b")


class CantWeigh(RuntimeError):
    """There is no model to weigh with; says why and what to do."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of a passage as it stands in the text."""

    text: str
    weight: float | None
    """what its word adds to the log odds of the first head less those of the second; null: not one that weighs most"""


@dataclass(frozen=True)
class TermWeight:
    """A word, pair of words or letter sequence, and what it adds to the log odds of each head."""

    term: str
    kind: str
    """words, letters or encoder"""
    first: float
    second: float

    @property
    def difference(self) -> float:
        return self.first - self.second


@dataclass(frozen=True)
class WeighedPassage:
    """A passage, as it stands in the text and as the model saw it."""

    stretches: list[Stretch]
    seen: str
    """letters folded, names of groups taken out"""
    share: float
    """of the text's words that the model knows passages of"""
    known: bool
    """False: the model knows no word of it, and it counts nothing"""
    first: float
    """probability of the first head"""
    second: float
    terms: list[TermWeight]
    """of most weight for the balance, first"""

    @property
    def balance(self) -> float:
        return self.first - self.second


@dataclass(frozen=True)
class Weighed:
    """A text as a model weighs it."""

    model: str
    heads: tuple[str, str]
    passages: list[WeighedPassage]
    left_out: int
    """characters at the end that were not weighed"""


def _terms(passage: ExplainedPassage) -> Iterator[TermWeight]:
    """The terms of a passage, those of most weight for the balance first; of equal weights the first that is said."""
    order = np.argsort(-np.abs(passage.weights[:, 0] - passage.weights[:, 1]), kind="stable").tolist()
    for place in order:
        kind, term = passage.terms[place]
        yield TermWeight(term, kind, *passage.weights[place].tolist())


def _weights(passage: ExplainedPassage) -> dict[str, float]:
    """The words of a passage that weigh most, and what they weigh."""
    single = (term for term in _terms(passage) if term.kind == "words" and " " not in term.term and term.difference)
    return {term.term: term.difference for term in islice(single, WORDS_MARKED)}


def _stretches(passage: str, weights: Mapping[str, float], words_in: Callable[[str], list[str]]) -> list[Stretch]:
    """The passage with the words marked that have a weight. A word is found again by its folded form."""
    made: list[Stretch] = []
    at = 0
    for raw in re.finditer(r"\S+", passage):
        weight = sum(weights.get(word, 0.0) for word in words_in(raw[0]))
        if weight:
            made += [Stretch(passage[at : raw.start()], None), Stretch(raw[0], weight)]
            at = raw.end()
    made.append(Stretch(passage[at:], None))
    return [stretch for stretch in made if stretch.text]


def weigh(classifier: TextClassifier, text: str, mask: Callable[[str], str]) -> list[WeighedPassage]:
    """The passages of a text, in order. Weights are shares of the log odds; see :mod:`classifiers.model.explain`."""
    words_in = cache(lambda raw: _WORD.findall(normalise(raw)))  # a text says most of its words several times
    made, _ = explained_passages(classifier, text, mask)
    return [
        WeighedPassage(
            stretches=_stretches(passage, _weights(said) if said.known else {}, words_in),
            seen=said.text,
            share=said.share,
            known=said.known,
            first=float(said.probabilities[0]),
            second=float(said.probabilities[1]),
            terms=list(islice(_terms(said), TERMS_SHOWN)) if said.known else [],
        )
        for passage, said in zip(split_passages(text), made, strict=True)
    ]


@lru_cache(maxsize=2)
def _opened(folder: Path, sha256: str, encoder: str) -> LoadedModel:
    """The model of this checksum, read and tried once: a folder's files never change."""
    return load_model(folder, sha256, encoders={*ENCODERS, encoder} - {""})


def weigh_text(session: Session, settings: Settings, monitor: Monitor, text: str) -> Weighed:
    """A text of a monitor by the model in force, names taken out as `frame` does. Writes nothing.

    Raises :class:`CantWeigh` where no model is in force, or its folder can't be trusted.
    """
    row = model_in_force(session, VARIABLE)
    if row is None:
        raise CantWeigh("No model is in force yet; the first run of frame puts the starter model in force.")
    try:
        model = _opened(settings.models / row.name, row.sha256, settings.encoder)
    except ModelFolderError as error:
        raise CantWeigh(
            f"The folder of the model in force, {row.name}, can't be read here; `riftwatch model list` says more."
        ) from error
    some = text[:MOST_CHARACTERS]
    mask = masks_for(monitor, codebook_of(VARIABLE))[""]
    first, second = model.classifier.heads_.names
    return Weighed(row.name, (first, second), weigh(model.classifier, some, mask), len(text) - len(some))
