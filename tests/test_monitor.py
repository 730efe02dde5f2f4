from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from pipeline.monitor import Event, Monitor, MonitorError, load_monitor
from pipeline.settings import PROJECT_ROOT

GOOD = """\
name: two-currents
title: Two currents
groups:
  - id: north
    name: Heron League
  - {id: south, name: Maple Circle}
sources:
  - id: north-feed
    kind: feed
    group: north
    speaker: own
    addresses: [https://north.example/feed.xml]
  - id: south-list
    kind: listing
    group: south
    speaker: own
    addresses: [https://south.example/archive]
    link_selector: "li a"
dyads: [[north, south]]
events:
  - {date: 2009-09-19, dyad: [north, south], kind: statement, text: A statement, reference: a newspaper}
"""


def problems_of(tmp_path: Path, text: str) -> list[tuple[int, str, str]]:
    file = tmp_path / "m.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(MonitorError) as caught:
        load_monitor(file)
    assert all(str(file) in str(problem) for problem in caught.value.problems)
    return [(p.line, p.field, p.message) for p in caught.value.problems]


def test_a_good_file(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text(GOOD, encoding="utf-8")
    monitor = load_monitor(file)
    assert [d.id for d in monitor.dyads] == ["north--south"]
    assert monitor.source("north-feed").speaker == "own"
    assert [s.id for s in monitor.sources_of("south")] == ["south-list"]


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "mend"),
    [
        ("kind: feed", "kind: pigeon", 9, "sources[0].kind", "'feed', 'sitemap'"),
        ("    kind: feed\n", "", 8, "sources[0].kind", "add kind"),
        ('"li a"', '"li >> ["', 18, "sources[1].link_selector", "CSS selector"),
        (
            "dyads: [[north, south]]",
            "dyads: [[north, east]]",
            19,
            "dyads[0]",
            "unknown group 'east'; write one of north, south",
        ),
        ("dyads: [[north, south]]", "dyads: [[north, north]]", 19, "dyads[0]", "two different groups"),
        ("id: south-list", "id: north-feed", 13, "sources[1].id", "stands twice"),
        ("id: south,", "id: north,", 6, "groups[1].id", "stands twice"),
        (
            "title: Two currents",
            "title: Two currents\nperiods: [fortnight]",
            3,
            "periods[0]",
            "'week', 'month', 'quarter'",
        ),
        ("group: south", "group: sooth", 15, "sources[1].group", "write one of north, south"),
        (
            "speaker: own\n    addresses: [https://n",
            "speaker: me\n    addresses: [https://n",
            11,
            "sources[0].speaker",
            "'own' or 'observer'",
        ),
        ("[https://north.example/feed.xml]", "[north.example/feed]", 12, "sources[0].addresses[0]", "https://"),
        ("[https://north.example/feed.xml]", "[]", 12, "sources[0].addresses", "list one in addresses"),
        ("link_selector", "link_selektor", 18, "sources[1].link_selektor", "link_selector"),
        ("date: 2009-09-19", "date: last autumn", 21, "events[0].date", "YYYY-MM-DD"),
        ("name: two-currents", "name: Two Currents", 1, "name", "small letters"),
        ("date: 2009-09-19", "date: 2009-13-19", 21, "(the file)", "write a date that exists"),
        ("date: 2009-09-19", "date: 2009-02-30", 21, "(the file)", "write a date that exists"),
        ("dyads: [[north, south]]", "dyads: [[north, south], [north, south]]", 19, "dyads[1]", "stand twice"),
        ("dyads: [[north, south]]", "dyads: [[north]]", 19, "dyads[0]", "is no mapping"),
        ("dyads: [[north, south]]", "dyads: north", 19, "dyads", "is no list"),
        ("title: Two currents", "title: Two currents\nperiods: [week, week]", 3, "periods", "stands twice"),
        (
            "title: Two currents",
            "title: Two currents\nallowed_addresses: ['127.0.0.1:99999']",
            3,
            "allowed_addresses[0]",
            "host:port",
        ),
        ("kind: feed", "kind: feed\n    language: klingon", 10, "sources[0].language", "two or three letters"),
        ("kind: feed", "kind: feed\n    delay: -1", 10, "sources[0].delay", "write 0.0 or more"),
        ("https://north.example/feed.xml", "https://me:pw@north.example/", 12, "sources[0].addresses[0]", "remove it"),
        ("title: Two currents", 'title: "Two\\x07currents"', 2, "title", "U+0007 at place 4"),
    ],
)
def test_every_problem_has_line_field_and_mend(tmp_path, old, new, line, field, mend):
    assert GOOD.count(old) == 1
    found = problems_of(tmp_path, GOOD.replace(old, new))
    assert [(at, where) for at, where, message in found if mend in message] == [(line, field)], found


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x0b", "\x1f", "\x7f", "\x85", "\ufffe", "\uffff"])
def test_what_no_chart_can_show_is_no_part_of_an_event(character):
    given = {"date": "2009-09-19", "kind": "split", "text": "Said in public.", "reference": "a paper"}
    for field in ("text", "reference"):
        with pytest.raises(ValidationError, match=f"control character U\\+{ord(character):04X} at place 5"):
            Event.model_validate(given | {field: f"Said{character} so."})
    assert Event.model_validate(given | {"text": "Said\n\tso: \u200fسخن"}).text == "Said\n\tso: \u200fسخن"


