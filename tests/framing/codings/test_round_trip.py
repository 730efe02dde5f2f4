"""What goes out of one store and into another is the same; what came from another tool goes back as it was."""

import csv
import io
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from pipeline.framing.codings import Defaults, FileFormat, csv_file, export_codings, import_codings
from pipeline.framing.codings.fields import CLOSED_LIST, COLUMNS
from pipeline.monitor import Monitor
from pipeline.settings import Settings
from pipeline.spreadsheet import bare, inert
from pipeline.store.codings import KEYS, Task, keep_codings
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Coding, Document

MONITOR = Monitor.model_validate(
    {
        "name": "m",
        "title": "A monitor",
        "groups": [{"id": "a", "name": "Aurin Front"}, {"id": "b-2", "name": "Belt League"}],
        "sources": [{"id": "s", "kind": "feed", "group": "a", "speaker": "own", "addresses": ["http://127.0.0.1:1/"]}],
    }
)
# what a file and both databases can hold: no zero character, no half of a pair
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
times = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001 (hypothesis adds the zone)
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=4, minutes=30))]),
)
starts = st.sampled_from(["=", "+", "-", "@", "'", "'=", "''@", "'' +", "\t", "\r", "\n", " =", "\u00a0-"])
notes = (
    st.none()
    | st.text(characters, min_size=1, max_size=60)
    | st.builds("{}{}".format, starts, st.text(characters, max_size=20))
    | st.just("long, \"quoted\"\r\n; 'line' " * 400)
)
plain = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(characters)
)
extras = st.none() | st.dictionaries(
    st.text(characters, max_size=8),
    st.recursive(
        plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(characters), inner, max_size=3)
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def coding(draw):
    variable = draw(st.sampled_from(["framing", "criticism"]))
    values = {"framing": ["nationalist", "universalist", "both", "neither"], "criticism": ["hostile", "neutral"]}
    how = draw(st.sampled_from(["random", "active", "import", "starter"]))
    chance = st.floats(0, 1, exclude_min=True)
    return {
        "address": draw(st.sampled_from(["http://x.example/1", "https://x.example/%D8%A7?b=2", "table:s/Row é,1"])),
        "variable": variable,
        "target": draw(st.sampled_from(["a", "b-2"])) if variable == "criticism" else "",
        "value": draw(st.sampled_from(values[variable])),
        "codebook_version": draw(st.integers(1, 9)),
        "coder": draw(
            st.text(characters, min_size=1, max_size=60).map(str.strip).filter(bool).filter(lambda c: "@" not in c)
        ),
        "coded_at": draw(times),
        "draw": how,
        "probability": draw(chance if how == "random" else st.none() | chance),
        "drawn_at": draw(st.just(CLOSED_LIST) | times),
        "note": draw(notes),
        "origin": draw(st.sampled_from(["human", "machine", "confirmed"])),
        "settles": draw(st.booleans()),
        "extra": draw(extras),
    }


codings = st.lists(coding(), min_size=1, max_size=12, unique_by=lambda c: tuple(c[k] for k in KEYS if k != "monitor"))


@contextmanager
def _stores():
    with TemporaryDirectory() as folder:
        both = [Settings(data=Path(folder) / name, database_url="") for name in ("one", "two")]
        yield *both, Path(folder) / "codings"
        for one in both:
            engine_for(one.database).dispose()


def rows(settings):
    with open_session(settings) as session:
        found = session.scalars(select(Coding)).all()
        return sorted(([getattr(c, name) for name in COLUMNS] for c in found), key=repr)


@pytest.fixture(scope="module")
def stores():
    with _stores() as made:
        yield made


@pytest.mark.parametrize("form", list(FileFormat))
@how(max_examples=10, phases=[Phase.generate])  # every example is a dozen transactions
@given(some=codings)
def test_out_and_in_again_is_the_same(stores, form, some):
    one, two, file = stores
    for each in (one, two):
        with open_session(each) as session:
            session.execute(delete(Coding))
            session.commit()
    with open_session(one) as session:
        keep_codings(session, "m", some)
        session.commit()
    assert export_codings(one, MONITOR, file, form=form) == len(some)
    report = import_codings(two, MONITOR, file)  # its content shows what it is
    assert report.problems == ()
    assert (report.new, report.failed) == (len(some), 0)
    assert rows(two) == rows(one)
    again = import_codings(two, MONITOR, file, form=form)
    assert (again.known, again.new, again.updated) == (len(some), 0, 0)


@pytest.mark.parametrize("form", list(FileFormat))
def test_on_both_databases(store_settings, tmp_path, form):
    other = Settings(data=tmp_path / "other", database_url="")
    row = {
        "address": "http://x.example/1", "variable": "criticism", "target": "a", "value": "hostile",
        "codebook_version": 3, "coder": "ṉ 1", "coded_at": datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), "draw": "random",
        "probability": 1 / 3, "drawn_at": datetime(2026, 1, 1, 0, 0, 0, 1, UTC), "note": " x\r\n\ty ",
        "origin": "human", "settles": True, "extra": {"other": {"n": [1, None, "\u202e"]}},
    }  # fmt: skip
    with open_session(store_settings) as session:
        keep_codings(session, "m", [row, row | {"coder": "gpt", "origin": "machine"}])
        session.commit()
    file = tmp_path / "file"
    export_codings(store_settings, MONITOR, file, form=form)
    assert import_codings(other, MONITOR, file).new == 2
    assert rows(other) == rows(store_settings)
    engine_for(other.database).dispose()


