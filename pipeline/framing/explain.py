"""Why a stored document gets its probabilities; for the document page and the command line."""

from __future__ import annotations

from typing import Any

from classifiers.codebook import codebook_of
from classifiers.model.explain import explain
from pipeline.framing.job import masks_for
from pipeline.framing.model import promoted_model
from pipeline.monitor import Monitor
from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import Document


def explain_document(
    settings: Settings, monitor: Monitor, document_id: int, *, variable: str = "framing", target: str = ""
) -> dict[str, Any]:
    """What :func:`classifiers.model.explain.explain` says of a document by the model in force.

    Names are taken out as `frame` does.

    ``target``: of a targeted codebook the group it is judged towards. Raises LookupError when the monitor has no such
    document or group, or no model is in force; ModelFolderError when it can't be trusted.
    """
    masks = masks_for(monitor, codebook_of(variable))
    if target not in masks:
        raise LookupError(
            f"{variable} is judged towards a group of {monitor.name} ({', '.join(masks)}), not {target!r}"
            if codebook_of(variable).targeted
            else f"{variable} is not judged towards a group"
        )
    with open_session(settings) as session:
        document = session.get(Document, document_id)
        if document is None or document.monitor != monitor.name:
            raise LookupError(f"{monitor.name} has no document {document_id}")
        text = document.text
    model, mask = promoted_model(settings, variable), masks[target]
    made = explain(model.classifier, text, mask, only=mask.finds_target if target else None)
    return {"model": model.name, "variable": variable, "target": target, **made}
