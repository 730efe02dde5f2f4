import re

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.archive.inert import MOST_BYTES, NotShown, inert, inert_page
from tests.review.hostile import payloads

ALLOWED = {"dir", "lang", "colspan", "rowspan", "charset"}


def harmless(made: str) -> None:
    assert set(re.findall(r"<([a-zA-Z][\w-]*)", made)).isdisjoint(
        {"script", "style", "link", "img", "iframe", "svg", "math", "form", "base", "object", "a", "input", "video"}
    )
    for element in lxml.html.document_fromstring(made).iter():
        assert set(element.attrib) <= ALLOWED, element.attrib
    assert made.lower().count("<meta") == 1


@pytest.mark.parametrize("payload", payloads())
def test_nothing_that_runs_or_loads_is_left(payload):
    harmless(inert_page(f"<html><head><title>{payload}</title></head><body {payload}><p>{payload}</p>{payload}</body>"))


@given(st.text(alphabet="<>/=\"'! -abpscrithref:&;\x00\ud800", max_size=200))
def test_of_any_input_a_harmless_page_is_made(text):
    harmless(inert_page(text))


def test_the_text_stays_in_its_order_and_its_direction():
    made = inert_page(
        '<html lang="ar" dir="rtl"><head><title>عنوان &lt;b&gt;</title><style>p{}</style></head><body><h1>أرض</h1>'
        '<p>one <a href="http://b.example/x" onclick="x()">two</a> three<script>no</script> four</p>'
        '<img src="http://b.example/i.png" alt="a flag"><table><tr><td colspan="2" style="x">cell</td></tr></table>'
        "<textarea>no</textarea> tail &amp; &lt;end</body></html>"
    )
    assert '<html dir="rtl" lang="ar">' in made
    assert "<title>عنوان &lt;b&gt;</title>" in made
    assert "<p>one two three four</p>" in made
    assert "[a flag]" in made
    assert '<td colspan="2">cell</td>' in made
    assert " tail &amp; &lt;end" in made
    assert "no" not in made.replace("one", "")
    assert "b.example" not in made


def test_encodings_are_kept():
    page = "<html><head><meta charset=windows-1256></head><body><p>هذه الأرض لأهلها وحدهم</p></body></html>"
    made = inert(page.encode("windows-1256"), "text/html")
    assert (made.encoding, made.media_type) == ("windows-1256", "text/html")
    assert "هذه الأرض لأهلها وحدهم" in made.content
    plain = inert("<b>Gruß</b>".encode("latin-1"), "text/plain; charset=iso-8859-1")
    assert (plain.content, plain.media_type) == ("<b>Gruß</b>", "text/plain")
    assert inert(b"only words, without a kind", None).media_type == "text/plain"
    assert inert(b"<p>some words without a kind</p>", None).media_type == "text/html"


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"%PDF-1.4", "text/html", "PDF"),
        (b"{}", "application/json", "application/json"),
        (b"<rss/>", "application/rss+xml", "application/rss"),
        (b"", "text/html", "empty"),
        (b"a" * (MOST_BYTES + 1), "text/html", "bytes"),
        (b"x", "image/svg+xml", "image/svg"),
    ],
)
def test_what_is_not_shown_says_why(body, kind, said):
    with pytest.raises(NotShown, match=said.replace("+", r"\+")):
        inert(body, kind)
