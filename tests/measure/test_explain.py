import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import delete, event, inspect, select, update
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.measure.again import verify
from pipeline.measure.again.compare import Made
from pipeline.measure.explain import ExplainError, as_record, explain, in_words
from pipeline.measure.job import measure
from pipeline.store.published import mark_erased
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Coding, Document, ErasedDocument, Erasure, Framing, Published
from tests.measure.test_job import NOW, _fill


@pytest.fixture
def measured(store_settings, world, monitor_of):
    with open_session(store_settings) as session:
        w = world(session)
        model = w.model()
        _fill(w, model)
        # reposts, unequal draws, late texts: what makes an estimate hard to make again
        for number, day in enumerate(range(3, 9)):
            late = w.text("b", date(2024, 4, day), 0.1, model=model, collected=datetime(2025, 1, 3, tzinfo=UTC))
            if number:
                w.coding(late, "neither", probability=0.3, drawn_at=datetime(2025, 1, 2, tzinfo=UTC))
        session.commit()
        monitor = monitor_of(periods=["month", "quarter"])
        measure(store_settings, monitor, now=NOW)
        yield session, w, model, lambda: measure(store_settings, monitor, now=NOW)


def test_every_published_figure_can_be_made_again_from_what_it_names(measured):
    session, *_ = measured
    rows = session.scalars(select(Published)).all()
    assert len(rows) > 30
    assert {row.figures["estimator"] for row in rows if row.kind in ("trend", "gap")} == {"corrected", "uncorrected"}
    made = {row.id: verify(session, row) for row in rows}
    assert {number: one for number, one in made.items() if one.differences or not one.exact} == {}


def test_a_figure_whose_texts_changed_says_what_comes_out_now(measured):
    session, *_ = measured
    found = explain(session, "m", subject=("a",), period="quarter", day=date(2024, 5, 17))
    coded = found.codings[0]
    session.execute(update(Coding).where(Coding.id == coded.id).values(value="both"))
    session.execute(update(Framing).where(Framing.document_id == found.texts[0].id).values(p_first=0.99))
    session.commit()
    assert any(line.startswith("balance: ") for line in verify(session, found.row).differences)


@pytest.mark.parametrize(("name", "other"), [("framed", 7), ("model_variance", 0.5)])
def test_what_alarms_run_on_is_made_again_too(measured, name, other):
    session, *_ = measured
    row = explain(session, "m", subject=("a",), period="month", day=date(2024, 5, 17)).row
    right = row.figures[name]
    row.figures = row.figures | {name: other}
    (found,) = verify(session, row).differences
    assert found == f"{name}: {other:.12g} was published, {right:.12g} comes out now"
    # as an older version published it
    row.figures = {key: value for key, value in row.figures.items() if key != name}
    assert verify(session, row) == Made((), True)


def test_what_is_said_of_a_figure(measured):
    session, w, model, again = measured
    text = session.scalars(select(Document).where(Document.group_id == "a").order_by(Document.published_at)).first()
    capture = Capture(
        monitor="m", source="a-site", address=text.address, captured_at=datetime(2024, 1, 9, tzinfo=UTC),
        http_status=200,
        digest="d", length=1, warc_file="m/a-site/x.warc.gz", warc_offset=77,
    )  # fmt: skip
    session.add(capture)
    session.flush()
    text.capture_id = capture.id
    w.text("a", date(2024, 2, 2), 0.9, model=model)
    session.commit()
    first = session.scalars(select(Published.as_of)).first()
    again()
    session.expire_all()
    found = explain(session, "m", subject=("a",), period="quarter", day=date(2024, 1, 1))
    assert (len(found.texts), len(found.codings), len(found.earlier)) == (41, 20, 1)
    said = "\n".join(in_words(found, verify(session, found.row)))
    for words in (
        "a, quarter from 2024-01-01 to 2024-04-01: balance ",
        "prediction-powered inference",
        "N = 41, n = 20, lam = ",
        f"sha256 {model.sha256}",
        "captured 2024-01-09 00:00, m/a-site/x.warc.gz at 77",
        text.address,
        "Title ",
        "nationalist  one",
        "earlier:\n",
        "made again from these: equal",
    ):
        assert words in said
    assert json.loads(json.dumps(as_record(found, Made((), True)), default=str))["texts_then"] == 41
    older = explain(session, "m", subject=("a",), period="quarter", day=date(2024, 1, 1), as_of=first)
    assert older.text_count == 40
    both = explain(session, "m", subject=("a", "b"), period="quarter", day=date(2024, 1, 1))
    assert [side.subject for side in both.sides] == ["a", "b"]
    assert "gap " in in_words(both, None)[0]
    month = explain(session, "m", subject=("a",), period="month", day=date(2024, 1, 1))
    assert any("the model's mean alone" in line for line in in_words(month, None))


