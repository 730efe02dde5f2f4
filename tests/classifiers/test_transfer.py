import numpy as np
import pytest

from benchmarks.transfer import HEADS, beside_words, evenly, from_english
from classifiers.starter import load_starter

CODINGS = load_starter()
ENGLISH = np.array([i for i, c in enumerate(CODINGS) if c.lang == "en"])
OTHERS = np.array([i for i, c in enumerate(CODINGS) if c.lang != "en"])


def _vectors(honest: bool) -> np.ndarray:
    """Vectors that tell the value, for one text in two at least, or that tell nothing."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(CODINGS), 8))
    if honest:
        for row, coding in zip(noise, CODINGS, strict=True):
            row[HEADS.value_names.index(coding.value)] += 3
    return (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)


def test_an_encoder_that_knows_the_value_carries_it_to_other_languages_and_words_do_not():
    train = evenly(CODINGS, ENGLISH, 200)
    assert len(set(train)) == 200
    figures, lines = from_english(CODINGS, _vectors(True), train, OTHERS)
    assert min(figures.values()) > 0.7
    words = next(line.split() for line in lines if line.startswith("words and letters") and "others" in line)
    assert float(words[-2]) < 0.35
    figures, _ = from_english(CODINGS, _vectors(False), train, OTHERS)
    assert figures["English to others, four values"] < 0.35
    assert figures["English to others, two sides"] < 0.62


@pytest.mark.long
def test_vectors_that_know_the_value_help_beside_words():
    few = [CODINGS[i] for i in (*evenly(CODINGS, ENGLISH, 200), *evenly(CODINGS, OTHERS, 100))]
    vectors = _vectors(True)[[CODINGS.index(c) for c in few]]
    with_, _ = beside_words(few, vectors)
    without, _ = beside_words(few, np.zeros_like(vectors) + np.float32(8**-0.5))
    assert with_["all languages, four values"] > without["all languages, four values"] + 0.1
