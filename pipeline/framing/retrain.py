"""Retraining: all codings of a variable, of all monitors, make a model that a person may then put in force."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from classifiers.codebook import Codebook, codebook_of
from classifiers.coding.coding_table import CodingRow
from classifiers.coding.examples import Examples, sort_codings
from classifiers.coding.splits import connected
from classifiers.model.model_folder import FORMAT, LoadedModel, OtherFormatError, save_model
from classifiers.starter import StarterCoding, StarterError, load_starter, starter_digest, starter_groups
from classifiers.text.cutting import split_passages
from classifiers.text.featuriser import RULES
from classifiers.text.mask import Mask, target_masks
from classifiers.training.card import card_pages
from classifiers.training.train import Trained, Training, probe_texts, says, train
from pipeline.framing.job import masks_for
from pipeline.framing.model import ensure_model, keep_loaded
from pipeline.framing.promote import COMPARED_WITH
from pipeline.framing.starter import TRAINER, open_model
from pipeline.framing.weights import audit_weights
from pipeline.monitor import Monitor
from pipeline.monitors import load_monitors
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.models import LEARNT_FROM, model_in_force, model_named
from pipeline.store.runs import record_run
from pipeline.store.session import open_session
from pipeline.store.tables import Model
from pipeline.store.training import (
    CodedText,
    coded_texts,
    codings_since_training,
    copies_of_coded,
    count_codings,
    retraining_job,
)

log = logging.getLogger(__name__)

LEAST = 20
"""different texts with codings of your own, below which nothing is trained: the starter codings would say it all"""
HOW = Training()


@dataclass(frozen=True)
class Retrained:
    """What retraining came to."""

    report: Report
    model: str | None
    """the model that waits for a decision; None where there is nothing to decide"""
    said: str
    """the outcome for people: the model and its verdict, or why there is none"""


def _prepared(text: str, mask: Mask | None) -> str:
    """A text as framing sees it: cut (masking takes the line ends away), towards a group only what names it, masked.

    Empty where nothing is left: such a coding counts nowhere.
    """
    if mask is None:
        return ""
    passages = [part for part in split_passages(text) if not mask.target or mask.finds_target(part)]
    return "\n".join(map(mask, passages))


def rows_of(
    coded: Sequence[CodedText],
    monitors: Mapping[str, Monitor],
    book: Codebook,
    copies: Sequence[tuple[str, int, str]] = (),
) -> tuple[list[CodingRow], list[str]]:
    """Stored codings as training takes them, each text without its monitor's masked names; and what was left out.

    Texts of one cluster, and the same text in two monitors, are one text; ``copies`` (monitor, cluster, digest of a
    text in it) say which clusters share one that nobody has coded. Pure.
    """
    unknown = Counter(c.monitor for c in coded if c.monitor not in monitors)
    strange = Counter(c.value for c in coded if c.value not in book.names)
    problems = [
        f"{n} codings of {name} are left out: no monitor file here has this name, so its names can't be masked"
        for name, n in sorted(unknown.items())
    ]
    problems += [
        f"{n} codings say {value!r}, which the codebook does not know; recode them" for value, n in strange.items()
    ]
    used = [c for c in coded if c.monitor in monitors and c.value in book.names]
    clusters = [f"{c.monitor}/{c.cluster}" if c.cluster is not None else None for c in used]
    clusters += [f"{monitor}/{cluster}" for monitor, cluster, _ in copies]
    digests = [c.text_digest for c in used] + [digest for *_, digest in copies]
    together = connected([clusters, digests], len(clusters))[: len(used)]
    several = len({c.monitor for c in used}) > 1
    masks = {name: masks_for(monitor, book) for name, monitor in monitors.items()}
    if gone := sorted({c.target for c in used if c.target not in masks[c.monitor]}):
        problems.append(f"codings towards {', '.join(gone)} are left out: no monitor has such a group")
    return [
        CodingRow(
            text=_prepared(c.text, masks[c.monitor].get(c.target)),
            value=c.value,
            group=(f"{c.monitor}: {c.group}" if several else c.group) if c.group else "",
            date=c.published_at.date() if c.published_at else None,
            cluster=str(cluster),
            source=f"{c.monitor}: {c.source}" if several else c.source,
            lang=c.language or "",
            weight=weight,
            target=f"{c.monitor}: {c.target}" if several and c.target else c.target,
            draw=c.draw,
            origin=c.origin,
            coder=c.coder,
            settles=c.settles,
        )
        for c, cluster, weight in zip(used, together, audit_weights(used, monitors), strict=True)
    ], problems


def digest_of(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def content_of(examples: Examples) -> list[Any]:
    """What makes a difference of examples, in an order that does not depend on how they were stored."""
    weights = (round(float(weight), 9) for weight in examples.weights)
    return sorted([*row.row, row.value, row.target, weight] for row, weight in zip(examples.rows, weights, strict=True))


def dyads_of(monitors: Iterable[Monitor], coded: Collection[str]) -> list[tuple[str, str]]:
    """The dyads of all monitors, their groups named as :func:`rows_of` names them where ``coded`` has several."""
    if len(coded) > 1:
        return [(f"{m.name}: {d.a}", f"{m.name}: {d.b}") for m in monitors for d in m.dyads]
    return [(d.a, d.b) for m in monitors for d in m.dyads if m.name in coded]


def prepared_starter(book: Codebook) -> tuple[list[StarterCoding], str]:
    """Starter codings, the group that one is coded towards marked, and their digest; none where there are none."""
    try:
        codings, masks = load_starter(book), target_masks(starter_groups(book))
    except StarterError:
        return [], ""
    prepared = [replace(c, text=masks[c.target](c.text)) if book.targeted else c for c in codings]
    return prepared, starter_digest(book.variable)


def _incumbent(settings: Settings, book: Codebook) -> tuple[str | None, LoadedModel | None]:
    """Name of the model in force, and the model where this version can read it."""
    try:
        _, model = ensure_model(settings, book.variable)
    except StarterError:
        return None, None  # the codebook has no starter codings and no model yet
    except OtherFormatError:
        with open_session(settings) as session:
            row = model_in_force(session, book.variable)
        return (row.name if row else None), None
    return model.name, model


def _verdict(card: Mapping[str, Any]) -> str:
    compared = card.get("comparison")
    if compared is None:
        return f"not comparable with the model in force: {card['evaluation']}"
    f1 = compared["figures"]["macro_f1"]
    return (
        f"{compared['verdict']}: macro-F1 {f1['new']:.3f} against {f1['old']:.3f} of {card[COMPARED_WITH]} "
        f"on {compared['texts']} random codings"
    )


def _standing(row: Model, in_force: str | None) -> str | None:
    """Why a model of the very same codings needs no decision; None where it waits for one."""
    if row.name == in_force:
        return f"{row.name} was trained on these very codings and is in force; code more texts"
    if row.rejected_at is not None:
        return f"{row.name} was trained on these very codings, and was not promoted: {row.rejection}; code more texts"
    return None


def _save(settings: Settings, name: str, trained: Trained, book: Codebook, card: dict[str, Any]) -> LoadedModel:
    folder = settings.models / name
    # it is there when this was broken off between folder and row, or another process has made it: the same model
    with suppress(FileExistsError):
        probes = probe_texts(book)
        pages = card_pages(card, len(probes))
        save_model(trained.classifier, folder, codebook=book, card=card, probes=probes, pages=pages)
    return open_model(settings, folder)


def retrain(
    settings: Settings,
    variable: str,
    *,
    monitors: Sequence[Monitor] = (),
    seed: int = 0,
    note: str = "",
    progress: Progress = silent,
) -> Retrained:
    """Train a model on all codings of a variable, compare it with the one in force, and keep it. Never promotes.

    ``monitors``: besides those of the settings. Random codings and their clusters evaluate and never train; without any
    the figures are cross-validated and marked not comparable. Codings that can't train a model are refused in words,
    in the report; so is training again on what the model in force, or a rejected one, was trained on. The report
    counts codings: found (by people), waiting (their text is not collected); new is 1 for a new model. Raises
    ModelFolderError when the model in force can't be trusted.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    book = codebook_of(variable)
    loaded = load_monitors(settings.monitor_files())
    known = {monitor.name: monitor for monitor in [*loaded.monitors.values(), *monitors]}
    problems = [str(error) for error in loaded.broken.values()]
    progress("reading codings", 0, None)
    with open_session(settings) as session:
        found, waiting = count_codings(session, variable)
        coded, copies = list(coded_texts(session, variable)), copies_of_coded(session, variable)
    rows, left_out = rows_of(coded, known, book, copies)
    problems += left_out

    def end(said: str, model: str | None = None, *, new: bool = False, refused: bool = False) -> Retrained:
        report = Report(
            job=retraining_job(variable),
            found=found,
            new=int(new),
            waiting=waiting,
            seconds=time.monotonic() - clock,
            problems=(*([said] if refused else []), *problems),
        )
        with open_session(settings) as session:
            record_run(session, report, started_at=started)
            session.commit()
        log.info("%s", said)
        return Retrained(report, model, said)

    by_use = sort_codings(rows)
    own = by_use.training
    if (texts := len(set(own.units.tolist()))) < LEAST:
        return end(
            f"too few codings to train {variable} on: {texts} different texts that were not drawn at random are coded, "
            f"and {LEAST} are needed; code texts of a queue, or import codings",
            refused=True,
        )
    incumbent_name, incumbent = _incumbent(settings, book)
    starter, digest_of_starter = prepared_starter(book)
    made_by = (TRAINER, FORMAT, RULES, settings.encoder, book.model_dump(), digest_of_starter, seed)
    learnt_from = digest_of(*made_by, content_of(own))
    name = f"{variable}-{digest_of(learnt_from, incumbent_name, content_of(by_use.audit))[:10]}"
    with open_session(settings) as session:
        before = model_named(session, name)
        standing = _standing(before, incumbent_name) if before is not None else None
    if incumbent is not None and incumbent.card.get(LEARNT_FROM) == learnt_from:
        standing = f"{incumbent_name} was trained on these very codings and is in force; code more texts"
    if standing is not None:
        return end(standing)
    if before is not None:  # broken off before it was decided on
        return end(f"{name} waits for a decision; {_verdict(before.card)}", name)
    progress("training", 0, None)
    try:
        trained = train(
            rows,
            book,
            trained_at=datetime.now(UTC),
            starter=starter,
            incumbent=says(incumbent.classifier) if incumbent is not None else None,
            incumbent_name=incumbent_name or "incumbent",
            dyads=dyads_of(known.values(), {c.monitor for c in coded if c.monitor in known}),
            settings=replace(HOW, seed=seed, classifier={"encoder": settings.encoder or None}),
        )
    except ValueError as error:
        return end(f"the codings can't train a {variable} model: {error}", refused=True)
    card = {**trained.card, COMPARED_WITH: incumbent_name, LEARNT_FROM: learnt_from, "note": note}
    model = _save(settings, name, trained, book, card)
    with open_session(settings) as session:
        keep_loaded(session, model)
        session.commit()
    return end(f"{name} waits for a decision; {_verdict(card)}", name, new=True)


def enough_new_codings(settings: Settings, variable: str) -> tuple[bool, str]:
    """Whether enough codings came since the last retraining (``retrain_after`` of the settings), and that in words."""
    with open_session(settings) as session:
        new = codings_since_training(session, variable)
    return (
        new >= settings.retrain_after,
        f"{new} new codings of {variable}, {settings.retrain_after} start a retraining",
    )
