"""Files of other tools as people have them: wrong, broken off, enormous, or half erased."""

import csv
import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import select

from pipeline.framing.codings import (
    CodingsFileError,
    Defaults,
    FileFormat,
    export_codings,
    export_queue,
    import_codings,
)
from pipeline.framing.codings import bring_in as module
from pipeline.framing.codings.fields import Checker, parse_json, value_of
from pipeline.framing.codings.formats import module_of, recognise
from pipeline.framing.codings.json_stream import entries
from pipeline.store.session import open_session
from pipeline.store.tables import Coding, ErasedAddress, Erasure, Queue, QueueItem

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def choice(value, **more):
    return {"from_name": "framing", "to_name": "text", "type": "choices", "value": {"choices": [value]}, **more}


def task(address, *results, coder=1, **more):
    annotations = [{"completed_by": coder, "created_at": "2026-01-02T00:00:00Z", "result": list(results)}]
    return {"data": {"address": address}, "annotations": annotations, **more}


def stored(settings):
    with open_session(settings) as session:
        return session.scalars(select(Coding).order_by(Coding.id)).all()


def bring(settings, monitor, tmp_path, content, name="file", **options):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_codings(settings, monitor, file, **options)


GOOD = task("http://x.example/good", choice("both"), coder=9)


WRONG_TASKS = [
        (7, "not a task of Label Studio"),
        ({"annotations": []}, "not a task of Label Studio"),
        ({"data": {}, "annotations": {}}, "annotations must be a list"),
        (task("http://x.example/1", choice("maybe")), "unknown value 'maybe'; write one of nationalist"),
        (task("http://x.example/1", choice("both") | {"value": {"choices": ["a", "b"]}}), "2 values of framing"),
        (task("http://x.example/1", choice("both") | {"value": 3}), "0 values of framing; a text gets exactly one"),
        (task("http://x.example/1", choice("both", from_name="mood")), "variable is empty"),
        (task("http://x.example/1", choice("a", from_name="x"), choice("b", from_name="y")), r"controls \(x, y\)"),
        (task("http://x.example/1", {"type": "rating", "value": {"rating": 3}}), "no choice"),
        (task("http://x.example/1", 3), "not an annotation; it needs"),
        (task(None, choice("both")), "address is empty"),
        (task("http://x.example/1", choice("both"), coder=None), "coder is empty"),
        (task("http://x.example/1", choice("both"), coder={"email": "a@b.c"}), "coder is empty"),
        (task("http://x.example/1", choice("both"), coder="a@b.c"), "looks like an e-mail address"),
        (task("http://x.example/1", choice("hostile", from_name="criticism")), "write one of a, b as target"),
        (
            task("http://x.example/1", choice("both")) | {"data": {"address": "http://x.example/1", "target": "a"}},
            "framing is not coded towards a group",
        ),
        (task("http://x.example/1", choice("both"), big="x" * 200_000), "more than 100,000 characters"),
        (task("http://x.example/1", choice("both"), deep=json.loads("[" * 80 + "]" * 80)), "more than 50 deep"),
        (task("http://x.example/1", choice("both"), odd="\ud800"), "not UTF-8"),
        (task("http://x.example/1", choice("both"), odd="\x00"), "zero character"),
]  # fmt: skip


def test_a_wrong_task_is_named_and_the_others_are_taken(settings, monitor, tmp_path):
    tasks = [GOOD, *(wrong for wrong, _ in WRONG_TASKS), GOOD | {"data": {"address": "http://x.example/last"}}]
    report = bring(settings, monitor, tmp_path, json.dumps(tasks), "tasks.json")
    assert (report.new, report.failed) == (2, len(WRONG_TASKS))
    for number, ((_, match), problem) in enumerate(zip(WRONG_TASKS, report.problems, strict=True), start=2):
        assert re.match(rf"tasks\.json:task {number}\b.*{match}", problem), problem


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (json.dumps([GOOD])[:-1], "task 2: not JSON"),
        (json.dumps([GOOD, GOOD])[:-30], "task 2: not JSON"),
        (json.dumps([GOOD])[:-1] + " " + json.dumps(GOOD) + "]", "a comma or ] must stand here"),
        (json.dumps([GOOD])[:-1] + "," + "[" * 300_000, "task 2: nested too deeply"),
        (json.dumps([GOOD])[:-1] + ', {"data": NaN}]', "NaN is no number"),
        (json.dumps([GOOD])[:-1] + ", nothing]", "task 2: not JSON"),
    ],
)
def test_a_file_that_breaks_off_keeps_what_came_before(settings, monitor, tmp_path, content, match):
    report = bring(settings, monitor, tmp_path, content)
    assert (report.new, report.failed) == (1, 1)
    assert match in report.problems[0]
    assert "the ones before are read" in report.problems[0]