HARMLESS = "x", "'", "'x", "", "a=1", "1-2", "'' x", "{}"
RUN = "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n1", "  =1"
OWN_MARKS = "'=1", "''-1", "'' =1"
"""texts that begin like one of ours that was made harmless"""


@pytest.mark.parametrize("text", [*RUN, *OWN_MARKS])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe_and_loses_it(text):
    assert inert(text) == "'" + text
    assert bare(inert(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay_as_they_are(text):
    assert (inert(text), bare(text)) == (text, text)


@given(st.text(st.sampled_from("'=+-@\t\r\n x1")) | st.text())
def test_every_text_comes_back(text):
    assert bare(inert(text)) == text
    assert not inert(text).lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("form", [FileFormat.CSV, FileFormat.FOURCAT])
def test_no_cell_of_a_file_of_codings_is_run(settings, add_documents, tmp_path, form):
    texts = [*RUN, *OWN_MARKS]
    ids = add_documents(settings, texts)
    row = {
        "variable": "framing", "target": "", "value": "both", "codebook_version": 1, "draw": "import",
        "coded_at": datetime(2026, 1, 2, tzinfo=UTC), "drawn_at": CLOSED_LIST, "probability": None, "origin": "human",
        "settles": False, "extra": None,
    }  # fmt: skip
    rows = [
        row | {"address": f"http://x.example/{i}", "document_id": ids[i], "coder": "+c", "note": text}
        for i, text in enumerate(texts)
    ]
    with open_session(settings) as session:
        session.execute(update(Document).values(title=Document.text))
        keep_codings(session, "m", rows)
        session.commit()
    file = tmp_path / "file"
    assert export_codings(settings, MONITOR, file, form=form, with_texts=True) == len(texts)
    with file.open(encoding="utf-8", newline="") as lines:
        written = list(csv.DictReader(lines))
    for name in ("text", "title"):
        assert sorted(line[name] for line in written) == sorted("'" + text for text in texts)
    if form == FileFormat.CSV:
        assert sorted(line["note"] for line in written) == sorted("'" + text for text in texts)
    assert {line["coder" if form == FileFormat.CSV else "author"] for line in written} == {"'+c"}


def test_no_cell_of_a_queue_is_run(settings, tmp_path):
    task = Task("http://x.example/1", 7, "", "random", 0.5, CLOSED_LIST, 1, "=1", "en", "@x")
    out = io.StringIO(newline="")
    assert csv_file.write_tasks(out, [task], "framing") == 1
    (line,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert (line["title"], line["text"], line["probability"]) == ("'=1", "'@x", "0.5")


TASK = {
    "id": 7, "created_at": "2026-01-01T10:00:00.000001Z", "updated_at": "2026-01-02T10:00:00Z",
    "inner_id": 1,
    "project": 83,
    "meta": {"batch": "x"}, "total_annotations": 3, "cancelled_annotations": 1, "total_predictions": 1,
    "data": {"address": "http://x.example/1", "text": "The text itself", "ref_id": 456},
    "annotations": [
        {
            "id": 1001, "completed_by": {"id": 10, "email": "somebody@x.example", "first_name": "S"},
            "was_cancelled": False, "ground_truth": False, "lead_time": 4.288, "result_count": 0, "task": 7,
            "created_at": "2026-01-02T09:00:00Z", "updated_at": "2026-01-02T09:30:00.5Z",
            "result": [
                {"id": "Dx_1", "from_name": "framing", "to_name": "text", "type": "choices", "origin": "manual",
                 "value": {"choices": ["Nationalist"]}},
                {"id": "Dx_2", "from_name": "stars", "to_name": "text", "type": "rating", "value": {"rating": 3}},
                {"id": "Dx_3", "from_name": "note", "to_name": "text", "type": "textarea",
                 "value": {"text": ["one", "two"]}},
            ],
        },
        {
            "id": 1002, "completed_by": 11, "was_cancelled": False, "lead_time": 1, "parent_prediction": 5,
            "created_at": "2026-01-03T09:00:00Z",
            "result": [{"from_name": "framing", "to_name": "text", "type": "choices", "value": {"choices": ["both"]}}],
        },
        {"id": 1003, "completed_by": 12, "was_cancelled": True, "lead_time": 2, "result": []},
    ],
    "predictions": [
        {"id": 5, "model_version": "model 1", "score": 0.7, "created_ago": "3 hours",
         "result": [{"from_name": "framing", "to_name": "text", "type": "choices", "value": {"choices": ["both"]}}]},
    ],
}  # fmt: skip


def test_what_label_studio_said_goes_back_to_it(settings, tmp_path):
    file, out = tmp_path / "in.json", tmp_path / "out.json"
    file.write_text(json.dumps([TASK]))
    report = import_codings(settings, MONITOR, file)
    assert (report.found, report.new, report.failed) == (4, 3, 0)
    assert report.problems == ("1 without a label, or skipped by the coder: missing is missing",)
    by = {row[COLUMNS.index("coder")]: dict(zip(COLUMNS, row, strict=True)) for row in rows(settings)}
    assert {coder: (row["value"], row["origin"]) for coder, row in by.items()} == {
        "10": ("nationalist", "human"),
        "11": ("both", "confirmed"),
        "model 1": ("both", "machine"),
    }
    assert by["10"]["note"] == "one\ntwo"
    assert by["10"]["coded_at"] == datetime(2026, 1, 2, 9, 30, 0, 500000, UTC)
    assert by["10"]["draw"] == "import"
    assert "somebody" not in str(by)
    assert "The text itself" not in str(by)
    export_codings(settings, MONITOR, out, form=FileFormat.LABELSTUDIO)
    (task,) = json.loads(out.read_text())
    for name in ("id", "created_at", "updated_at", "inner_id", "project", "meta", "total_annotations"):
        assert task[name] == TASK[name]
    assert task["data"] == {"address": "http://x.example/1", "ref_id": 456}
    human, confirmed, skipped = task["annotations"]
    for name in ("id", "lead_time", "ground_truth", "created_at", "updated_at", "task", "was_cancelled"):
        assert human[name] == TASK["annotations"][0][name]
    assert human["completed_by"] == {"id": 10}
    assert human["result"][0]["id"] == "Dx_1"
    assert human["result"][1] == TASK["annotations"][0]["result"][1]
    assert (confirmed["id"], confirmed["parent_prediction"]) == (1002, 5)
    assert skipped == TASK["annotations"][2]
    assert (task["predictions"][0]["score"], task["predictions"][0]["model_version"]) == (0.7, "model 1")


def test_what_doccano_said_goes_back_to_it(settings, tmp_path):
    lines = [
        {"id": 1, "text": "T", "label": ["Neither"], "Comments": ["why"], "address": "http://x.example/1",
         "batch": {"n": 1}},
        {"id": 2, "text": "U", "cats": ["both"], "entities": [], "address": "http://x.example/2"},
        {"id": 3, "text": "V", "label": "both", "address": "http://x.example/3", "origin": "machine", "coder": "gpt"},
        {"id": 4, "text": "W", "label": [], "address": "http://x.example/4"},
        {"id": 5, "text": "X", "address": "http://x.example/5", "annotations": [
            {"label": "both", "user": 1, "created_at": "2020-01-01T00:00:00Z"}, {"label": "neither", "user": 2}]},
    ]  # fmt: skip
    file, out = tmp_path / "c7.jsonl", tmp_path / "out.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    report = import_codings(settings, MONITOR, file, defaults=Defaults(variable="framing", coder="c7"))
    assert (report.found, report.new, report.failed) == (6, 5, 0)
    found = [dict(zip(COLUMNS, row, strict=True)) for row in rows(settings)]
    assert {(r["address"][-1], r["coder"], r["value"], r["origin"]) for r in found} == {
        ("1", "c7", "neither", "human"),
        ("2", "c7", "both", "human"),
        ("3", "gpt", "both", "machine"),
        ("5", "1", "both", "human"),
        ("5", "2", "neither", "human"),
    }
    assert found[0]["note"] == "why"
    export_codings(settings, MONITOR, out, form=FileFormat.DOCCANO)
    back = {line["id"]: line for line in map(json.loads, out.read_text().splitlines())}
    assert back[1]["batch"] == {"n": 1}
    assert back[1]["Comments"] == ["why"]
    assert (back[2]["cats"], back[2]["entities"]) == (["both"], [])
    known = import_codings(settings, MONITOR, file, defaults=Defaults(variable="framing", coder="c7"))
    assert (known.known, known.updated, known.new) == (5, 0, 0)


FOURCAT = """id,dataset,field_id,item_id,timestamp,timestamp_created,label,type,options,value,author,author_original,by_processor,metadata,epoch_timestamp,epoch_timestamp_created
1,d41d8,f1,1001,2026-01-02 03:04:05,2026-01-01 03:04:05,framing,dropdown,"{""1"": ""Both""}",Both,anna,anna,False,"{""k"": 1}",1767323045,1767236645
2,d41d8,f2,http://x.example/2,2026-01-02 03:04:05,2026-01-01 03:04:05,criticism:a,text,,hostile,gpt-4,gpt-4,True,{},1767323045,1767236645
3,d41d8,f1,1002,2026-01-02 03:04:05,2026-01-01 03:04:05,framing,dropdown,,,anna,anna,False,{},1767323045,1767236645
"""  # noqa: E501


def test_what_4cat_said_goes_back_to_it(settings, tmp_path):
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text(FOURCAT)
    report = import_codings(settings, MONITOR, file, defaults=Defaults(source="s"))
    assert (report.found, report.new, report.failed) == (3, 2, 0)
    machine, human = (dict(zip(COLUMNS, row, strict=True)) for row in rows(settings))
    assert (human["address"], human["value"], human["coder"], human["origin"]) == (
        "table:s/1001",
        "both",
        "anna",
        "human",
    )
    assert human["coded_at"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (machine["target"], machine["value"], machine["origin"]) == ("a", "hostile", "machine")
    export_codings(settings, MONITOR, out, form=FileFormat.FOURCAT)
    lines = {line.split(",")[0]: line for line in out.read_text().splitlines()}
    assert lines["id"] == FOURCAT.splitlines()[0]
    before = FOURCAT.splitlines()[1].partition(",Both,")[0]
    assert lines["1"].startswith(f"{before},both,anna,anna,False")
    assert '""k"": 1' in lines["1"]
    without = import_codings(settings, MONITOR, file)
    assert without.failed == 1
    assert "in.csv:2: item_id is no web address; name the monitor's source" in without.problems[0]
