"""A stored text as the model in force weighs it."""

import pytest

from classifiers.text.cutting import LONGEST
from pipeline.framing import weighed as module
from pipeline.framing.job import frame
from pipeline.framing.weighed import CantWeigh, weigh_text
from pipeline.store.session import open_session
from pipeline.store.tables import Framing, Model

pytestmark = pytest.mark.usefixtures("short_starter")

SENTENCE = "The Belt League has sold the land of the people in one season, and our nation will not forgive it."


def weigh(settings, monitor, text):
    with open_session(settings) as session:
        return weigh_text(session, settings, monitor, text)


def test_passages_make_the_probabilities_of_the_text(settings, monitor, add_documents):
    text = "\n".join(f"{SENTENCE} It was said {number} times. " * 3 for number in range(12))
    assert len(text.split()) > 3 * LONGEST
    add_documents(settings, [text])
    with pytest.raises(CantWeigh, match="first run of frame"):
        weigh(settings, monitor, text)
    frame(settings, monitor)
    made = weigh(settings, monitor, text)
    with open_session(settings) as session:
        framing = session.query(Framing).filter(Framing.target == "").one()
    assert made.heads == ("nationalist", "universalist")
    assert len(made.passages) > 2
    assert sum(p.share for p in made.passages) == pytest.approx(1)
    assert sum(p.share * p.first for p in made.passages) == pytest.approx(framing.p_first)
    assert sum(p.share * p.balance for p in made.passages) == pytest.approx(framing.p_first - framing.p_second)
    for passage in made.passages:
        assert "belt league" not in passage.seen
        said = "".join(stretch.text for stretch in passage.stretches)
        assert "Belt League" in said
        assert " ".join(said.split()) in " ".join(text.split())
        weights = [abs(term.difference) for term in passage.terms]
        assert weights == sorted(weights, reverse=True)
    assert made.left_out == 0


def test_a_word_is_marked_with_what_it_weighs(settings, monitor, add_documents):
    add_documents(settings, [SENTENCE])
    frame(settings, monitor)
    (passage,) = weigh(settings, monitor, SENTENCE).passages
    marked = {stretch.text: stretch.weight for stretch in passage.stretches if stretch.weight is not None}
    assert 0 < len(marked) <= module.WORDS_MARKED + 1
    of_terms = {term.term: term.difference for term in passage.terms if term.kind == "words" and " " not in term.term}
    some = {word: weight for word, weight in of_terms.items() if word in marked}
    assert some
    for word, weight in some.items():
        assert marked[word] == pytest.approx(weight)


def test_a_very_long_text_is_weighed_in_part(settings, monitor, add_documents, monkeypatch):
    monkeypatch.setattr(module, "MOST_CHARACTERS", 50)
    add_documents(settings, [SENTENCE])
    frame(settings, monitor)
    made = weigh(settings, monitor, SENTENCE)
    assert made.left_out == len(SENTENCE) - 50
    assert weigh(settings, monitor, "").passages == []
    (unknown,) = weigh(settings, monitor, "ⵣⵣⵣ").passages
    assert not unknown.known
    assert unknown.terms == []


def test_a_model_of_another_checksum_is_not_opened(settings, monitor, add_documents):
    add_documents(settings, [SENTENCE])
    frame(settings, monitor)
    with open_session(settings) as session:
        session.query(Model).filter(Model.variable == "framing").update({"sha256": "0" * 64})
        session.commit()
    with pytest.raises(CantWeigh, match="can't be read here"):
        weigh(settings, monitor, SENTENCE)
