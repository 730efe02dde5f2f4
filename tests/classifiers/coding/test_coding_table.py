from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.codebook import codebook_of, load_codebook
from classifiers.coding.coding_table import CodingRow, CodingTableError, parse_table, read_table

BOOK = load_codebook()


def table(*lines: str, book=BOOK):
    return parse_table([line + "\n" for line in lines], book, "f.csv")


def test_text_and_value_are_enough():
    assert table("text,value", "Our land first.,nationalist").rows == [CodingRow("Our land first.", "nationalist")]


def test_every_column_is_read():
    columns = "Text, value,before,after,group,date,cluster,source,lang,weight,draw,origin,coder,settles"
    cells = '"a, b",both,x,y,g,2026-01-15,c,s,en,2.5,random,confirmed,k1,yes'
    assert table(columns, cells).rows == [
        CodingRow(
            "a, b", "both", "x", "y", "g", date(2026, 1, 15), "c", "s", "en", 2.5, "", "random", "confirmed", "k1", True
        )
    ]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2015", date(2015, 1, 1)),
        ("201505", date(2015, 5, 1)),
        ("2015-05", date(2015, 5, 1)),
        ("2015-05-07T12:00:00Z", date(2015, 5, 7)),
        ("", None),
    ],
)
def test_dates_may_be_partial(written, day):
    assert table("text,value,date", f"a,both,{written}").rows[0].date == day


@pytest.mark.parametrize(
    ("columns", "cells", "problem"),
    [
        ("text,value", "a,good", "unknown value 'good'; write one of nationalist, universalist, both, neither"),
        ("text,value", " ,both", "the text is empty"),
        ("text,value", "\0,both", "the text is empty"),
        ("text,value", "a", "1 cells, but the first line names 2 columns"),
        ("text,value,date", "a,both,spring", "date is 'spring'; write a date like"),
        ("text,value,date", "a,both,2015-13", "date is '2015-13'; write a date like"),
        ("text,value,weight", "a,both,0", "weight is '0'; write a number above 0"),
        ("text,value,weight", "a,both,nan", "weight is 'nan'; write a number above 0"),
        (
            "text,value,draw",
            "a,both,lottery",
            "unknown draw 'lottery'; write one of random, active, alarm, import, starter",
        ),
        ("text,value,origin", "a,both,robot", "unknown origin 'robot'; write one of human, confirmed, machine"),
        ("text,value,settles", "a,both,perhaps", "unknown settles 'perhaps'"),
        ("text,value,target", "a,both,g", "framing is not coded towards a group; leave target empty"),
        ("text,value", '"a"b,both', "not CSV"),
    ],
)
def test_a_wrong_row_is_named_by_its_line_and_the_others_are_read(columns, cells, problem):
    rest = "," * (columns.count(",") - 1)
    made = table(columns, f"first,both{rest}", cells, f"last,neither{rest}")
    assert [row.text for row in made.rows] == ["first", "last"]
    assert len(made.problems) == 1
    assert made.problems[0].startswith(f"f.csv:3: {problem}")


def test_a_line_of_a_row_is_where_it_begins():
    made = table("text,value", '"two', 'lines",both', "a,good")
    assert made.problems == ["f.csv:4: unknown value 'good'; write one of nationalist, universalist, both, neither"]


def test_a_targeted_codebook_takes_targets_and_other_columns_are_told():
    made = table("text,value,target,idx", "they lied,hostile,north,7", book=codebook_of("criticism"))
    assert made.rows[0].target == "north"
    assert made.ignored == ["idx"]


@pytest.mark.parametrize(
    ("header", "match"),
    [
        ("text,label", "f.csv:1: column value is missing; the first line must name text and value"),
        ("", "column text is missing"),
        ("text,value,text", "column text stands twice"),
    ],
)
def test_a_file_without_its_columns_is_refused(header, match):
    with pytest.raises(CodingTableError, match=match):
        table(header, "a,both")


def test_files(tmp_path):
    file = tmp_path / "codings.csv"
    file.write_bytes("\ufefftext,value\r\nخاک ما,nationalist\r\n".encode())
    assert read_table(file, BOOK).rows[0].text == "خاک ما"
    file.write_bytes("text,value\nfür uns,both\n".encode("latin-1"))
    with pytest.raises(CodingTableError, match=r"codings.csv: not UTF-8 \(byte 12\); save it as CSV in UTF-8"):
        read_table(file, BOOK)
    file.write_text("text,value\na,good\n")
    with pytest.raises(CodingTableError, match=r"no codings in it; the first of 1 wrong lines: codings.csv:2: unknown"):
        read_table(file, BOOK)
    with pytest.raises(CodingTableError, match="can't be read"):
        read_table(tmp_path / "none.csv", BOOK)


def test_a_huge_text_is_one_cell():
    assert len(table("text,value", f"{'word ' * 100_000},both").rows[0].text) == 499_999


@given(st.text(max_size=60))
def test_no_line_breaks_the_reader(line):
    made = table("text,value", line, "good text,both")
    assert len(made.rows) + len(made.problems) <= 3
