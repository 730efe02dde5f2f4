from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from classifiers.codebook import codebook_of
from pipeline.framing.codings import CodingsFileError, import_codings
from pipeline.framing.codings import bring_in as module
from pipeline.framing.codings.fields import CLOSED_LIST, Checker, Defaults
from pipeline.store.session import open_session
from pipeline.store.tables import Coding, Run

HEADER = "address,variable,value,coder,coded_at,draw,probability,drawn_at,note"
GOOD = "http://x.example/0,framing,nationalist,c1,2026-01-15T09:00:00Z,random,0.25,2026-01-10,"


def _import(settings, monitor, tmp_path, *lines, header=HEADER):
    file = tmp_path / "codings.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return import_codings(settings, monitor, file)


def _stored(settings) -> list[Coding]:
    with open_session(settings) as session:
        return list(session.scalars(select(Coding).order_by(Coding.id)))


def _counts(report):
    return report.found, report.new, report.updated, report.known, report.failed, report.waiting


def test_rows_are_kept_matched_and_known_again(store_settings, monitor, add_documents, tmp_path):
    ids = add_documents(store_settings, ["text"])
    lines = [
        GOOD.replace("http://x.example/0", "HTTP://X.example:80/0?utm_source=feed#top"),
        GOOD.replace("/0", "/later").replace("c1", "c2"),
        "http://x.example/0,framing,both,c1,2026-01-15,active,,,a note",
    ]
    assert _counts(_import(store_settings, monitor, tmp_path, *lines)) == (3, 3, 0, 0, 0, 1)
    first, later, active = _stored(store_settings)
    assert (first.address, first.document_id) == ("http://x.example/0", ids[0])
    assert (first.value, first.coder, first.draw, first.probability) == ("nationalist", "c1", "random", 0.25)
    assert first.coded_at == datetime(2026, 1, 15, 9, tzinfo=UTC)
    assert first.drawn_at == datetime(2026, 1, 10, tzinfo=UTC)
    assert first.codebook_version == codebook_of("framing").version
    assert later.document_id is None
    assert (active.probability, active.drawn_at, active.note) == (None, CLOSED_LIST, "a note")
    assert _counts(_import(store_settings, monitor, tmp_path, *lines)) == (3, 0, 0, 3, 0, 1)
    assert len(_stored(store_settings)) == 3


def test_a_changed_value_corrects_the_coding(store_settings, monitor, tmp_path):
    _import(store_settings, monitor, tmp_path, GOOD)
    assert _counts(_import(store_settings, monitor, tmp_path, GOOD.replace("nationalist", "both"))) == (
        1,
        0,
        1,
        0,
        0,
        1,
    )
    assert [c.value for c in _stored(store_settings)] == ["both"]


def test_a_document_that_comes_later_is_matched_at_the_next_import(store_settings, monitor, add_documents, tmp_path):
    assert _import(store_settings, monitor, tmp_path, GOOD).waiting == 1
    ids = add_documents(store_settings, ["text"])
    assert _import(store_settings, monitor, tmp_path, GOOD).waiting == 0
    assert [c.document_id for c in _stored(store_settings)] == ids


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            ("nationalist", "patriotic"),
            "unknown value 'patriotic'; write one of nationalist, universalist, both, neither",
        ),
        (("framing", "mood"), "unknown variable 'mood'; write one of criticism, framing"),
        ((",random,", ",lottery,"), "unknown draw 'lottery'; write one of random"),
        (("0.25", ""), "needs the probability"),
        (("0.25", "0"), r"must lie in \(0, 1\]"),
        (("0.25", "1.2"), r"must lie in \(0, 1\]"),
        (("0.25", "nan"), r"must lie in \(0, 1\]"),
        (("0.25", "half"), r"must lie in \(0, 1\]"),
        (("http://x.example/0", "ftp://x"), "no web address"),
        (("http://x.example/0", ""), "address is empty"),
        (("2026-01-15T09:00:00Z", "yesterday"), "coded_at is 'yesterday'"),
        (("2026-01-10", "soon"), "drawn_at is 'soon'"),
        (("c1", "c" * 61), "coder is longer"),
        (("c1", "c1,extra"), "10 cells, but the first line names 9"),
        (("c1", '"c1"x'), "not CSV"),
    ],
)
def test_a_wrong_row_is_named_and_the_rest_imported(settings, monitor, tmp_path, change, match):
    report = _import(settings, monitor, tmp_path, GOOD, GOOD.replace(*change), GOOD.replace("c1", "c3"))
    assert (report.found, report.new, report.failed) == (3, 2, 1)
    assert len(report.problems) == 1
    assert report.problems[0].startswith("codings.csv:3: ")
    with pytest.raises(AssertionError, match=match):
        raise AssertionError(report.problems[0])
    assert [c.coder for c in _stored(settings)] == ["c1", "c3"]


