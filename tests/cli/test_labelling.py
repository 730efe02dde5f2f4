import json

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.cli.test_coding_session import MONITOR
from tests.framing.labelled import add_texts


@pytest.fixture
def run(settings, tmp_path, monkeypatch):
    file = tmp_path / "m.yaml"
    file.write_text(MONITOR)
    monkeypatch.setenv("RIFTWATCH_DATA", str(settings.data))
    add_texts(settings, 12)

    def run(*arguments, code=0):
        answer = CliRunner().invoke(app, ["label", *arguments, "-m", str(file)])
        assert answer.exit_code == code, answer.output
        return answer

    return run


def test_from_a_draw_to_a_finished_queue(run):
    drawn = run("queue", "--size", "6", "--seed", "4", "--second", "0", "--format", "json")
    assert json.loads(drawn.stdout) == [
        {"stratum": "a/2024-Q1", "clusters": 12, "before": 0, "drawn": 6, "probability": 0.5}
    ]
    assert "queue 1: 6 texts, 6 of them at random, 0 for two coders; seed 4" in drawn.stderr
    assert "no framing model is in force" in drawn.stderr
    item = json.loads(run("next", "--coder", "c1", "--json").stdout)
    assert not {"group", "source", "draw", "queue"} & item.keys()
    assert item["text"] in run("next", "--coder", "c1").stdout
    assert "a, s" in run("next", "--coder", "c1", "--show-source").stdout
    run("answer", item["item"], "both", "--coder", "c1", "--note", "why")
    assert f"the answer to {item['item']} is taken back" in run("undo", "--coder", "c1").stderr
    run("answer", item["item"], "unclear", "--coder", "c1")
    (row,) = json.loads(run("status", "--format", "json").stdout)
    assert (row["part"], row["group"], row["wanted"], row["unclear"], row["left"]) == ("random", "a", 6, 1, 5)
    assert "random" in run("status").stdout
    assert "m has no text in a queue 7" in run("status", "--queue", "7").stderr
    assert "queue 1 is closed; 5 texts that nobody coded left it" in run("close", "1").stderr
    assert "nothing is left to code" in run("next", "--coder", "c1").stderr
    assert "nothing to take back" in run("undo", "--coder", "c1").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["queue", "--random", "0.1"], "write 0.25 to 1"),
        (["queue", "--variable", "mood"], "unknown variable 'mood'"),
        (["queue", "--group", "zz"], "no group 'zz'"),
        (["queue", "--since", "2030-01-01"], "no dated text of its own"),
        (["queue", "--second", "2"], "between 0 and 1"),
        (["answer", "7", "both", "--coder", "c1"], "m has no item 7"),
        (["next", "--coder", ""], "no coder's name"),
        (["close", "3"], "no open queue 3"),
        (["code", "--coder", "c1"], "needs a terminal"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(run, arguments, said):
    assert said in run(*arguments, code=1).stderr
