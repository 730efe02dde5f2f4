from __future__ import annotations

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.collect.kinds.opml import OpmlError, feeds, read
from pipeline.collect.source_lists import from_opml, slug, to_opml
from pipeline.monitor import load_monitor

HEAD = """\
name: lists
title: رسائل الحركة
groups:
  - id: home
    name: الحركة
  - id: movement
    name: Movement
"""
SOURCES = """\
sources:
  - {id: letters, kind: feed, group: home, speaker: own, delay: 5, language: ar,
     addresses: ["https://a.example/feed", "https://a.example/f?a=1&b=2"], home_pages: ["https://h.example/"],
     outages: [{start: 2009-01-01, end: 2009-02-01, reason: 'down "again"'}]}
  - {id: page, kind: listing, group: movement, speaker: observer, addresses: ["https://b.example/list"],
     link_selector: "h2 > a", exclude: '\\?p=\\d+'}
  - {id: map, kind: sitemap, speaker: observer, addresses: ["https://c.example/map.xml"], earliest: null}
  - {id: past, kind: wayback, group: home, speaker: own, addresses: ["https://d.example/"], from: 2006-01-01}
"""


@pytest.fixture
def monitor_of(tmp_path):
    def load(sources, head=HEAD):
        file = tmp_path / "lists.yaml"
        file.write_text(head + sources, encoding="utf-8")
        return load_monitor(file)

    return load


def imported(body, **more):
    return from_opml(
        body if isinstance(body, bytes) else body.encode(),
        name="x.opml",
        **{"group": None, "speaker": "observer"} | more,
    )


def test_a_round_trip_loses_nothing_of_any_web_source(monitor_of):
    before = monitor_of(SOURCES)
    made = imported(to_opml(before, {}))
    after = monitor_of(made.text)
    assert after.sources == [before.source(id) for id in ("letters", "past", "page", "map")]
    assert (made.sources, made.feeds, made.problems) == (4, 2, ())


def test_other_readers_see_the_feeds_with_their_groups(monitor_of):
    listed = feeds(read(to_opml(monitor_of(SOURCES), {})))
    assert {address: one.categories for address, one in listed.feeds.items()} == {
        "https://a.example/feed": ("الحركة", "letters"),
        "https://a.example/f?a=1&b=2": ("الحركة", "letters"),
    }


def test_feeds_of_a_list_inside_a_monitor_are_written_out(monitor_of, tmp_path):
    inside = feeds(read('<opml><body><outline text="إعلام" xmlUrl="https://e.example/f"/></body></opml>'.encode()))
    (tmp_path / "own.opml").write_text("<opml/>")
    before = monitor_of(
        "sources:\n  - {id: many, kind: feed, group: home, speaker: own, opml: own.opml, addresses: ['https://a.example/f']}"
    )
    body = to_opml(before, {"many": inside})
    assert "إعلام" in body.decode()
    (source,) = monitor_of(imported(body).text).sources
    assert (list(map(str, source.addresses)), source.opml) == (["https://a.example/f", "https://e.example/f"], None)


def test_a_feed_added_in_a_reader_joins_its_source_and_a_reader_that_drops_our_attribute_loses_no_feed(monitor_of):
    body = to_opml(monitor_of(SOURCES), {}).decode()
    new = '<outline text="new" type="rss" xmlUrl="https://new.example/f"/>'
    first = '<outline text="https://a.example/feed"'
    added = monitor_of(imported(body.replace(first, new + first)).text).source("letters")
    assert "https://new.example/f" in map(str, added.addresses)
    import re

    bare = imported(re.sub(r' riftwatch:source="[^"]*"', "", body))
    assert "https://a.example/feed" in bare.text
    assert "https://a.example/f?a=1&b=2" in bare.text
    assert monitor_of(bare.text)


