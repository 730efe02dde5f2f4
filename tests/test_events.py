"""Events from a table, and the list of known ruptures that ships."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.monitor import MonitorError, load_monitor
from pipeline.monitor.events import COLUMNS, KNOWN_RUPTURES, UNKNOWN_DAY, EventsError, parse_events, read_events
from pipeline.monitor.model import Event
from pipeline.settings import PROJECT_ROOT

FILE = Path("events.csv")
KINDS = get_args(Event.model_fields["kind"].annotation)

words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
identifiers = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,10}", fullmatch=True)
rows = st.builds(
    lambda day, dyad, kind, text, reference: Event(date=day, dyad=dyad, kind=kind, text=text, reference=reference),
    st.dates(),
    st.none() | st.tuples(identifiers, identifiers).filter(lambda pair: pair[0] != pair[1]),
    st.sampled_from(KINDS),
    words,
    words,
)


def table(*lines: str, header: str = ",".join(COLUMNS)) -> list[str]:
    return "\n".join((header, *lines, "")).splitlines(keepends=True)


def problems(*lines: str, **header: str) -> list[tuple[int, str, str]]:
    with pytest.raises(EventsError) as caught:
        parse_events(table(*lines, **header), FILE)
    assert str(FILE) in str(caught.value)
    return [(p.line, p.field, p.message) for p in caught.value.problems]


def test_a_row_is_an_event():
    (event,) = parse_events(table('2014-02-02,is,al-qaeda,split,"Disowned, in public.",a paper'), FILE)
    assert event == Event(
        date=date(2014, 2, 2), dyad=("is", "al-qaeda"), kind="split", text="Disowned, in public.", reference="a paper"
    )


def test_columns_may_stand_in_any_order_and_empty_lines_are_skipped():
    (event,) = parse_events(table("", "r,t,other,,,2014-02-02", "", header="reference,text,kind,b,a,date"), FILE)
    assert (event.dyad, event.text, event.reference) == (None, "t", "r")


@pytest.mark.parametrize(
    ("which", "month", "day"),
    [
        ("last", "2007-02", date(2007, 2, 28)),
        ("last", "2008-02", date(2008, 2, 29)),
        ("last", "2008-12", date(2008, 12, 31)),
        ("first", "2007-02", date(2007, 2, 1)),
    ],
)
def test_a_month_becomes_a_day_and_the_text_says_so(which, month, day):
    (event,) = parse_events(table(f"{month},a,b,quarrel,First complaints.,r"), FILE, day_of_month=which)
    assert event.date == day
    assert event.text == f"First complaints. {UNKNOWN_DAY}"


@settings(max_examples=40)
@given(st.lists(rows, unique=True, max_size=4))
def test_what_is_written_is_read_again(events):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for e in events:
        writer.writerow([e.date.isoformat(), *(e.dyad or ("", "")), e.kind, e.text, e.reference])
    assert parse_events(io.StringIO(out.getvalue(), newline=""), FILE) == events


@pytest.mark.parametrize(
    ("row", "field", "mend"),
    [
        ("02.02.2014,a,b,split,t,r", "date", "write YYYY-MM-DD"),
        ("20140202,a,b,split,t,r", "date", "write YYYY-MM-DD"),
        ("2014,a,b,split,t,r", "date", "write YYYY-MM-DD"),
        ("2014-02-30,a,b,split,t,r", "date", "does not exist"),
        ("2014-13,a,b,split,t,r", "date", "does not exist"),
        ("0000-01,a,b,split,t,r", "date", "does not exist"),
        (",a,b,split,t,r", "date", "write YYYY-MM-DD"),
        ("2014-02-02,al Qaeda,b,split,t,r", "a", "small letters"),
        ("2014-02-02,a,Taliban,split,t,r", "b", "small letters"),
        ("2014-02-02,a,,split,t,r", "b", "name both groups"),
        ("2014-02-02,,b,split,t,r", "a", "name both groups"),
        ("2014-02-02,a,a,split,t,r", "b", "two different groups"),
        ("2014-02-02,a,b,rift,t,r", "kind", "'no-split'"),
        ("2014-02-02,a,b,split,,r", "text", "fill it in"),
        ("2014-02-02,a,b,split,t, ", "reference", "fill it in"),
        ("2014-02-02,a,b,split,t", "(the row)", "5 cells for 6 columns"),
        ("2014-02-02,a,b,split,one, two,r", "(the row)", "quotation marks"),
        ('2014-02-02,a,b,split,"t,r', "(the row)", "quotation marks"),
    ],
)
def test_what_is_wrong_is_named_with_line_field_and_mend(row, field, mend):
    ((line, where, message),) = problems("2010-01-01,a,b,split,t,r", row)
    assert (line, where) == (3, field)
    assert mend in message


def test_everything_that_is_wrong_is_said_at_once():
    found = problems("x,a,b,rift,,r", "2014-02-02,a,b,split,t,r", "2014-02-02,a,b,split,t,r")
    assert [(line, field) for line, field, _ in found] == [(2, "date"), (2, "text"), (2, "kind"), (4, "(the row)")]
    assert "line 3 too" in found[-1][2]


def test_the_line_is_where_a_row_begins():
    found = problems('2014-02-02,a,b,split,"two\nlines",r', "x,a,b,split,t,r")
    assert found[0][:2] == (4, "date")


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("date,a,b,kind,text", "reference"),
        ("date,a,b,kind,text,reference,page", "page"),
        ("date,a,b,kind,text,reference,a", "(the first line)"),
        ("", "date"),
    ],
)
def test_a_wrong_first_line_is_refused(header, field):
    found = problems(header=header)
    assert found[0][:2] == (1, field)
    assert "date,a,b,kind,text,reference" in found[0][2]


def test_a_file_that_can_not_be_read_is_a_problem_in_words(tmp_path):
    with pytest.raises(MonitorError, match="can't be read"):
        read_events(tmp_path / "absent.csv")
    (tmp_path / "latin.csv").write_bytes(
        "date,a,b,kind,text,reference\n2014-02-02,a,b,split,\xe9,r\n".encode("latin-1")
    )
    with pytest.raises(EventsError, match="save it as UTF-8"):
        read_events(tmp_path / "latin.csv")
    rows = "\ufeffdate,a,b,kind,text,reference\r\n2014-02-02,a,b,split,two\u2028lines,r\r\n"
    (tmp_path / "bom.csv").write_text(rows, "utf-8")
    assert [e.text for e in read_events(tmp_path / "bom.csv")] == ["two\u2028lines"]


@pytest.fixture(scope="module")
def known() -> list[Event]:
    return read_events(KNOWN_RUPTURES)


def test_the_known_ruptures_are_in_order_and_each_has_a_reference(known):
    assert [e.date for e in known] == sorted(e.date for e in known)
    assert all(e.dyad and len(e.text) > 30 and len(e.reference) > 20 for e in known)


@pytest.mark.parametrize(
    ("day", "dyad", "kind"),
    [
        ("2007-02-28", ("islamic-army", "islamic-state-of-iraq"), "quarrel"),
        ("2007-04-12", ("islamic-army", "islamic-state-of-iraq"), "split"),
        ("2009-10-22", ("taliban", "al-qaeda"), "quarrel"),
        ("2010-04-22", ("taliban", "al-qaeda"), "no-split"),
        ("2014-02-02", ("islamic-state", "al-qaeda"), "split"),
        ("2016-07-28", ("al-nusra", "al-qaeda"), "rename"),
        ("1948-06-28", ("communist-party-of-yugoslavia", "communist-party-of-the-soviet-union"), "split"),
        ("1955-06-02", ("communist-party-of-yugoslavia", "communist-party-of-the-soviet-union"), "reconciliation"),
        ("1978-07-07", ("party-of-labour-of-albania", "communist-party-of-china"), "split"),
        ("1981-03-26", ("social-democratic-party", "labour-party"), "split"),
        ("1993-09-03", ("uk-independence-party", "conservative-party"), "split"),
        ("2019-01-20", ("brexit-party", "uk-independence-party"), "split"),
    ],
)
def test_what_the_list_must_hold(known, day, dyad, kind):
    assert (day, dyad, kind) in [(e.date.isoformat(), e.dyad, e.kind) for e in known]


def test_the_taliban_and_al_qaeda_had_a_rift_and_no_split(known):
    kinds = {e.kind for e in known if e.dyad == ("taliban", "al-qaeda")}
    assert {"quarrel", "no-split"} <= kinds
    assert "split" not in kinds


def test_ruptures_that_did_not_come_are_among_them(known):
    assert len({e.dyad for e in known if e.kind == "no-split"}) >= 3


def test_a_pair_has_one_order_and_the_monitors_names(known):
    pairs = {e.dyad for e in known}
    assert not {(b, a) for a, b in pairs} & pairs
    for file in (PROJECT_ROOT / "monitors" / "founding_case").glob("*.yaml"):
        monitor = load_monitor(file)
        assert {(d.a, d.b) for d in monitor.dyads} <= pairs
        theirs = {(e.date, e.kind) for e in monitor.events}
        assert theirs <= {(e.date, e.kind) for e in known}, "a day differs from the monitor's"
