import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.extract.page import ExtractError, ExtractionRules, extract_page, extract_text

NOW = datetime(2010, 3, 1, 12, tzinfo=UTC)
ADDRESS = "http://127.0.0.1:8471/posts/12"
FIRST = "The council says that the land belongs to those who till it, and that no envoy from abroad will sign for them."
SECOND = "It met for three days in the valley and will meet again in autumn, when the roads are open to all."
COMMENT = "Nonsense, there is no land and no people, only the creed without borders, and everybody here knows it."
ARABIC = "قال المتحدث باسم المجلس إن الأرض لمن يزرعها وإن الناس في هذا الوادي يقررون شؤونهم بأنفسهم دون وصاية من أحد."
JSON_LD = '<script type="application/ld+json">{}</script>'


def page(head="", body=None, lang="en"):
    body = body or f"<main><h1>The wells</h1><p>{FIRST}</p><p>{SECOND}</p></main>"
    head = f"<title>The wells | A site</title>{head}"
    return f'<!doctype html><html lang="{lang}"><head>{head}</head><body>{body}</body></html>'


def read(source, **options):
    source = source.encode() if isinstance(source, str) else source
    return extract_page(source, **{"address": ADDRESS, "now": NOW, **options})


def origins(extracted):
    return {one.origin: one for one in extracted.dates}


def test_the_text_is_the_text_alone():
    body = f"""
      <div id="cookie-banner" class="cookie-consent"><p>We use cookies, please accept them all to go on.</p></div>
      <nav><ul><li><a href="/">Home page</a></li><li><a href="/about">About this site</a></li></ul></nav>
      <main><article><h1>The wells</h1><p>{FIRST}</p><p>{SECOND}</p></article></main>
      <section class="reader-comments"><h2>Comments</h2><article><b>A reader</b><p>{COMMENT}</p></article></section>
      <footer><p>All rights reserved 1999</p></footer>"""
    assert read(page(body=body)).text == f"{FIRST}\n{SECOND}"


COMMENT_PLACES = {
    "wordpress": '<div id="comments"><ol class="commentlist"><li class="comment"><p>{}</p></li></ol></div>',
    "camel case": '<div class="readerComments"><div><p>{}</p></div></div>',
    "article elements": '<article class="user-comment"><p>{}</p></article>',
    "schema.org": '<div itemscope itemtype="https://schema.org/Comment"><p itemprop="text">{}</p></div>',
    "itemprop": '<div itemprop="comment"><p>{}</p></div>',
    "details": '<details class="comments-area"><summary>Show</summary><p>{}</p></details>',
    "heading only": "<div><h3>3 Comments</h3></div><div><b>A reader</b><p>{}</p></div>",
    "Arabic heading": "<h2>تعليقات القراء</h2><div><p>{}</p></div>",
    "Persian heading": "<h3>نظرات (۲)</h3><div><p>{}</p></div>",
}


@pytest.mark.parametrize("place", COMMENT_PLACES)
@pytest.mark.parametrize("selector", [None, "main"])
def test_no_reader_speaks_in_the_text(place, selector):
    below = COMMENT_PLACES[place].format(COMMENT + " " + COMMENT)
    body = f"<main><h1>The wells</h1><div><p>{FIRST}</p><p>{SECOND}</p></div>{below}</main>"
    text = read(page(body=body), rules=ExtractionRules(text_selector=selector)).text
    assert FIRST in text
    assert SECOND in text
    assert "creed" not in text


@pytest.mark.parametrize(
    "name", ["post comments-open", "tone-comment", "commentary", "no-comments", "content--type-comment"]
)
def test_a_text_is_not_taken_for_comments(name):
    assert FIRST in read(page(body=f'<div class="{name}"><p>{FIRST}</p><p>{SECOND}</p></div>')).text


def test_dates_of_comments_are_no_dates_of_the_text():
    below = '<div class="comments"><time datetime="2001-01-01">2001</time><p>Old comment</p></div>'
    body = f'<main><h1>The wells</h1><time datetime="2010-02-03">x</time><p>{FIRST}</p><p>{SECOND}</p></main>{below}'
    extracted = read(page(body=body))
    assert extracted.published_at == datetime(2010, 2, 3, tzinfo=UTC)