def test_a_readers_list_becomes_sources_with_valid_ids_titles_and_proposed_groups(monitor_of):
    made = imported(
        '<opml><body><outline text="Movement"><outline text="الإمارة: # بيان" xmlUrl="https://www.emirate.example/feed"/>'
        '<outline text="The Herald!" xmlUrl="https://h.example/1"/><outline text="The Herald" xmlUrl="https://h.example/2"/>'
        '<outline text="again" xmlUrl="https://h.example/1"/></outline><outline text="حركة"><outline text="no" '
        'xmlUrl="https://n.example/f"/></outline><outline text="A page" htmlUrl="https://p.example/"/>'
        '<outline text="Empty"/><outline text="bad" htmlUrl="nonsense"/></body></opml>'
    )
    monitor = monitor_of(made.text)
    assert [s.id for s in monitor.sources] == ["emirate-example", "the-herald", "the-herald-2", "no", "a-page"]
    assert all(s.speaker == "observer" and s.group is None for s in monitor.sources)
    assert list(map(str, monitor.sources[-1].home_pages)) == ["https://p.example/"]
    for comment in ("# الإمارة: # بيان", "# in: Movement", "# group: movement", "# in: حركة"):
        assert comment in made.text
    assert [said.split(" ")[1] for said in made.problems] == ["'again'", "'Empty'", "'bad'"]
    ours = monitor_of(
        imported(b'<opml><outline xmlUrl="http://a.example/f"/></opml>', group="home", speaker="own").text
    )
    assert (ours.sources[0].group, ours.sources[0].speaker) == ("home", "own")


def test_hostile_titles_stay_comments(monitor_of):
    title = "x&#10;sources: []&#10;- !!python/object {{ }} &#x85;&#x2028;y"
    made = imported(f'<opml><outline text="{title}" xmlUrl="http://a.example/f"/></opml>')
    assert len(monitor_of(made.text).sources) == 1
    bad = "{&quot;kind&quot;: &quot;feed&quot;, &quot;id&quot;: &quot;NOT VALID&quot;}"
    made = imported(
        '<opml xmlns:r="https://riftwatch.example/opml"><outline text="s" r:source="' + bad + '">'
        '<outline xmlUrl="http://a.example/f"/></outline></opml>'
    )
    assert len(monitor_of(made.text).sources) == 1
    assert "'s' is read as a plain list" in made.problems[0]


def test_an_empty_list_and_no_list():
    assert YAML().load(imported(b"<opml><body/></opml>").text)["sources"] == []
    with pytest.raises(OpmlError):
        imported(b"<html/>")


def test_slugs():
    assert [slug(t) for t in ("The Herald!", "Café — Été", "الإمارة", "_-x-_")] == ["the-herald", "cafe-ete", "", "x"]


def test_export_and_import_by_hand(tmp_path, monitor_of):
    monitor_of(
        SOURCES + "  - {id: t, kind: table, group: home, speaker: own, path: x.csv, columns: {text: t, date: d}}\n"
    )
    run = CliRunner()
    file, out = tmp_path / "lists.yaml", tmp_path / "out.opml"
    answer = run.invoke(app, ["source", "export", "--monitor", str(file), "--out", str(out)])
    assert answer.exit_code == 0, answer.output
    assert "not on the web: t" in answer.stderr
    answer = run.invoke(app, ["source", "export", "--monitor", str(file), "--out", str(out)])
    assert (answer.exit_code, "is there already" in answer.stderr) == (1, True)
    answer = run.invoke(app, ["source", "import", str(out)])
    assert answer.exit_code == 0, answer.output
    assert "4 sources with 2 feeds" in answer.stderr
    (tmp_path / "new.yaml").write_text(HEAD + answer.stdout, encoding="utf-8")
    checked = run.invoke(app, ["check", str(tmp_path / "new.yaml")])
    assert checked.exit_code == 0, checked.output
    for arguments, said in (
        ([str(file)], "is no OPML"),
        ([str(tmp_path / "nowhere")], "can't be read"),
        ([str(out), "--speaker", "me"], "own or observer"),
        ([str(out), "--speaker", "own"], "--group"),
    ):
        answer = run.invoke(app, ["source", "import", *arguments])
        assert (answer.exit_code, said in answer.stderr) == (1, True), arguments