def test_people_machines_and_people_who_took_over_a_machine_stay_apart(settings, monitor, tmp_path):
    """A machine's label that we wrote, taken over in Label Studio or changed there, is the person's."""
    machine = {
        "data": {"address": "http://x.example/1"},
        "predictions": [{"model_version": "m1", "result": [choice("both")]}],
    }
    bring(settings, monitor, tmp_path, json.dumps([machine]))
    out = tmp_path / "out.json"
    export_codings(settings, monitor, out, form=FileFormat.LABELSTUDIO)
    (sent,) = json.loads(out.read_text())
    copied = sent["predictions"][0]["result"]
    changed = [copied[0] | {"value": {"choices": ["neither"]}}]
    sent["annotations"] = [
        {"completed_by": 1, "created_at": "2026-01-02", "result": copied},
        {"completed_by": 2, "created_at": "2026-01-02", "result": changed},
        {"completed_by": 3, "created_at": "2026-01-02", "result": [choice("both", origin="prediction")]},
        {"completed_by": 4, "created_at": "2026-01-02", "result": [choice("both", origin="prediction-changed")]},
        {"completed_by": 5, "created_at": "2026-01-02", "result": [choice("both", origin="manual")]},
    ]
    report = bring(settings, monitor, tmp_path, json.dumps([sent]))
    assert (report.new, report.known, report.failed) == (5, 1, 0)
    assert [(c.coder, c.value, c.origin) for c in stored(settings)] == [
        ("m1", "both", "machine"),
        ("1", "both", "confirmed"),
        ("2", "neither", "human"),
        ("3", "both", "confirmed"),
        ("4", "both", "human"),
        ("5", "both", "human"),
    ]


WRONG_LINES = [
    ("{", "not JSON"),
    ("[1]", "not an example of doccano"),
    ('{"label": ["both", "neither"], "address": "http://x.example/1"}', r"2 labels \(both, neither\)"),
    ('{"label": [[0, 3, "PER"]], "address": "http://x.example/1"}', "as doccano's classification writes it"),
    ('{"label": "both", "address": ["x"]}', "address is a list or an object"),
    ('{"label": "both"}', "address is empty"),
    ('{"a":' * 100_000, "nested too deeply"),
    ('{"label": "both", "address": "http://x.example/1", "n": Infinity}', "Infinity is no number"),
]


def test_a_wrong_line_is_named_and_the_others_are_taken(settings, monitor, tmp_path):
    good = '{"label": ["both"], "address": "http://x.example/good"}'
    lines = [*(line for line, _ in WRONG_LINES), "", good]
    defaults = Defaults(variable="framing", coder="c")
    report = bring(settings, monitor, tmp_path, "\n".join(lines), "c.jsonl", form=FileFormat.DOCCANO, defaults=defaults)
    assert (report.new, report.failed) == (1, len(WRONG_LINES))
    for number, ((_, match), problem) in enumerate(zip(WRONG_LINES, report.problems, strict=True), start=1):
        assert re.match(rf"c\.jsonl:{number}: .*{match}", problem), problem


def test_a_label_without_a_time_stays_known_when_the_file_comes_again(settings, monitor, tmp_path):
    line = '{"label": ["both"], "address": "http://x.example/1"}'
    options = {"defaults": Defaults(variable="framing", coder="c", draw="active")}
    assert bring(settings, monitor, tmp_path, line, **options).new == 1
    assert bring(settings, monitor, tmp_path, line, **options).known == 1
    assert [c.draw for c in stored(settings)] == ["active"]


def test_names_of_values_are_the_codebooks_or_given():
    names = ["nationalist", "half-way"]
    assert value_of("Nationalist ", names, {}) == "nationalist"
    assert value_of("HALF_way", names, {}) == value_of("half  way", names, {}) == "half-way"
    assert value_of("Nation first", names, {"Nation first": "nationalist"}) == "nationalist"
    assert value_of("other", names, {}) == "other"


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b'\xef\xbb\xbf [{"data"', FileFormat.LABELSTUDIO),
        (b'{"text": "x"', FileFormat.DOCCANO),
        (b"id,item_id,label,value\n", FileFormat.FOURCAT),
        (b"address,value\n", FileFormat.CSV),
        (b"", FileFormat.CSV),
    ],
)
def test_a_format_is_found_by_the_content(tmp_path, content, form):
    (tmp_path / "file").write_bytes(content)
    assert recognise(tmp_path / "file") is form


def test_what_was_erased_does_not_come_back_and_is_not_named(settings, monitor, tmp_path):
    gone = "http://x.example/gone"
    with open_session(settings) as session:
        erasure = Erasure(monitor="m", erased_at=NOW, scope="address", target="t", reason="r", documents=0, captures=0)
        session.add(erasure)
        session.flush()
        digest = sha256(gone.encode()).hexdigest()
        session.add(ErasedAddress(monitor="m", address_digest=digest, erasure_id=erasure.id))
        session.commit()
    spelt = f"{gone}?utm_source=x#top"
    report = bring(settings, monitor, tmp_path, json.dumps([task(spelt, choice("both")), GOOD]))
    assert (report.new, report.failed) == (1, 1)
    assert "its text was erased, and its codings with it; they are not taken back" in report.problems[0]
    assert "gone" not in str(report)
    assert [c.address for c in stored(settings)] == ["http://x.example/good"]