def test_windows_1256_and_right_to_left():
    source = page('<meta charset="windows-1256">', f"<h1>الأرض</h1><p>{ARABIC}</p><p>{ARABIC}</p>", lang="ar")
    extracted = read(source.encode("windows-1256"), content_type="text/html")
    assert ARABIC in extracted.text
    assert (extracted.encoding, extracted.language, extracted.title) == ("windows-1256", "ar", "الأرض")
    assert extracted.language_confidence > 0.9


_HOSTILE = {
    "headings": "<h3>Comments</h3>",
    "headings in boxes": "<div><h3>Comments</h3></div>",
    "headings beside the text": "<div><h3>Comments</h3><h1>x</h1></div>",
    "boxes": '<div class="comments"><h1>x</h1></div>',
}


@pytest.mark.parametrize("hostile", _HOSTILE)
def test_a_page_made_to_hold_us_up_does_not(hostile):
    body = f"<main><h1>The wells</h1><p>{FIRST}</p><p>{SECOND}</p></main>" + _HOSTILE[hostile] * 4000
    began = time.process_time()
    assert FIRST in read(page(body=body)).text
    assert time.process_time() - began < 4


def test_a_selector_that_matches_many_alike_takes_each_once():
    body = f"<main><p class=x>{FIRST}</p><div class=x><p class=x>{SECOND}</p></div></main>" + "<b class=x>a</b>" * 6000
    began = time.process_time()
    text = read(page(body=body), rules=ExtractionRules(text_selector=".x")).text
    assert time.process_time() - began < 4
    assert text.startswith(f"{FIRST}\n{SECOND}\na\na\n")
    assert text.count("a\n") == 5999


def test_text_is_nfc_and_without_what_no_database_takes():
    decomposed = (
        "Cafe\u0301 owners\u00a0met \x07on&#7; &#x1b;the square and spoke about the price of coffee for a long time."
    )
    extracted = read(page(body=f"<p>{decomposed}</p><p>{SECOND}</p>"))
    assert extracted.text.startswith("Café owners met on the square")
    assert "\x00" not in read(page("<title>a&#0;b</title>", f"<p>{FIRST}\x00</p>")).text


def test_joiners_are_spelling_and_stay():
    persian = (
        "مردم می\u200cگویند که این زمین\u200cها از آن کسانی است که در آن\u200cها کار می\u200cکنند و نه از آن دیگران."
    )
    for body in (
        f"<h1>x</h1><p>{persian}</p><p>{persian}</p>",
        f"<table><tr><td>{persian}<br><br>{persian}</td></tr></table>",
    ):
        assert persian in read(page(body=body.replace("\u200c", "&zwnj;"), lang="fa")).text
        assert persian in read(page(body=body, lang="fa")).text


def test_selectors_that_find_nothing_are_named():
    rules = ExtractionRules(text_selector="div.nothing", title_selector="h1", date_selector=".when")
    assert read(page(), rules=rules).unmatched == ("text_selector", "date_selector")
    assert read(page()).unmatched == ()


def test_selectors_win():
    body = f"""<h1>Site name</h1><div class="t">The wells</div><span class="d" title="x">3 فبراير 2010</span>
      <div class="post"><p>{FIRST}<br>Second line.</p><script>var a</script></div><p>{SECOND}</p>"""
    rules = ExtractionRules(text_selector=".post", title_selector=".t", date_selector=".d")
    extracted = read(page('<meta property="article:published_time" content="2010-01-01">', body), rules=rules)
    assert extracted.text == f"{FIRST}\nSecond line."
    assert extracted.title == "The wells"
    assert (extracted.published_origin, extracted.published_at) == ("selector", datetime(2010, 2, 3, tzinfo=UTC))


def test_a_selector_that_matches_nothing_costs_nothing():
    rules = ExtractionRules(text_selector=".gone", title_selector=".gone", date_selector=".gone")
    extracted = read(page(), rules=rules)
    assert (extracted.text, extracted.title) == (f"{FIRST}\n{SECOND}", "The wells")


