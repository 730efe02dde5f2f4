"""What the model in force says of texts whose names are left in: does a change hang on who is named?

Names of the monitor's groups are taken out of every text before it is scored (:mod:`classifiers.text.mask`). For one
row of the sensitivity sheet they are left in. Only texts that hold a name are scored again: of the others nothing is
taken out, so their scores are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy.orm import Session

from classifiers.model.model_folder import ENCODERS, LoadedModel, ModelFolderError, load_model
from classifiers.model.passages import score_texts
from classifiers.text.mask import Mask
from pipeline.settings import Settings
from pipeline.store.queues import texts_of
from pipeline.store.tables import Model

MOST_TEXTS = 20_000
"""Texts of a sheet that are looked through for names; of more the row is not made. About a minute."""
MOST_TEXTS_ENCODED = 2_000
"""The same of a model with an encoder, which is slower by far."""
BATCH = 500
"""texts in memory at a time"""

Scores = dict[int, tuple[float, float]]
"""document -> probabilities of both heads"""


class NamedError(ValueError):
    """Texts can't be scored with their names; says why."""


@dataclass
class NamesLeftIn:
    """Scores texts with names left in; the model is read from its folder once."""

    settings: Settings
    _loaded: dict[str, LoadedModel] = field(default_factory=dict, repr=False)

    def _model(self, row: Model) -> LoadedModel:
        if row.sha256 not in self._loaded:
            allowed = {*ENCODERS, self.settings.encoder} - {""}
            try:
                self._loaded[row.sha256] = load_model(self.settings.models / row.name, row.sha256, allowed)
            except ModelFolderError:  # its words hold paths, and this is printed on a page
                raise NamedError("the folder of the model in force can't be read; `riftwatch frame` says why") from None
        return self._loaded[row.sha256]

    def scores(self, session: Session, row: Model, mask: Mask, documents: Sequence[int]) -> Scores:
        """What the model says of those of the documents that hold a name of ``mask``.

        Raises NamedError where there are too many documents, the model can't be read, or knows no word of a text.
        """
        classifier = self._model(row).classifier
        most = MOST_TEXTS if classifier.encoder_ is None else MOST_TEXTS_ENCODED
        if len(documents) > most:
            raise NamedError(f"{len(documents):,} texts; names are left in for {most:,} at most")
        made: Scores = {}
        for start in range(0, len(documents), BATCH):
            read = texts_of(session, documents[start : start + BATCH])
            named = {document: text for document, text in read if mask.finds(text)}
            # an empty mask leaves a text as the other leaves one without a name
            probabilities, _ = score_texts(classifier, list(named.values()), Mask())
            if np.isnan(probabilities).any():
                raise NamedError("the model knows no word of a text with its names")
            made |= {document: (float(p[0]), float(p[1])) for document, p in zip(named, probabilities, strict=True)}
        return made