def test_only_so_many_problems_are_named(settings, monitor, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_PROBLEMS", 2)
    report = bring(settings, monitor, tmp_path, json.dumps([1, 2, 3, 4, GOOD]))
    assert (report.failed, len(report.problems), report.problems[-1]) == (4, 3, "and 2 more")


def test_answers_to_a_queue_find_their_texts_and_count_as_they_were_drawn(settings, monitor, add_documents, tmp_path):
    one, two = add_documents(settings, ["first text", "second text"])
    with open_session(settings) as session:
        queue = Queue(monitor="m", variable="framing", drawn_at=NOW, seed=1)
        session.add(queue)
        session.flush()
        for place, (document, drawn, probability) in enumerate([(two, "random", 0.125), (one, "active", None)]):
            item = {"document_id": document, "target": "", "draw": drawn, "probability": probability, "coders": 3}
            session.add(QueueItem(queue_id=queue.id, place=place, **item))
        session.commit()
    file = tmp_path / "tasks"
    with pytest.raises(CodingsFileError, match="4CAT takes no texts"):
        export_queue(settings, monitor, file, variable="framing", form=FileFormat.FOURCAT)
    assert not file.exists()
    for form in (FileFormat.LABELSTUDIO, FileFormat.DOCCANO, FileFormat.CSV):
        assert export_queue(settings, monitor, file, variable="framing", form=form) == 2
        written = file.read_text()
        assert written.index("second text") < written.index("first text")
        coder = f"coder of {form}"
        if form is FileFormat.LABELSTUDIO:
            tasks = json.loads(written)
            assert "draw" not in tasks[0]["data"]
            for one_task in tasks:
                one_task["annotations"] = [
                    {"completed_by": coder, "created_at": "2026-02-01", "result": [choice("both")]}
                ]
            file.write_text(json.dumps(tasks))
        elif form is FileFormat.DOCCANO:
            lines = [json.loads(line) | {"label": ["both"]} for line in written.splitlines()]
            file.write_text("\n".join(map(json.dumps, lines)))
        else:
            out = StringIO()
            rows = list(csv.DictReader(StringIO(written)))
            writer = csv.DictWriter(out, rows[0])
            writer.writeheader()
            writer.writerows(row | {"value": "both", "coder": coder, "coded_at": "2026-02-01"} for row in rows)
            file.write_text(out.getvalue())
        report = import_codings(settings, monitor, file, defaults=Defaults(coder=coder))
        assert (report.new, report.failed, report.waiting) == (2, 0, 0)
        back = {c.document_id: c for c in stored(settings) if c.coder == coder}
        assert (back[two].draw, back[two].probability, back[two].drawn_at) == ("random", 0.125, NOW)
        assert (back[one].draw, back[one].probability, back[one].origin) == ("active", None, "human")
    assert export_queue(settings, monitor, file, variable="framing", form=FileFormat.CSV) == 0  # three coders: done


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["both", "framing", "choices"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["data", "address", "annotations", "predictions", "result", "value", "choices", "label", "meta",
                         "riftwatch", "from_name", "type", "text", "completed_by", "parent_prediction", "cats"]),
        inner,
        max_size=5,
    ),
    max_leaves=30,
)  # fmt: skip
CHECKER = Checker(["a"], Defaults(variable="framing", coder="c", draw="import"))


@pytest.mark.parametrize("form", [FileFormat.LABELSTUDIO, FileFormat.DOCCANO])
@how(max_examples=40)
@given(value=json_values)
def test_no_json_breaks_the_readers(tmp_path_factory, form, value):
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_text(json.dumps([value, {"data": value, "annotations": [value]}] if form == "labelstudio" else value))
    for found in module_of(form).read(file, Defaults()):
        if found.row is not None:
            try:
                assert CHECKER.coding(found.row)["value"]
            except ValueError as error:
                assert str(error)  # noqa: PT017


one_value = st.recursive(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists)


@how(max_examples=40)
@given(st.lists(one_value, max_size=6), st.integers(0, 3))
def test_a_stream_of_json_is_what_json_is(values, indent):
    assert list(entries(StringIO(json.dumps(values, indent=indent or None)), "entry")) == values


def test_a_number_that_two_parts_of_a_file_share_is_whole(monkeypatch):
    monkeypatch.setattr("pipeline.framing.codings.json_stream._PART", 3)
    assert list(entries(StringIO("[12345678, 9, -1.5e10]"), "entry")) == [12345678, 9, -1.5e10]
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 200_000)