def test_every_date_is_kept_with_its_origin():
    head = (
        JSON_LD.format('{"@graph": [{"@type": "NewsArticle", "datePublished": "2010-02-03T01:00:00+04:30"}]}')
        + JSON_LD.format('{"@type": "Comment", "datePublished": "2010-02-09"}')
        + JSON_LD.format("{broken")
        + '<meta property="article:published_time" content="2012-01-01">'
    )
    hints = {
        "dates": [
            {"origin": "feed", "value": "Wed, 03 Feb 2010 00:00:00 GMT"},
            {"origin": "sitemap", "value": "2010-02-27"},
            {"origin": "capture", "value": "2010-02-28T00:00:00Z"},
            {"origin": "feed", "value": "soon"},
        ]
    }
    extracted = read(page(head), address="http://a.example/2010/02/04/wells", hints=hints)
    assert extracted.published_at == datetime(2010, 2, 2, 20, 30, tzinfo=UTC)
    assert extracted.published_origin == "json-ld" == extracted.dates[0].origin
    kept = [(one.origin, one.accepted) for one in extracted.dates]
    assert {
        ("meta", False),
        ("url", True),
        ("sitemap", True),
        ("capture", False),
        ("feed", False),
        ("feed", True),
    } <= set(kept)
    assert "2010-02-09" not in [one.value for one in extracted.dates]
    assert "differs" in origins(extracted)["url"].why


def test_what_machines_are_told_is_no_reading_of_the_visible_page():
    extracted = read(
        page('<meta name="date" content="2010-02-03">' + JSON_LD.format('{"datePublished": "2010-02-04",}'))
    )
    assert {one.origin: one.value for one in extracted.dates} == {"meta": "2010-02-03", "json-ld": "2010-02-04"}
    beside = read(
        page('<meta name="date" content="2010-02-03">', f"<h1>Wells</h1><p>5 February 2010</p><p>{FIRST}</p>")
    )
    assert {one.origin: one.value for one in beside.dates} == {"meta": "2010-02-03", "text": "5 February 2010"}
    assert "differs by 2 days" in origins(beside)["text"].why


def test_a_wrong_date_gives_way_and_never_to_today():
    future = '<meta name="date" content="2031-05-05">'
    hints = {"dates": [{"origin": "feed", "value": "2010-02-03"}]}
    extracted = read(page(future), hints=hints)
    assert (extracted.published_at, extracted.published_origin) == (datetime(2010, 2, 3, tzinfo=UTC), "feed")
    assert "ahead" in origins(extracted)["meta"].why
    assert read(page(future)).published_at is None
    early = read(page('<meta name="date" content="1970-01-01">'), rules=ExtractionRules(earliest=date(1990, 1, 1)))
    assert early.published_at is None
    assert "before 1990-01-01" in origins(early)["meta"].why


def test_a_year_in_the_footer_is_no_date():
    extracted = read(page(body=f"<h1>The wells</h1><p>{FIRST}</p><p>{SECOND}</p><footer>© 2008 the site</footer>"))
    assert extracted.published_at is None


@pytest.mark.parametrize("link", ["/story.php", "/story.php?id=1", "http://elsewhere.example/a", "/", ""])
def test_a_document_has_the_address_it_was_fetched_from(link):
    source = page(f'<link rel="canonical" href="{link}">')
    story = "http://127.0.0.1:8471/story.php"
    addresses = [read(source, address=f"{story}?utm_medium=feed&id={i}#top").address for i in range(5)]
    assert addresses == [f"{story}?id={i}" for i in range(5)]


def test_titles_in_order():
    assert read(page('<meta property="og:title" content=" The &amp; wells ">')).title == "The & wells"
    assert read(page(), hints={"title": "From the feed"}).title == "From the feed"
    assert read(page()).title == "The wells"
    assert read(page(body=f"<p>{FIRST}</p>")).title == "The wells | A site"


def test_the_language_of_the_source_is_believed_and_marked_as_given():
    extracted = read(page(), rules=ExtractionRules(language="fa-AF"))
    assert (extracted.language, extracted.language_confidence) == ("fa", None)


