"""The commands on codings, as people type them."""

import json
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.settings import PROJECT_ROOT

MONITOR = ("--monitor", str(PROJECT_ROOT / "monitors" / "demo.yaml"))
CODINGS = """address,variable,target,value,coder,coded_at,draw,probability,origin
http://x.example/1,framing,,both,one,2026-01-15,random,0.5,
http://x.example/1,framing,,neither,two,2026-01-15,random,0.5,
http://x.example/2,framing,,neither,one,2026-01-15,random,0.5,
http://x.example/2,framing,,neither,two,2026-01-15,random,0.5,
http://x.example/3,framing,,both,one,2026-01-15,random,0.5,
http://x.example/3,framing,,both,two,2026-01-15,random,0.5,
http://x.example/3,framing,,neither,gpt,2026-01-15,import,,machine
"""


def riftwatch(*arguments, data):
    return CliRunner().invoke(app, arguments, env={"RIFTWATCH_DATA": str(data), "RIFTWATCH_DATABASE_URL": ""})


def test_from_a_file_over_agreement_and_settling_to_another_file(tmp_path):
    file, out = tmp_path / "codings.csv", tmp_path / "out.json"
    file.write_text(CODINGS)
    data = tmp_path / "data"
    answer = riftwatch("codings", "import", str(file), *MONITOR, data=data)
    assert answer.exit_code == 0, answer.output
    assert "7 found, 7 new" in answer.stdout
    answer = riftwatch("codings", "agreement", *MONITOR, "--format", "json", data=data)
    (row,) = json.loads(answer.stdout)
    assert (row["texts"], row["codings"], round(row["percent"], 3), round(row["alpha"], 3)) == (3, 6, 0.667, 0.444)
    assert "below 0.667" in riftwatch("codings", "agreement", *MONITOR, data=data).stdout
    answer = riftwatch("codings", "disagreements", *MONITOR, "--format", "json", data=data)
    (found,) = json.loads(answer.stdout)
    assert (found["address"], found["values"]) == ("http://x.example/1", {"one": "both", "two": "neither"})
    assert "one: both, two: neither" in riftwatch("codings", "disagreements", *MONITOR, data=data).stdout
    assert (
        "first,second,value_first" in riftwatch("codings", "confusion", *MONITOR, "--format", "csv", data=data).stdout
    )
    settle = ("codings", "settle", "http://x.example/1", "both", "--coder", "three", *MONITOR)
    answer = riftwatch(*settle, data=data)
    assert "settled by three; one both, two neither stay beside it" in answer.stdout, answer.output
    answer = riftwatch("codings", "export", str(out), "--format", "labelstudio", *MONITOR, data=data)
    assert "8 codings" in answer.stdout, answer.output
    answer = riftwatch("codings", "import", str(out), *MONITOR, data=tmp_path / "other")
    assert "8 found, 8 new" in answer.stdout, answer.output


def test_label_studio_gets_its_interface(tmp_path):
    file = tmp_path / "config.xml"
    answer = riftwatch("codings", "export", str(file), "--config", "--variable", "criticism", data=tmp_path)
    assert answer.exit_code == 0, answer.output
    view = ElementTree.fromstring(file.read_text())  # noqa: S314 (our own)
    assert [c.get("value") for c in view.iter("Choice")] == ["supportive", "neutral", "hostile"]
    assert [c.get("hotkey") for c in view.iter("Choice")] == ["1", "2", "3"]
    assert view.find("Choices").attrib["name"] == "criticism"
    assert view.find("Text").attrib["value"] == "$text"


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("import", "none.csv", *MONITOR), "none.csv: there is no such file"),
        (
            ("import", str(PROJECT_ROOT / "README.md"), "--format", "xml", *MONITOR),
            "no format 'xml'; write csv, labelstudio, doccano or 4cat",
        ),
        (("import", str(PROJECT_ROOT / "README.md"), "--value", "x", *MONITOR), "write NAME=VALUE"),
        (("export", "/nowhere/at/all.csv", *MONITOR), "/nowhere/at/all.csv can't be written"),
        (("export", "x.csv", "--variable", "mood", *MONITOR), "unknown variable 'mood'; write one of"),
        (("export", "x.csv", "--queue", *MONITOR), "no queue of framing; draw one with `riftwatch label queue`"),
        (("export", "x.csv", "--since", "soon", *MONITOR), "'soon' is no date"),
        (("agreement", *MONITOR), "no agreement of framing can be reckoned: fewer than two coders"),
        (("confusion", *MONITOR), "no text was coded for framing by two coders"),
        (("settle", "http://x.example/1", "both", "--coder", "c", *MONITOR), "nobody has coded http://x.example/1"),
    ],
)
def test_what_is_wrong_is_said_in_our_words(tmp_path, arguments, match):
    answer = riftwatch("codings", *arguments, data=tmp_path)
    assert answer.exit_code == 1
    assert match in answer.stderr, answer.output
    assert isinstance(answer.exception, SystemExit)
