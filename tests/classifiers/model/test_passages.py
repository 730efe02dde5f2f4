import numpy as np
from sklearn.base import clone

from classifiers.model.passages import passage_heads, score_texts, split_passages
from classifiers.model.softmax import sigmoid
from classifiers.text.features import featurise


def _text(*lengths: int) -> str:
    return "\n\n".join(" ".join([f"w{i}"] * (n - 1)) + f" w{i}." for i, n in enumerate(lengths))


def test_a_long_text_is_the_mean_of_its_passages_by_words(small, starter):
    one, other = starter[0].text, starter[1].text
    text = f"{one} {one}\n\n{other} {other}"
    passages = split_passages(text)
    assert len(passages) == 2
    alone = (
        clone(small)
        .set_params(context_weight=0.0)
        .fit([c.row for c in starter], [c.value for c in starter], [c.tradition for c in starter])
    )
    each = alone.predict_heads(passages)
    words = np.array([len(p.split()) for p in passages])
    made, known = score_texts(alone, [text])
    np.testing.assert_allclose(made[0], words @ each / words.sum())
    assert known == [True]


def test_a_text_of_which_nothing_is_known_gets_no_number(small):
    made, known = score_texts(small, ["日本語", "", "the people"])
    assert known == [False, False, True]
    assert np.isnan(made[:2]).all()
    assert np.isfinite(made[2]).all()
    assert score_texts(small, [])[0].shape == (0, 2)


def test_batches_change_nothing(small, starter, monkeypatch):
    texts = [c.text for c in starter[:30]] + ["\n\n".join(c.text for c in starter[:12])]
    whole, _ = score_texts(small, texts)
    monkeypatch.setattr("classifiers.model.passages.BATCH", 7)
    np.testing.assert_allclose(score_texts(small, texts)[0], whole)


def test_texts_are_prepared_after_cutting(small):
    text = _text(100, 100)
    seen = []
    score_texts(small, [("b", text, "a")], lambda part: seen.append(part) or part)
    assert sorted(seen) == sorted(["b", *split_passages(text), "a"])


def test_the_neighbours_of_a_passage_move_it_where_context_was_learnt(small, starter):
    one, other = starter[0].text, starter[1].text
    features = featurise([f"{one} {one}\n\n{other} {other}", f"{one} {one}"], context=True)
    scores, _ = small.passage_scores(features.passages)
    scores[0] += 0.25 * scores[1]
    expected = sigmoid(small.heads_of(scores), small.calibration_)
    made, known = passage_heads(small, features)
    np.testing.assert_allclose(made[[0, 2]], expected[[0, 2]])
    assert known.all()
    assert made[0, 0] != made[2, 0]