def test_several_problems_are_named_at_once(tmp_path):
    found = problems_of(tmp_path, GOOD.replace("kind: feed", "kind: pigeon").replace("speaker: own", "speaker: me"))
    assert {field for _, field, _ in found} >= {"sources[0].kind", "sources[1].speaker"}


def test_a_file_that_is_no_yaml(tmp_path):
    assert problems_of(tmp_path, "name: [unclosed\n")[0][2].startswith("not YAML")


def test_an_empty_file(tmp_path):
    assert "start with name" in problems_of(tmp_path, "")[0][2]


def test_a_missing_file(tmp_path):
    with pytest.raises(MonitorError, match="No such file"):
        load_monitor(tmp_path / "none.yaml")


def test_bytes_that_are_no_utf8(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_bytes("name: \xe9".encode("latin-1"))
    with pytest.raises(MonitorError, match="save it as UTF-8"):
        load_monitor(file)


def test_an_unfinished_schedule_is_refused(tmp_path):
    text = GOOD.replace("group: north\n", 'group: north\n    schedule: "30 6 * *"\n')
    assert "five cron fields" in problems_of(tmp_path, text)[0][2]


def test_a_table_needs_the_map_of_its_groups(tmp_path):
    table = "  - {id: t, kind: table, speaker: own, path: t.csv, columns: {text: t, date: d, group: g}}\n"
    assert "the map of its values" in problems_of(tmp_path, GOOD.replace("dyads:", table + "dyads:"))[0][2]


def test_paths_are_relative_to_the_file(tmp_path):
    table = "  - {id: t, kind: table, group: north, speaker: own, path: t.csv, columns: {text: t, date: d}}\n"
    file = tmp_path / "m.yaml"
    file.write_text(GOOD.replace("dyads:", table + "dyads:"), encoding="utf-8")
    assert load_monitor(file).source("t").path == tmp_path / "t.csv"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*Monitor.model_fields, "id", "kind", "a"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(list(Monitor.model_fields)), values))
def test_whatever_stands_in_the_file_the_answer_is_words(tmp_path_factory, tree):
    file = tmp_path_factory.mktemp("monitors") / "m.yaml"
    with file.open("w", encoding="utf-8") as out:
        YAML().dump(tree, out)
    with pytest.raises(MonitorError) as caught:  # the required fields are never all there by chance
        load_monitor(file)
    assert all(p.line >= 1 and p.message for p in caught.value.problems)


@pytest.mark.parametrize("file", sorted((PROJECT_ROOT / "monitors").rglob("*.yaml")), ids=lambda f: f.stem)
def test_the_monitors_we_ship_are_right(file):
    load_monitor(file)