def test_no_more_is_read_than_is_asked_for(measured):
    session, *_ = measured
    found = explain(session, "m", subject=("a", "b"), period="quarter", day=date(2024, 1, 1))
    own = {column.name: getattr(found.row, column.name) for column in Published.__table__.columns}
    del own["id"]
    session.add_all([Published(**own | {"digest": str(number)}) for number in range(30)])
    session.commit()
    session.expunge_all()
    sent: list[str] = []

    def note(connection, cursor, statement, *rest):
        sent.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        found = explain(session, "m", subject=("a", "b"), period="quarter", day=date(2024, 1, 1), most=5)
        as_record(found, None)
        in_words(found, None)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert (found.row.digest, len(found.sides)) == ("29", 2)
    assert [one.digest for one in found.earlier] == ["28", "27", "26", "25", "24"]
    # what figures were made of is large: it is read of the one that is explained, in one row
    with_basis = [statement for statement in sent if "published.documents" in statement]
    assert len(with_basis) == 1
    assert "LIMIT" in with_basis[0]
    assert all({"documents", "codings"} <= inspect(one).unloaded for one in (*found.earlier, *found.sides))
    assert len(explain(session, "m", subject=("a", "b"), period="quarter", day=date(2024, 1, 1)).earlier) == 30


def test_a_figure_whose_texts_were_erased_stays_and_says_so(measured):
    session, *_ = measured
    found = explain(session, "m", subject=("a",), period="quarter", day=date(2024, 5, 17))
    gone = [text.id for text in found.texts[:3]]
    erasure = Erasure(monitor="m", erased_at=NOW, scope="source", target="s", reason="a court", documents=3, captures=0)
    session.add(erasure)
    session.flush()
    session.add_all([ErasedDocument(document_id=one, erasure_id=erasure.id) for one in gone])
    for table, column in ((Framing, Framing.document_id), (Coding, Coding.document_id), (Document, Document.id)):
        session.execute(delete(table).where(column.in_(gone)))
    assert mark_erased(session, "m") > 0
    session.commit()
    session.expire_all()
    after = explain(session, "m", subject=("a",), period="quarter", day=date(2024, 5, 17))
    assert (after.row.id, after.row.figures, after.row.basis_erased) == (found.row.id, found.row.figures, 3)
    said = in_words(after, verify(session, after.row))
    assert "basis erased: 3 of 40 texts were erased on 2024-12-31 18:00 UTC (a court)" in said
    assert "clusters: 40 was published, 37 comes out now" in "\n".join(said)


def test_the_command(settings, world, monitor_of, tmp_path, monkeypatch):
    with open_session(settings) as session:
        w = world(session)
        _fill(w, w.model())
        session.commit()
    measure(settings, monitor_of(), now=NOW)
    file = tmp_path / "m.yaml"
    file.write_text(monitor_of().model_dump_json(exclude_defaults=True), encoding="utf-8")
    monkeypatch.setenv("RIFTWATCH_DATA", str(settings.data))

    def run(*arguments):
        return CliRunner().invoke(app, ["trends", "explain", *arguments, "--monitor", str(file)])

    answer = run("a--b", "2024-Q2", "--format", "json")
    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout)["differences"] == []
    assert json.loads(answer.stdout)["texts_then"] == 80
    assert "made again from these: equal to the last bit" in run("a", "2024-Q2").stdout
    answer = run("a", "2024-Q2", "--as-of", "2001-01-01")
    assert (answer.exit_code, "no figure of a" in answer.stderr) == (1, True)
    assert "'a--c' is no group, and no two as a--b; there are a, b" in run("a--c", "2024-Q2").stderr
    assert "'2024-Q5' is no period; write 2024-W05, 2024-03, 2024-Q1 or 2024" in run("a", "2024-Q5").stderr


def test_what_was_never_published_is_told_with_what_was(measured):
    session, *_ = measured
    with pytest.raises(ExplainError, match="published from 2024-01-01 to 2024-10-01"):
        explain(session, "m", subject=("a",), period="quarter", day=date(2009, 1, 1))
    with pytest.raises(ExplainError, match="none was published at all"):
        explain(session, "m", subject=("a",), period="year", day=date(2024, 1, 1))
    with pytest.raises(ExplainError, match="until 2001-01-01"):
        explain(
            session, "m", subject=("a",), period="quarter", day=date(2024, 1, 1), as_of=datetime(2001, 1, 1, tzinfo=UTC)
        )
