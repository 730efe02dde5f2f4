"""Features of documents: taken from where they are kept, or made from the text and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from classifiers.text.encoder import Encoder
from classifiers.text.features import Features, featurise
from classifiers.text.featuriser import features_digest
from classifiers.text.mask import Mask
from pipeline.settings import Settings
from pipeline.store.features import FeatureStore, forget
from pipeline.store.framings import Unframed, still_there, texts_of

Part = tuple[list[Unframed], Features]


def featuriser_of(mask: Mask, encoder: Encoder | None) -> str:
    """Digest of how texts become features: rules, names taken out, encoder."""
    if encoder is None:
        return mask.featuriser
    return features_digest(mask.featuriser, encoder.name, encoder.version, encoder.dimension)


class DocumentFeatures:
    """Features of a monitor's documents by one mask; with a target only of the passages that name it."""

    def __init__(
        self, settings: Settings, monitor: str, mask: Mask, target: str = "", encoder: Encoder | None = None
    ) -> None:
        self.encoder, self.featuriser = encoder, featuriser_of(mask, encoder)
        about = {"monitor": monitor, "target": target, "names": mask.names, "marked": mask.target}
        self.mask, self.target, self._root = mask, target, settings.features
        self.store = FeatureStore(settings.features, self.featuriser, about, monitor)

    def of(self, session: Session, documents: Sequence[Unframed]) -> Iterator[Part]:
        """The documents in parts, with their features; without those that were erased meanwhile.

        Ends the session's transaction: no lock is held, and no old view kept, while features are made.
        """
        session.commit()
        missing = dict(enumerate(documents))
        for places, features in self.store.take([(d.id, d.text_digest) for d in documents]):
            yield [missing.pop(place) for place in places], features
        if missing:
            yield self._made(session, list(missing.values()))

    def _made(self, session: Session, documents: Sequence[Unframed]) -> Part:
        texts = texts_of(session, [d.id for d in documents])
        session.commit()
        there = [d for d in documents if d.id in texts and texts[d.id][1] == d.text_digest]
        features = featurise(
            [texts[d.id][0] for d in there],
            self.mask,
            only=self.mask.finds_target if self.target else None,
            encoder=self.encoder,
        )
        self.store.keep([(d.id, d.text_digest) for d in there], features)
        # what was erased while its features were made must not stay on disk
        erased = {d.id for d in there} - still_there(session, [d.id for d in there])
        session.commit()
        if erased:
            forget(self._root, erased)
            return self._made(session, [d for d in there if d.id not in erased])
        return there, features
