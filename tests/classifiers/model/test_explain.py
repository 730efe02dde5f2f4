import json

import numpy as np
import pytest
from sklearn.base import clone

from classifiers.model.explain import base_of, explain, log_odds, probability, term_weights
from classifiers.model.passages import score_texts
from classifiers.text.normalise import normalise


@pytest.fixture(scope="module")
def alone(small, starter):
    """Without context, so that terms say everything."""
    return clone(small).set_params(context_weight=0.0).fit([c.row for c in starter], [c.value for c in starter])


def test_base_and_weights_are_the_decision_function(alone, starter):
    for coding in starter[:5]:
        terms, weights = term_weights(alone, normalise(coding.text))
        assert len(terms) == len(set(terms)) == len(weights)
        total = base_of(alone) + weights.sum(axis=0)
        decision = alone.decision_function([coding.text])[0]
        np.testing.assert_allclose(total, decision * alone.calibration_[:, 0] + alone.calibration_[:, 1], atol=1e-4)


def test_passages_and_terms_of_a_long_text(alone, starter):
    text = "\n\n".join(f"{c.text} {c.text}" for c in starter[:4])
    made = json.loads(json.dumps(explain(alone, text)))
    expected, _ = score_texts(alone, [text])
    np.testing.assert_allclose(list(made["probabilities"].values()), expected[0])
    assert len(made["passages"]) > 1
    assert sum(p["share"] for p in made["passages"]) == pytest.approx(1)
    for k, head in enumerate(alone.heads_.names):
        mean = sum(p["share"] * p["heads"][head]["probability"] for p in made["passages"])
        assert mean == pytest.approx(expected[0, k])
        for passage in made["passages"]:
            assert probability(passage["heads"][head]) == pytest.approx(passage["heads"][head]["probability"], abs=1e-4)
            assert all(
                term["term"] in passage["text"] or " " in term["term"] for term in passage["heads"][head]["terms"]
            )


def test_what_the_model_does_not_know_is_said(alone):
    made = explain(alone, "日本語")
    assert made["probabilities"] == {"nationalist": None, "universalist": None}
    assert made["passages"][0]["known"] is False
    assert explain(alone, "")["passages"] == []


def test_context_is_a_part_of_its_own(small, starter):
    text = "\n\n".join(f"{c.text} {c.text}" for c in starter[:3])
    made = explain(small, ("the sentence before it", text, ""))
    heads = [head for passage in made["passages"] for head in passage["heads"].values()]
    assert len(made["passages"]) > 1
    assert all(head["neighbours"] != 0 for head in heads)
    assert [probability(h) for h in heads] == pytest.approx([h["probability"] for h in heads])
    assert all(np.isfinite(log_odds(head)) for head in heads)
