"""`riftwatch model train` and `model evaluate` on files, as a user runs them."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from classifiers.codebook import FOLDER
from classifiers.starter import load_starter
from pipeline.cli import app

COLUMNS = ["text", "value", "source", "lang", "draw", "idx"]


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def write(file: Path, rows: list[list[str]], columns: list[str] = COLUMNS) -> Path:
    with file.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([columns, *rows])
    return file


@pytest.fixture(scope="module")
def codings(tmp_path_factory) -> Path:
    some = [c for c in load_starter() if c.lang == "en"][:120]
    rows = [
        [c.text, c.value, f"s{i % 8}", "en", "random" if i % 4 == 0 else "active", str(i)] for i, c in enumerate(some)
    ]
    return write(tmp_path_factory.mktemp("codings") / "codings.csv", [*rows, ["text", "good", "", "", "", ""]])


@pytest.fixture(scope="module")
def trained(codings) -> Path:
    """A model folder."""
    folder = codings.parent / "model"
    made = run("model", "train", "--codings", codings, "--out", folder, "--starter-weight", 0, "--curve", 0)
    assert made.exit_code == 0, made.output
    return folder


def test_a_file_becomes_a_folder_with_its_card(codings, trained):
    own = ("--codings", codings, "--out", codings.parent / "second", "--starter-weight", 0, "--curve", 0)
    said = run("model", "train", *own, "--incumbent", trained, "--split", "cluster", "--context-weight", 0.25)
    assert said.exit_code == 0, said.output
    assert "trained on 90 own codings and 0 starter codings; evaluated on 30 random codings" in said.output
    assert "codings.csv:122: unknown value 'good'" in said.output
    assert "columns not used: idx" in said.output
    assert "against " in said.output
    assert "beside it TF-IDF words + logistic regression" in said.output
    card = json.loads((codings.parent / "second" / "card.json").read_text())
    assert card["settings"]["split"] == "cluster"
    assert card["comparison"]["incumbent"] == "model"
    assert "## Against model" in (codings.parent / "second" / "card.md").read_text()


def test_evaluation_prints_and_writes_figures(codings, trained, tmp_path):
    out = tmp_path / "figures.json"
    table = run("model", "evaluate", trained, "--codings", codings, "--out", out)
    assert table.exit_code == 0, table.output
    assert "on 30 random codings" in table.output
    assert "| macro-F1, all values |" in table.output
    printed = run("model", "evaluate", trained, "--codings", codings, "--format", "json")
    made = json.loads(printed.stdout)
    assert made == json.loads(out.read_text())
    assert made["comparable"]
    assert made["model"] == "model"


def test_a_codebook_of_one_s_own(tmp_path):
    book = tmp_path / "mood.yaml"
    book.write_text(
        "variable: mood\nversion: 1\nquestion: How?\nunit: a text\nvalues:\n"
        "  - {value: glad, balance: 1, definition: it is glad}\n  - {value: sad, balance: -1, definition: it is sad}\n"
        "heads: {glad: [glad], sad: [sad]}\n"
    )
    rows = [
        [f"we {word} about number{i}", value] for i in range(12) for word, value in [("cheer", "glad"), ("weep", "sad")]
    ]
    file = write(tmp_path / "mood.csv", rows, ["text", "value"])
    made = run("model", "train", "--codings", file, "--codebook", book, "--out", tmp_path / "mood", "--curve", 0)
    assert made.exit_code == 0, made.output
    assert "macro_f1: 1.000" in made.output
    assert json.loads((tmp_path / "mood" / "card.json").read_text())["variable"] == "mood"
    judged = run("model", "evaluate", tmp_path / "mood", "--codings", file, "--codebook", book)
    assert "none drawn at random: not comparable" in judged.output
    assert "unknown variable 'mood'" in run("model", "evaluate", tmp_path / "mood", "--codings", file).output


def test_what_can_t_be_is_refused_in_words_and_leaves_nothing(codings, trained, tmp_path):
    def refused(*words):
        made = run("model", "train", "--out", tmp_path / "new", *words)
        assert made.exit_code == 1, made.output
        assert "Traceback" not in made.output
        assert not (tmp_path / "new").exists()
        return made.output

    assert "can't be read" in refused("--codings", tmp_path / "none.csv")
    assert "unknown variable 'mood'; write one of" in refused("--codings", codings, "--variable", "mood")
    assert "column value is missing" in refused("--codings", write(tmp_path / "a.csv", [["a"]], ["text"]))
    one_sided = write(tmp_path / "b.csv", [[f"text {i}", "both"] for i in range(9)], ["text", "value"])
    assert "can't be split so that both sides" in refused("--codings", one_sided, "--starter-weight", 0)
    at_random = write(tmp_path / "c.csv", [["a", "both", "random"]], ["text", "value", "draw"])
    assert "they evaluate and never train" in refused("--codings", at_random, "--starter-weight", 0)
    assert "needs codings of two dates" in refused("--codings", codings, "--starter-weight", 0, "--split", "time")
    assert "is there already" in run("model", "train", "--codings", codings, "--out", trained).output
    assert "no such model folder" in run("model", "evaluate", tmp_path / "none", "--codings", codings).output
    other = run("model", "evaluate", trained, "--codings", codings, "--codebook", FOLDER / "criticism.yaml")
    assert "trained with another codebook" in other.output


def test_codings_of_party_manifestos(shared_data, tmp_path):
    with (shared_data / "manifesto_en" / "nat_univ.csv").open(encoding="utf-8", newline="") as handle:
        sides = {"nat": "nationalist", "univ": "universalist"}
        rows = [
            [row["text_original"], sides[row["side_core"]], row["manifesto_id"], row["date"], row["party"]]
            for row in csv.DictReader(handle)
            if row["side_core"]
        ]
    file = write(tmp_path / "m.csv", rows, ["text", "value", "source", "date", "group"])
    made = run("model", "train", "--codings", file, "--out", tmp_path / "m", "--starter-weight", 0, "--curve", 0)
    assert made.exit_code == 0, made.output
    card = json.loads((tmp_path / "m" / "card.json").read_text())
    judged = card["cross_validation"]
    reached = judged["figures"]["two_way_macro_f1"]["value"]
    assert reached > judged["baselines"]["TF-IDF words + logistic regression"]["macro_f1"]
    assert card["settings"]["split"] == "source"
