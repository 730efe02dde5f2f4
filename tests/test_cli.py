import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.settings import PROJECT_ROOT


def riftwatch(
    *arguments: str, data: Path, stdin: bytes | None = None, **environment: str
) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments],
        env={"PATH": "/usr/bin:/bin", "RIFTWATCH_DATA": str(data), **environment},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
        cwd=PROJECT_ROOT,
    )


@pytest.mark.long  # beside other tests a processor takes half as long again
def test_it_starts_in_under_a_second_and_without_airflow(tmp_path):
    riftwatch("--help", data=tmp_path)
    times = []
    for _ in range(3):
        # processor time: what else the machine does is not counted
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert riftwatch("check", "monitors/demo.yaml", data=tmp_path).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 1.0
    heavy = {"airflow", "sklearn", "trafilatura", "sqlalchemy"}
    loaded = f"import sys, pipeline.cli; print([m for m in sys.modules if m in {heavy}])"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
    )
    assert modules.stdout.strip() == "[]"


def test_check_names_file_line_field_and_mend(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text("name: m\ntitle: t\ngroups: [{id: a, name: A}]\nsources:\n  - {id: s, kind: dove, speaker: own}\n")
    answer = riftwatch("check", str(file), data=tmp_path)
    assert answer.returncode == 1
    assert f"{file}:5: sources[0].kind: unknown kind; write one of" in answer.stderr.decode()


def test_two_monitors_and_none_named_is_asked_back(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("name: x\n")
    answer = riftwatch("trends", data=tmp_path, RIFTWATCH_MONITORS=str(tmp_path))
    assert (answer.returncode, b"name the monitor with --monitor FILE" in answer.stderr) == (1, True)


def test_an_unknown_source_is_named_with_the_known_ones(tmp_path):
    answer = riftwatch("collect", "--monitor", "monitors/demo.yaml", "--source", "nope", data=tmp_path)
    assert (answer.returncode, b"no source 'nope' in demo; there are kestrel-news" in answer.stderr) == (1, True)


def test_trends_before_anything_was_measured_say_so(tmp_path):
    answer = riftwatch("trends", "--monitor", "monitors/demo.yaml", data=tmp_path)
    assert answer.returncode == 0
    assert b"nothing measured yet" in answer.stderr


def test_classify_without_a_model_says_what_to_do(tmp_path):
    answer = riftwatch("classify", data=tmp_path, stdin=b"")
    assert answer.returncode == 1
    assert b"riftwatch frame" in answer.stderr


def test_a_wrong_setting_is_named(tmp_path):
    answer = riftwatch("check", data=tmp_path, RIFTWATCH_RUN_SECONDS="soon")
    assert (answer.returncode, b"RIFTWATCH_RUN_SECONDS" in answer.stderr) == (1, True)


def test_a_database_that_is_not_there_is_named(tmp_path):
    answer = riftwatch(
        "frame", "--monitor", "monitors/demo.yaml", data=tmp_path,
        RIFTWATCH_DATABASE_URL="postgresql+psycopg://me:secret@127.0.0.1:1/none",
    )  # fmt: skip
    assert answer.returncode == 1
    assert b"RIFTWATCH_DATABASE_URL" in answer.stderr
    assert b"secret" not in answer.stderr + answer.stdout


PAGE = """<html lang="en"><head><title>The mill at Brim</title>
<meta property="article:published_time" content="2024-05-02T10:00:00+02:00"></head><body><nav>Home About</nav>
<article><h1>The mill at Brim</h1><p>{}</p></article></body></html>"""


def test_extract_prints_what_would_be_stored(tmp_path):
    file = tmp_path / "page.html"
    file.write_text(PAGE.format("The mill has stood still since the flood took its wheel. " * 6), encoding="utf-8")
    answer = riftwatch("extract", str(file), "--url", "https://brim.example/mill?utm_source=x", data=tmp_path)
    assert answer.returncode == 0, answer.stderr
    stored = json.loads(answer.stdout)
    assert stored["title"] == "The mill at Brim"
    assert stored["address"] == "https://brim.example/mill"
    assert stored["published_at"].startswith("2024-05-02 08:00:00")
    assert "stood still" in stored["text"]
    assert "About" not in stored["text"]


@pytest.mark.parametrize("body", [b"", b"%PDF-1.4 \x00\x01"])
def test_extract_of_what_is_no_page_says_why(tmp_path, body):
    answer = riftwatch("extract", "-", "--url", "https://brim.example/x", data=tmp_path, stdin=body)
    assert answer.returncode == 1
    assert b"nothing would be stored" in answer.stderr


def test_a_window_without_a_day_is_refused(tmp_path):
    answer = riftwatch("collect", "--since", "2009-02-01", "--until", "2009-02-01", data=tmp_path)
    assert answer.returncode == 1
    assert b"no day lies from 2009-02-01 to before 2009-02-01" in answer.stderr


def test_schema_is_json(tmp_path):
    assert json.loads(riftwatch("schema", data=tmp_path).stdout)["title"] == "Monitor"


TABLE = """\
name: t
title: A table
groups: [{id: a, name: A}]
sources:
  - {id: s, kind: table, group: a, speaker: own, path: rows.csv, columns: {text: text, date: date}}
"""


def test_a_file_that_is_not_there_is_found_by_check_and_fails_the_run(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text(TABLE)
    answer = riftwatch("check", str(file), data=tmp_path)
    assert answer.returncode == 1
    assert f"{file}:5: sources[0].path: {tmp_path / 'rows.csv'} is not there" in answer.stderr.decode()
    assert riftwatch("import", "--monitor", str(file), data=tmp_path).returncode == 1
    (tmp_path / "rows.csv").write_text("text,date\nA text of some words,2024-01-01\n")
    assert riftwatch("check", str(file), data=tmp_path).returncode == 0
    assert riftwatch("import", "--monitor", str(file), data=tmp_path).returncode == 0


def test_a_check_of_nothing_says_so(tmp_path):
    answer = riftwatch("check", data=tmp_path, RIFTWATCH_MONITORS=str(tmp_path))
    assert (answer.returncode, b"no monitor to check" in answer.stderr) == (1, True)


def test_a_period_that_is_not_measured_is_named_with_those_that_are(tmp_path):
    answer = riftwatch("trends", "--monitor", "monitors/demo.yaml", "--period", "year", data=tmp_path)
    assert answer.returncode == 1
    assert b"it measures week, month, quarter" in answer.stderr


@pytest.mark.parametrize("address", ["foo", "sqlite:////proc/none/x.db", "postgresql+nothing://me:secret@h/n"])
def test_a_database_address_that_is_none_is_named(tmp_path, address):
    answer = riftwatch("trends", "--monitor", "monitors/demo.yaml", data=tmp_path, RIFTWATCH_DATABASE_URL=address)
    assert answer.returncode == 1
    assert b"RIFTWATCH_DATABASE_URL" in answer.stderr
    assert b"Traceback" not in answer.stderr
    assert b"secret" not in answer.stderr


def test_a_source_is_explained_and_listed(tmp_path):
    asked = ("--monitor", "monitors/demo.yaml")
    listed = riftwatch("source", "list", *asked, data=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert b"never run  kestrel-news" in listed.stdout
    told = riftwatch("source", "why", "kestrel-news", *asked, "--offline", data=tmp_path)
    assert told.returncode == 1
    assert "TROUBLE      runs" in told.stdout.decode()
    assert "Look first at: runs. It never ran." in told.stdout.decode()
    # the demo's server does not run, and the way ends there
    online = riftwatch("source", "why", "kestrel-news", *asked, "--json", data=tmp_path)
    made = json.loads(online.stdout)
    steps = {step["name"]: step["outcome"] for step in made["steps"]}
    assert (steps["name"], steps["connection"], steps["answer"]) == ("ok", "trouble", "not reached")
    assert riftwatch("source", "why", "nope", *asked, data=tmp_path).returncode == 1
