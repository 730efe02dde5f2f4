from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from classifiers.codebook import load_codebook
from classifiers.model.explain import explain, probability
from classifiers.model.model_folder import ModelFolderError, load_model, save_model
from classifiers.text.features import featurise
from tests.classifiers.toy_encoder import Lengths

SPEC = "tests.classifiers.toy_encoder:lengths"


@pytest.fixture(scope="module")
def fitted(small, starter):
    return (
        clone(small)
        .set_params(encoder=SPEC, context_weight=0.0)
        .fit([c.row for c in starter], [c.value for c in starter])
    )


def test_vectors_stand_beside_words(fitted, small, starter):
    rows = [c.row for c in starter[:20]]
    assert fitted.dense_coef_.shape == (4, 4)
    assert (fitted.predict_heads(rows) != small.predict_heads(rows)).all()
    features = featurise(rows, encoder=Lengths())
    np.testing.assert_allclose(np.linalg.norm(features.passages.dense, axis=1), 1, atol=1e-3)
    assert fitted.predict_known(["qqqqq", ""])[1].tolist() == [True, False]  # it needs no word that was learnt


def test_a_text_has_the_same_scores_alone_and_among_others(fitted, starter):
    rng = np.random.default_rng(4)
    wide = copy(fitted)
    wide.dense_coef_ = rng.normal(size=(4, 384))  # as long as a real encoder's vectors
    rows = [c.row for c in starter]
    dense = rng.normal(size=(len(rows), 384)).astype(np.float32)

    def scores(of):
        passages = featurise(rows[of], encoder=Lengths()).passages
        assert len(passages) == len(rows[of])
        return wide.passage_scores(replace(passages, dense=dense[of]))[0]

    whole = scores(slice(None))
    for start in range(20):
        np.testing.assert_array_equal(scores(slice(start, start + 1)), whole[start : start + 1])


def test_features_without_vectors_are_refused(fitted, starter):
    rows, values = [c.row for c in starter], [c.value for c in starter]
    with pytest.raises(ValueError, match="these features have none"):
        fitted.passage_scores(featurise(rows[:2]).passages)
    with pytest.raises(ValueError, match="another encoder, or without one"):
        clone(fitted).fit(featurise(rows), values)


def test_a_folder_names_its_encoder_and_only_known_ones_are_loaded(fitted, starter, tmp_path, monkeypatch):
    rows = [c.row for c in starter[:5]]
    save_model(fitted, tmp_path / "m", codebook=load_codebook(), card={}, probes=rows)
    loaded = load_model(tmp_path / "m", encoders=(SPEC,)).classifier
    np.testing.assert_array_equal(loaded.predict_heads(rows), fitted.predict_heads(rows))
    with pytest.raises(ModelFolderError, match=r"names the encoder .*lengths"):
        load_model(tmp_path / "m")
    monkeypatch.setattr(Lengths, "version", "2")
    with pytest.raises(ModelFolderError, match=r"was made with the encoder .*'1'.*train it again"):
        load_model(tmp_path / "m", encoders=(SPEC,))


def test_the_meaning_of_a_passage_is_one_term_of_its_explanation(fitted, starter):
    (passage,) = explain(fitted, starter[0].text, terms=10**6)["passages"]
    for head in passage["heads"].values():
        assert probability(head) == pytest.approx(head["probability"], abs=1e-4)
        assert "encoder" in {term["kind"] for term in head["terms"]}