def test_a_group_that_is_none_is_refused(settings, monitor, tmp_path):
    header = HEADER + ",group"
    report = _import(settings, monitor, tmp_path, GOOD + ",a", GOOD.replace("c1", "c2") + ",zz", header=header)
    assert (report.new, report.failed) == (1, 1)
    assert "unknown group 'zz'; write one of a, b" in report.problems[0]


def test_the_same_twice_in_a_file_is_known_and_a_contradiction_named(settings, monitor, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 1)
    report = _import(settings, monitor, tmp_path, GOOD, GOOD, GOOD.replace("nationalist", "both"))
    assert _counts(report) == (3, 1, 0, 1, 1, 1)
    assert "codings.csv:4: line 2 has the same text, coder and draw, and says something else" in report.problems[0]


def test_a_machines_label_takes_no_persons_place(settings, monitor, tmp_path):
    header = HEADER + ",origin"
    _import(settings, monitor, tmp_path, GOOD + ",human", header=header)
    machine = GOOD.replace("nationalist", "both") + ",machine"
    report = _import(settings, monitor, tmp_path, machine, machine.replace("c1", "gpt"), header=header)
    assert (report.new, report.updated, report.failed) == (1, 0, 1)
    assert "codings.csv:2: c1 coded this text by hand" in report.problems[0]
    assert [(c.coder, c.value, c.origin) for c in _stored(settings)] == [
        ("c1", "nationalist", "human"),
        ("gpt", "both", "machine"),
    ]
    # a person may take a machine's name over, as whoever corrects its labels does
    assert _import(settings, monitor, tmp_path, GOOD.replace("c1", "gpt") + ",human", header=header).updated == 1


@pytest.mark.parametrize(
    ("header", "match"),
    [
        ("", "column address is missing"),
        ("address,variable,value,coder,coded_at", "column draw is missing"),
        (HEADER + ",colour", "unknown column 'colour'"),
        (HEADER + ",note", "stands twice"),
    ],
)
def test_a_file_without_the_columns_is_refused(settings, monitor, tmp_path, header, match):
    report = _import(settings, monitor, tmp_path, GOOD, header=header)
    assert (report.new, report.failed) == (0, 1)
    assert match in report.problems[0]


def test_a_row_in_another_encoding_is_named_and_the_rest_imported(settings, monitor, tmp_path):
    file = tmp_path / "old.csv"
    rows = [HEADER, GOOD + "caf\xe9", GOOD.replace("c1", "c2")]
    file.write_bytes("\n".join(rows).encode("latin-1"))
    report = import_codings(settings, monitor, file)
    assert (report.new, report.failed) == (1, 1)
    assert report.problems == ("old.csv:2: note is not UTF-8; save the file as UTF-8",)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda file: None, "there is no such file"),
        (lambda file: file.mkdir(), "is a folder"),
        (lambda file: file.write_text(HEADER, encoding="utf-16"), "is UTF-16; save it as UTF-8"),
        (lambda file: file.write_bytes(b"PK\x03\x04..."), "spreadsheet"),
    ],
)
def test_a_file_that_can_not_be_read_is_an_error_in_words(settings, monitor, tmp_path, make, match):
    file = tmp_path / "codings.csv"
    make(file)
    with pytest.raises(CodingsFileError, match=match):
        import_codings(settings, monitor, file)


def test_lines_are_counted_over_quoted_line_ends_and_a_byte_order_mark(settings, monitor, tmp_path):
    file = tmp_path / "codings.csv"
    lines = [HEADER, GOOD + '"a note\nof three\nlines"', "", GOOD.replace("nationalist", "x")]
    file.write_text("\n".join(lines), encoding="utf-8-sig")
    report = import_codings(settings, monitor, file)
    assert report.new == 1
    assert report.problems[0].startswith("codings.csv:6: ")
    assert _stored(settings)[0].note == "a note\nof three\nlines"


def test_rows_of_a_table_keep_their_own_addresses(settings, monitor, add_documents, tmp_path):
    ids = add_documents(settings, ["t"], prefix="table:s/Row ")
    _import(settings, monitor, tmp_path, GOOD.replace("http://x.example/0", "table:s/Row 0"))
    assert [c.document_id for c in _stored(settings)] == ids


def test_the_run_is_written_down(settings, monitor, tmp_path):
    _import(settings, monitor, tmp_path, GOOD)
    with open_session(settings) as session:
        assert session.scalars(select(Run)).one().new == 1


CHECKER = Checker(["a"], Defaults())


@given(st.dictionaries(st.sampled_from(HEADER.split(",")), st.text(max_size=12)))
def test_no_row_breaks_the_parser(changes):
    row = {**dict(zip(HEADER.split(","), GOOD.split(","), strict=True)), **changes}
    try:
        coding = CHECKER.coding(row)
    except ValueError as error:
        assert str(error)  # noqa: PT017 (any words will do)
    else:
        assert coding["value"] in codebook_of("framing").names
        assert coding["drawn_at"].tzinfo is not None
