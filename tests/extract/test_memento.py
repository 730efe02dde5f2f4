import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.memento import Memento, memento_at, original_of

RAW = "https://web.archive.org/web/20091007120000id_/http://outlet.example:80/a.php?id=5&p=http://b.example/"


def test_a_capture_is_taken_apart_and_put_together():
    memento = memento_at(RAW)
    assert memento == Memento(
        "https://web.archive.org/web/", "20091007120000", "http://outlet.example:80/a.php?id=5&p=http://b.example/"
    )
    assert memento.raw == RAW
    assert memento.shown == RAW.replace("id_", "")
    assert memento_at(memento.shown) == memento


@pytest.mark.parametrize(
    ("address", "original"),
    [
        ("http://127.0.0.1:80/coll/20091007120000mp_/https://a.example/", "https://a.example/"),
        ("https://arquivo.pt/wayback/20091007120000/http:/a.example/b", "http://a.example/b"),
        ("https://outlet.example/20091007120000/text.html", "https://outlet.example/20091007120000/text.html"),
        ("https://outlet.example/?u=/20091007120000/http://a.example/", None),
        ("https://web.archive.org/web/2009/http://a.example/", None),
        ("table:rows/5", None),
    ],
)
def test_what_is_no_capture_stays_as_it_is(address, original):
    assert original_of(address) == (original or address)


def test_a_fragment_stays_part_of_the_page():
    memento = Memento("http://a.example/web/", "20091007120000", "http://b.example/#!letter")
    assert memento.raw == "http://a.example/web/20091007120000id_/http://b.example/%23!letter"


@given(st.text())
def test_anything_may_be_asked(address):
    assert isinstance(original_of(address), str)
