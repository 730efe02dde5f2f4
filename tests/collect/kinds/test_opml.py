from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.kinds.opml import OpmlError, Outline, address_of, feeds, read, write


def addresses(text):
    return list(feeds(read(text if isinstance(text, bytes) else text.encode())).feeds)


def opml(inside, head=""):
    return f'{head}<opml version="2.0"><head><title>A list</title></head><body>{inside}</body></opml>'


def test_folders_nested_to_any_depth_are_categories():
    found = read(
        opml(
            '<outline text="News"><outline title="North"><outline text="A" xmlUrl="http://a.example/f"/></outline>'
            '<outline text="B" xmlUrl="http://b.example/f" htmlUrl="http://b.example/" category="/x/y,z"/></outline>'
            '<outline text="C" type="rss" url="http://c.example/f"/>'
        ).encode()
    )
    assert found.title == "A list"
    listed = feeds(found)
    assert {address: (one.title, one.categories) for address, one in listed.feeds.items()} == {
        "http://a.example/f": ("A", ("News", "North")),
        "http://b.example/f": ("B", ("News", "x y", "z")),
        "http://c.example/f": ("C", ()),
    }
    assert listed.feeds["http://b.example/f"].page == "http://b.example/"
    assert listed.problems == ()


def test_what_is_no_feed_is_named_and_the_others_stay():
    listed = feeds(
        read(
            opml(
                '<outline text="No address"/><outline/><outline text="Bad" xmlUrl="nonsense"/>'
                '<outline text="Secret" xmlUrl="http://me:word@a.example/f"/><outline text="File" xmlUrl="file:///etc/passwd"/>'
                '<outline text="One" xmlUrl="http://a.example/f"/><outline text="Two" xmlUrl="http://a.example/f"/>'
                '<outline xmlurl="feed://b.example/f"/><outline XMLURL=" feed:https://c.example/f "/>'
            ).encode()
        )
    )
    assert list(listed.feeds) == ["http://a.example/f", "http://b.example/f", "https://c.example/f"]
    said = "\n".join(listed.problems)
    assert len(listed.problems) == 6
    for word in ("'No address' has no xmlUrl", "without text has no xmlUrl", "'Bad' is left out", "'Secret'", "'File'"):
        assert word in said
    assert "'Two' names http://a.example/f again" in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1", None])
def test_wrong_encodings_decide_nothing(encoding, declared):
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    title = "بيان الإمارة الإسلامية إلى الأمة في كل مكان"
    body = (declaration + opml(f'<outline text="{title}" xmlUrl="http://a.example/f"/>')).encode(encoding)
    (one,) = feeds(read(body)).feeds.values()
    assert one.title == title


def test_a_legacy_encoding_that_is_declared():
    declaration = '<?xml version="1.0" encoding="windows-1256"?>'
    body = (declaration + opml('<outline text="بيان إلى الأمة" xmlUrl="http://a.example/f"/>')).encode("windows-1256")
    (one,) = feeds(read(body)).feeds.values()
    assert one.title == "بيان إلى الأمة"


def test_names_of_characters_and_bare_ampersands():
    listed = feeds(
        read(
            opml(
                '<outline text="Caf&eacute; &amp; R&D &nosuch; &#1576;" xmlUrl="http://a.example/f?a=1&b=2&copy=3&amp;d=4"/>'
            ).encode()
        )
    )
    ((address, one),) = listed.feeds.items()
    assert (address, one.title) == ("http://a.example/f?a=1&b=2&copy=3&d=4", "Café & R&D &nosuch; ب")
    assert listed.problems == ()


def test_a_damaged_file_is_read_as_far_as_it_goes_and_says_so():
    whole = opml("".join(f'<outline text="{i}" xmlUrl="http://a.example/{i}"/>' for i in range(5)))
    listed = feeds(read(whole[: whole.index('text="3"')].encode()))
    assert list(listed.feeds) == [f"http://a.example/{i}" for i in range(3)]
    assert "no well-formed XML" in listed.problems[0]
    crossed = opml(
        '<outline text="x"><b><outline xmlUrl="http://a.example/1"/></outline></b><outline xmlUrl="http://a.example/2"/>'
    )
    assert "http://a.example/2" in addresses(crossed)


@pytest.mark.parametrize("body", [b"", b"hello", b"<html><body/></html>", b"<rss/>", b"{}", b"%PDF", b"\x00" * 50])
def test_what_is_no_opml_is_named_so(body):
    with pytest.raises(OpmlError, match="is no OPML"):
        feeds(read(body)).feeds["x"]


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE opml [<!ENTITY x SYSTEM "file://{0}">]>',
        '<!DOCTYPE opml [<!ENTITY % p SYSTEM "file://{0}"> %p; <!ENTITY x "y">]>',
        '<!DOCTYPE opml SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!-- --><!DOCTYPE opml [ <!-- ]> --> <!ENTITY x SYSTEM "file://{0}">]>',
    ],
)
def test_nothing_from_outside_is_read(tmp_path, doctype):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret words")
    inside = '<outline text="&x;" xmlUrl="http://a.example/f"/>'
    found = ""
    with suppress(OpmlError):
        found = str(list(read(opml(inside, "<?xml version='1.0'?>" + doctype.format(secret)).encode()).all()))
    assert "secret words" not in found


def test_bombs_are_not_lit():
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    bomb = opml('<outline text="&i;" xmlUrl="http://a.example/f"/>', f"<!DOCTYPE opml [{entities}]>")
    nested = opml('<outline text="x">' * 50_000)
    blank = "\n" * 500_000 + opml("")
    for text in (bomb, nested, blank, "<!DOCTYPE " * 100_000 + opml(""), opml("&" * 500_000)):
        began = time.process_time()
        try:
            found = list(read(text.encode()).all())
        except OpmlError:
            found = []
        assert time.process_time() - began < 2
        assert sum(len(one.title) for one in found) < 1_000_000


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: opml(t).encode("utf-8", "replace")))
def test_no_bytes_break_the_reader(body):
    with suppress(OpmlError):
        feeds(read(body))


titles = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), max_size=20)
links = st.integers(0, 50).map("http://a.example/{}".format)
leaves = st.builds(Outline, title=titles, feed=links) | st.builds(Outline, title=titles, page=links)
outlines = st.recursive(
    leaves, lambda inner: st.builds(Outline, title=titles, children=st.lists(inner, min_size=1, max_size=3).map(tuple))
)


@given(st.lists(outlines, max_size=5), titles)
def test_what_was_written_is_read_again(written, title):
    found = read(write(title, written))

    def shape(one):
        return (one.title or one.feed or one.page or "", one.feed, one.page, tuple(map(shape, one.children)))

    assert tuple(map(shape, found.outlines)) == tuple(map(shape, written))
    assert (found.title, found.damage) == (title, None)


def test_addresses_are_written_as_a_monitor_writes_them():
    assert address_of(" HTTPS://A.Example ") == "https://a.example/"
    with pytest.raises(ValueError, match="is no address"):
        address_of("/feed")
