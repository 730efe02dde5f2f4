import pytest

from pipeline.framing.explain import explain_document
from pipeline.framing.job import frame
from pipeline.store.session import open_session
from pipeline.store.tables import Framing

pytestmark = pytest.mark.usefixtures("short_starter")


def test_a_document_is_explained_as_it_was_framed(settings, monitor, add_documents):
    (document,) = add_documents(settings, ["The Belt League has sold the land of the people in one season."])
    frame(settings, monitor)
    with open_session(settings) as session:
        framing = {f.target: f for f in session.query(Framing)}
    made = explain_document(settings, monitor, document)
    assert made["probabilities"]["nationalist"] == pytest.approx(framing[""].p_first)
    assert "belt league" not in made["passages"][0]["text"]
    towards = explain_document(settings, monitor, document, variable="criticism", target="b")
    assert towards["probabilities"]["supportive"] == pytest.approx(framing["b"].p_first)
    assert "thisgroup" in towards["passages"][0]["text"]
    for wrong in ({"document_id": 99}, {"document_id": document, "target": "b"}):
        with pytest.raises(LookupError):
            explain_document(settings, monitor, **wrong)
    with pytest.raises(LookupError, match="judged towards a group of m"):
        explain_document(settings, monitor, document, variable="criticism")
