"""The model in force of a variable; on a new installation the starter model."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from classifiers.codebook import Codebook, codebook_of
from classifiers.model.model_folder import MANIFEST, LoadedModel, ModelFolderError
from pipeline.framing.starter import is_starter, open_model, starter_name, train_starter
from pipeline.settings import Settings
from pipeline.store.models import before_it, decide_alone, history, keep_model, model_in_force, promote
from pipeline.store.session import open_session
from pipeline.store.tables import Model

ROLLED_BACK = "rolled back"
"""key of a promotion's evidence: from which model it was rolled back"""

log = logging.getLogger(__name__)


def keep_loaded(session: Session, model: LoadedModel) -> Model:
    """The row of a model whose folder is there. Does not commit."""
    return keep_model(
        session,
        variable=model.variable,
        name=model.name,
        sha256=model.sha256,
        trained_at=datetime.fromisoformat(model.card["trained_at"]),
        training_balance=model.card["training_balance"],
        confusion=model.card["confusion"],
        card={k: v for k, v in model.card.items() if k not in {"confusion", "training_balance"}},
    )


def roll_back_names(session: Session, variable: str) -> list[str]:
    """The models a roll-back can go back to one by one, the newest last."""
    return before_it((s.model.name, ROLLED_BACK in (s.promotion.evidence or {})) for s in history(session, variable))


def _unchanged(folder: Path, sha256: str) -> bool:
    """Whether every file is as it was when the model was made, whatever this version makes of them."""
    try:
        manifest = (folder / MANIFEST).read_bytes()
        files = {str(name): str(digest) for name, digest in json.loads(manifest).items()}
        return hashlib.sha256(manifest).hexdigest() == sha256 and all(
            Path(name).name == name and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
            for name, digest in files.items()
        )
    except (OSError, ValueError, AttributeError):
        return False


def _outdated(settings: Settings, row: Model, book: Codebook) -> bool:
    """A starter model of an earlier version, which this one can't read though nobody changed it, or which is gone.

    It can't be made again either: the codings or the way of training are others now.
    """
    folder = settings.models / row.name
    earlier = is_starter(row.name) and row.name != starter_name(book, settings.encoder)
    return earlier and (not folder.exists() or _unchanged(folder, row.sha256))


def _mend(session: Session, row: Model) -> str:
    """What to do about a model in force that can't be trusted."""
    if back := roll_back_names(session, row.variable):
        return (
            f"or put {back[-1]} in force again: "
            f'`riftwatch model rollback --variable {row.variable} --comment "folder damaged"`'
        )
    if is_starter(row.name):
        return "or remove the folder: the starter model is then made again"
    return "no other model was in force before it"


def _current(session: Session, settings: Settings, book: Codebook) -> tuple[int, LoadedModel] | None:
    row = model_in_force(session, book.variable)
    if row is None:
        return None
    if not (settings.models / row.name).exists() and row.name == starter_name(book, settings.encoder):
        log.warning("the folder of %s is gone; it is made again from the starter codings", row.name)
        train_starter(settings, book, row.trained_at)
    try:
        return row.id, open_model(settings, settings.models / row.name, row.sha256)
    except ModelFolderError as error:
        if not _outdated(settings, row, book):
            raise type(error)(f"{error}; {_mend(session, row)}") from error
        log.warning("%s is of an earlier version (%s); the starter model of this one takes its place", row.name, error)
        return _starter_instead(session, settings, book, row.name)


def _starter_instead(session: Session, settings: Settings, book: Codebook, outdated: str) -> tuple[int, LoadedModel]:
    """Put this version's starter model in the place of an earlier version's. Two processes at once do it once."""
    model = train_starter(settings, book)
    session.rollback()  # what was read so far is old news
    row = keep_loaded(session, model)
    decide_alone(session, book.variable)
    current = model_in_force(session, book.variable)
    if current is not None and current.name == outdated:
        why = f"the starter model of this version, since {outdated} was made by an earlier one that is read no more"
        promote(session, row, promoted_at=datetime.now(UTC), comment=why)
        log.info("promoted %s", model.name)
    session.commit()
    again = model_in_force(session, book.variable)
    if again is None or again.id == row.id:
        return row.id, model
    return again.id, open_model(settings, settings.models / again.name, again.sha256)


def promoted_model(settings: Settings, variable: str) -> LoadedModel:
    """The variable's model in force.

    Raises LookupError when there is none yet, ModelFolderError when its folder can't be trusted.
    """
    with open_session(settings) as session:
        current = _current(session, settings, codebook_of(variable))
    if current is None:
        raise LookupError(f"no {variable} model is in force; `riftwatch frame` trains and promotes the starter model")
    return current[1]


def ensure_model(settings: Settings, variable: str) -> tuple[int, LoadedModel]:
    """Id and model in force; where none is, the starter model is trained and promoted."""
    book = codebook_of(variable)
    with open_session(settings) as session:
        current = _current(session, settings, book)
    if current is not None:
        return current
    model = train_starter(settings, book)
    with open_session(settings) as session:
        row = keep_loaded(session, model)
        decide_alone(session, variable)
        if promote(
            session,
            row,
            promoted_at=datetime.now(UTC),
            comment="trained at first run on the starter codings",
            first_only=True,
        ):
            log.info("promoted %s", model.name)
        session.commit()
        current = _current(session, settings, book)
    if current is None:
        raise LookupError(f"{model.name} was not promoted")
    return current
