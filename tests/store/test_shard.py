from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.text.features import featurise
from pipeline.store.shard import DamagedShardError, Kept, contents, join, name_of, pack, text_key, unpack

WORDS = st.sampled_from(["land", "people", "the", "وطن", "workers", "of", "a" * 30, "\n\n"])
TEXTS = st.lists(st.lists(WORDS, max_size=60).map(" ".join), max_size=5)


def _kept(texts) -> Kept:
    keys = np.array([text_key(text) for text in texts], dtype=np.uint64)
    return Kept(np.arange(len(texts), dtype=np.int64) + 7, keys, featurise(texts))


def _same(a: Kept, b: Kept) -> None:
    np.testing.assert_array_equal(a.documents, b.documents)
    np.testing.assert_array_equal(a.texts, b.texts)
    np.testing.assert_array_equal(a.features.text, b.features.text)
    np.testing.assert_array_equal(a.features.words, b.features.words)
    assert a.features.texts == b.features.texts
    for block in ("words", "letters"):
        one, other = getattr(a.features.passages, block), getattr(b.features.passages, block)
        np.testing.assert_array_equal(one.indptr, other.indptr)
        np.testing.assert_array_equal(one.indices, other.indices)


@given(TEXTS)
def test_what_is_packed_comes_back(texts):
    kept = _kept(texts)
    content = pack(kept)
    _same(unpack(content, name_of(content)), kept)


@given(TEXTS, st.data())
def test_rows_are_taken_and_joined(texts, data):
    kept = _kept(texts)
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), unique=True)) if texts else []
    if rows:
        _same(join([kept.take(rows[:1]), kept.take(rows[1:])]), kept.take(rows))
        some = _kept([texts[row] for row in rows])
        _same(kept.take(rows), Kept(np.array(rows) + 7, some.texts, some.features))


def test_any_changed_byte_is_noticed(tmp_path):
    content = pack(_kept(["the people of the land"] * 3))
    name = name_of(content)
    for place in range(0, len(content), 97):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(DamagedShardError, match="not those that were written"):
            unpack(bytes(changed), name)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text"])
def test_rubbish_is_no_shard(tmp_path, content):
    file = tmp_path / name_of(content)
    file.write_bytes(content)
    with pytest.raises(DamagedShardError):
        unpack(content, file.name)
    with pytest.raises(DamagedShardError):
        contents(file)


def test_the_contents_are_read_without_the_features(tmp_path):
    kept = _kept(["land " * 400, "", "people"])
    file = tmp_path / "x.npz"
    file.write_bytes(pack(kept))
    listed = contents(file)
    assert listed.documents.tolist() == [7, 8, 9]
    assert listed.passages.tolist() == [3, 0, 1]
    assert listed.texts.tolist() == kept.texts.tolist()


def test_a_text_of_370_words_takes_less_than_8_kb():
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice(list("etaoinshrdlucm"), rng.integers(2, 9))) for _ in range(20_000)])
    texts = [" ".join(rng.choice(words, 370)) for _ in range(20)]
    assert len(pack(_kept(texts))) / 20 < 8000


def test_vectors_of_an_encoder_are_kept():
    kept = _kept(["one", "two"])
    dense = np.array([[1.0, 0.5], [0.25, -1.0]], dtype=np.float32)
    kept = replace(kept, features=replace(kept.features, passages=replace(kept.features.passages, dense=dense)))
    content = pack(kept)
    np.testing.assert_array_equal(unpack(content, name_of(content)).take([1, 0]).features.passages.dense, dense[::-1])
