"""5,000 pages that no one should serve: each is read or refused in words, soon, and what is stored is sound."""

import time
from datetime import UTC, datetime

import pytest

from pipeline.extract.page import ExtractError, ExtractionRules, extract_page
from pipeline.extract.text import digest
from tests.extract.mutations import FIRST, SECOND, mutated

NOW = datetime(2010, 3, 1, 12, tzinfo=UTC)
LIMIT = 5.0
"""seconds of processor time for one page"""
RULES = ExtractionRules(text_selector="article, td", title_selector="h1", date_selector="time")


def sound(body, content_type, rules=ExtractionRules()):  # noqa: B008 (a frozen value)
    began = time.process_time()
    try:
        found = extract_page(body, address="http://a.example/1", content_type=content_type, rules=rules, now=NOW)
    except ExtractError as refused:
        assert time.process_time() - began < LIMIT
        return refused.reason == ""
    assert time.process_time() - began < LIMIT
    for stored in (found.text, found.title or "", *(one.value + one.why for one in found.dates)):
        stored.encode()  # no lone surrogates
        assert "\x00" not in stored
    assert found.text_digest == digest(found.text)
    assert any(character.isalpha() for character in found.text)
    assert found.published_at is None or found.published_at <= datetime(2010, 3, 2, 12, tzinfo=UTC)
    assert found.language_confidence is None or 0 <= found.language_confidence <= 1
    return True


@pytest.fixture(scope="module", autouse=True)
def loaded():
    # what is loaded once (models, the words of every language) is no page's time
    sound(b"<html><body><h1>x</h1><p>posted 1 x 2</p></body></html>", None)
    sound(mutated(19)[0], None)


def test_mutated_pages():
    read = sum(sound(*mutated(number)) for number in range(200))
    read += sum(sound(*mutated(number), rules=RULES) for number in range(200, 250))
    assert 125 < read < 250


@pytest.mark.long
def test_five_thousand_mutated_pages():
    assert sum(sound(*mutated(number), rules=RULES if number % 5 == 0 else ExtractionRules()) for number in range(5000))


def test_pages_are_the_same_every_time_and_no_two_alike():
    assert mutated(7) == mutated(7)
    assert len({mutated(number)[0] for number in range(200)}) > 190


PAGE = "<html><head><title>Wells</title></head><body><main>{}</main></body></html>"
TRAPS = {
    "deep": "<div>" * 10_000 + FIRST + "</div>" * 10_000,
    "deep, unclosed": "<b><i>" * 10_000 + FIRST,
    "deep lists": "<ul><li>" * 10_000 + FIRST,
    "deep tables": "<table><tr><td>" * 2_000 + FIRST,
    "wide": f"<p>{FIRST}</p>" * 4_000,
    "many headings": f"<h1>{FIRST}</h1>" * 3_000,
    "many dates": "<p>19 September 2009</p>" * 10_000,
    "deep tables, open start": "<!DO" + "<table><tr><td>" * 10_000 + FIRST,
    "many comments": f'<div class="comment"><p>{FIRST}</p></div>' * 4_000,
    "one word": "<p>" + "w" * 2_000_000 + "</p>",
    "one line": "<p>" + f"{FIRST} " * 8_000 + "</p>",
    "links": f'<a href="/x">{SECOND}</a> ' * 3_000,
    "spaces": "<h1>" + " " * 1_000_000 + "</h1>",
    "breaks": f"{FIRST}<br>" * 5_000,
    "brackets": "<" * 200_000,
    "ampersands": "&" * 200_000 + "&#" * 200_000,
    "attributes": "<p " + " ".join(f"a{i}=1" for i in range(20_000)) + ">",
    "classes": "<p class='" + "comment-" * 100_000 + "'>x</p>",
    "digits": f"<h1>Wells</h1><p>{'1 ' * 40}</p>" + "<p>" + "1" * 1_000_000 + "</p>",
    "lines of numbers": "<h1>Wells</h1>" + "<p>12 abc 2009 d 12 def 2009</p>" * 3_000,
    "data for machines": '<script type="application/ld+json">' + '{"a":' * 100_000 + "</script>",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_page_made_to_hold_us_up_does_not(trap):
    sound(PAGE.format(f"<p>{FIRST}</p><p>{SECOND}</p>" + TRAPS[trap]).encode(), "text/html")


@pytest.mark.parametrize("trap", ["deep", "deep tables", "deep tables, open start", "wide", "classes", "many comments"])
def test_nor_where_the_source_has_selectors(trap):
    sound(PAGE.format(f"<article><p>{FIRST}</p></article>" + TRAPS[trap]).encode(), "text/html", RULES)


BOMB = "<!DOCTYPE html [<!ENTITY a0 'x x x x x x x x x x'>{}]>".format(
    "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 12))
)


@pytest.mark.parametrize(
    "start",
    [
        BOMB,
        '<?xml version="1.0"?>' + BOMB,
        '<!DOCTYPE html [<!ENTITY a11 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE html [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>',
        '<!DOCTYPE html SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_entities_of_a_page_are_neither_multiplied_nor_fetched(start):
    body = start + PAGE.format(f"<p>{FIRST}</p><p>{SECOND} &a11;</p>")
    began = time.process_time()
    text = extract_page(body.encode(), address="http://a.example/1", now=NOW).text
    assert time.process_time() - began < 2
    assert FIRST in text
    assert len(text) < 1000
    assert "root:" not in text