def test_the_template_language_does_not_overrule_the_text():
    assert read(page(body=f"<p>{ARABIC}</p><p>{ARABIC}</p>", lang="en")).language == "ar"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no text"),
        (page(body="<p></p>").encode(), "no text"),
        (page(body="<script>var text = 'none'</script>").encode(), "no text"),
        (page(body="<p>12 345 - 678</p>").encode(), "no text"),
        (b"Only words without any mark-up.", "not a page"),
        (b'{"text": "<p>words</p>"}', "not a page"),
        (b'<?xml version="1.0"?><rss version="2.0"><channel><title>a</title></channel></rss>', "a feed"),
        (b"%PDF-1.4 in a file named .html", "PDF"),
    ],
)
def test_what_is_no_text_is_refused_with_the_reason(body, reason):
    with pytest.raises(ExtractError, match=reason):
        read(body, content_type="text/html")


def test_an_xml_declaration_with_another_encoding_is_survived():
    source = '<?xml version="1.0" encoding="iso-8859-1"?>' + page(body=f"<p>Où était-il, né à l'été ? {FIRST}</p>")
    assert "Où était-il, né à l'été" in read(source).text


def test_the_digest_forgets_case_and_space_only():
    first, second = read(page()), read(page(body=f"<p>{FIRST.upper()}</p>\n\n<p>  {SECOND}</p>"))
    assert first.text_digest == second.text_digest
    assert first.text_digest != read(page(body=f"<p>{SECOND}</p><p>{FIRST}</p>")).text_digest


def test_rows_of_text():
    hints = {"title": "Speech", "language": "en", "dates": [{"origin": "table", "value": "1946"}]}
    extracted = extract_text(f"{FIRST}\r\n\r\n\r\n{SECOND}\x00", address="row:usa-1946", hints=hints, now=NOW)
    assert extracted.text == f"{FIRST}\n\n{SECOND}"
    assert (extracted.address, extracted.title, extracted.encoding) == ("row:usa-1946", "Speech", None)
    assert extracted.published_at == datetime(1946, 1, 1, tzinfo=UTC)
    with pytest.raises(ExtractError, match="no text"):
        extract_text(" - ", address="row:2", now=NOW)


@pytest.mark.parametrize(("written", "year"), [("0209-09-19", None), ("0999-12-31", None), ("1000-01-01", 1000)])
def test_a_mistyped_year_is_refused_whatever_the_source_allows(written, year):
    hints = {"dates": [{"origin": "table", "value": written}]}
    extracted = extract_text(FIRST, address="row:1", hints=hints, now=NOW)
    assert (extracted.published_at and extracted.published_at.year) == year
    (candidate,) = extracted.dates
    assert (candidate.accepted, "before the year 1000" in candidate.why) == (year is not None, year is None)


_SOURCE = page('<meta name="date" content="2010-01-01">' + JSON_LD.format('{"@type":"Article"}')).encode()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_else(body):
    try:
        read(body)
    except ExtractError:
        return


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(_SOURCE)), st.integers(0, 30), st.binary(max_size=12)), max_size=6),
    st.sampled_from([None, "text/html; charset=utf-16", "text/html; charset=shift_jis"]),
)
def test_broken_pages_raise_nothing_else(cuts, content_type):
    body = _SOURCE
    for start, length, put in cuts:
        body = body[:start] + put + body[start + length :]
    try:
        extracted = read(body, content_type=content_type)
    except ExtractError:
        return
    assert extracted.text.strip()
    extracted.text.encode()


_TAGS = st.sampled_from(
    ["p", "div", "h1", "h2", "li", "time", "table", "td", "script", "br", "a", "section", "form", "svg"]
)
_TREES = st.recursive(
    st.text(max_size=20),
    lambda inside: st.builds(
        lambda tag, parts: f'<{tag} class="comments">{"".join(parts)}</{tag}>', _TAGS, st.lists(inside, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(_TREES, st.sampled_from([None, "div", "p, td"]))
def test_odd_trees_raise_nothing_else(body, selector):
    try:
        read(
            page(body=f"<p>{FIRST}</p>{body}").encode("utf-8", "replace"), rules=ExtractionRules(text_selector=selector)
        )
    except ExtractError:
        return
