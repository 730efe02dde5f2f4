import json
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from classifiers.codebook import codebook_of, load_codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.evaluation.judge import examine
from classifiers.model.model_folder import MARKDOWN, PAGES, ModelFolderError, load_model, save_model
from classifiers.text.mask import Mask
from classifiers.training.card import card_markdown, card_pages
from classifiers.training.fitting import starter_rows
from classifiers.training.train import Training, probe_texts, says, train
from classifiers.training.training_report import PLAIN, _limits

BOOK = load_codebook()
NOW = datetime(2026, 1, 15, tzinfo=UTC)
QUICK = Training(folds=2, replicates=50, curve_repeats=0)


@pytest.fixture(scope="module")
def rows(starter) -> list[CodingRow]:
    """Own codings of two groups, ten sources and two years, every fourth one drawn at random."""
    made = []
    for i, coding in enumerate(starter_rows(starter)):
        day = date(2024 + i % 2, 1 + i % 12, 1)
        draw = "random" if i % 4 == 0 else "active"
        made.append(replace(coding, draw=draw, group=f"group {i % 2}", source=f"source {i % 10}", date=day))
    return made


@pytest.fixture(scope="module")
def made(rows):
    return train(rows, BOOK, trained_at=NOW, incumbent=lambda texts: np.full((len(texts), 2), np.nan),
                 settings=replace(QUICK, curve_repeats=1))  # fmt: skip


def test_a_comparison_leaves_out_what_the_incumbent_may_have_learnt(rows):
    audit = [row for row in rows if row.draw == "random"]
    twice = [*rows, *(replace(row, draw="active") for row in audit[:10])]
    made = train(twice, BOOK, trained_at=NOW, incumbent=lambda texts: np.full((len(texts), 2), 0.5), settings=QUICK)
    assert (made.card["random_sample"]["texts"], made.card["comparison"]["texts"]) == (50, 40)
    assert "Without 10 that were coded for training as well" in card_markdown(made.card)
    all_twice = [*rows, *(replace(row, draw="active") for row in audit)]
    made = train(all_twice, BOOK, trained_at=NOW, incumbent=lambda texts: np.full((len(texts), 2), 0.5), settings=QUICK)
    assert made.card["comparison"] is None


def test_random_codings_evaluate_and_never_train(rows, made):
    assert len(made.audit) == 50
    assert len(made.training) == 150
    assert {row.draw for row in made.training.rows} == {"active"}
    assert made.card["comparable"]
    assert made.card["random_sample"]["texts"] == 50
    assert made.card["evaluation"] == "on 50 random codings, none of which it learnt from"
    assert made.out_of_fold.shape == (150, 2)
    assert np.isfinite(made.out_of_fold).all()
    # it learnt something, and an incumbent that understands nothing is beaten
    comparison = made.card["comparison"]
    assert comparison["figures"]["macro_f1"]["new"] > comparison["figures"]["macro_f1"]["old"]
    assert set(made.card["random_sample"]["baselines"]) == {
        "commonest value", "TF-IDF words + logistic regression", "incumbent", "base rate",
    }  # fmt: skip


def test_the_card_is_json_and_says_all_in_words(made):
    assert json.loads(json.dumps(made.card, allow_nan=False)) == made.card
    text = card_markdown(made.card, probes=25)
    for heading in ("Limits", "Against incumbent", "On random codings", "Cross-validated", "Learning curve", "Codings"):
        assert f"## {heading}" in text
    assert "### Error rates by group" in text
    assert "### Errors of the balance per cell" in text
    assert f"{made.card['random_sample']['figures']['macro_f1']['value']:.3f}" in text
    assert "(calibration.svg)" in text
    assert "25 probe texts" in text
    assert "None" not in text
    assert "nan" not in text
    assert made.card["learning_curve"][-1]["codings"] == 150


def test_the_folder_holds_the_card_and_comes_back(made, tmp_path):
    folder = tmp_path / "model"
    probes = probe_texts(BOOK)
    sha = save_model(made.classifier, folder, codebook=BOOK, card=made.card, probes=probes, pages=card_pages(made.card))
    loaded = load_model(folder, sha)
    assert loaded.card == made.card
    assert {file.name for file in folder.iterdir()} >= PAGES
    some = made.audit.texts[:5]
    assert says(loaded.classifier)(some) == pytest.approx(made.audit_said[:5], abs=1e-5)
    # no text of a source is in the folder: it would outlive an erasure
    written = "".join(f.read_text(errors="ignore") for f in folder.iterdir() if f.suffix in {".json", ".md", ".svg"})
    assert not [
        row.text for row in [*made.training.rows, *made.audit.rows] if row.row not in probes and row.text in written
    ]
    (folder / MARKDOWN).write_text("All is well.")
    with pytest.raises(ModelFolderError, match=r"card.md was changed"):
        load_model(folder)
    with pytest.raises(ValueError, match=r"notes\.txt is no page of a card"):
        save_model(made.classifier, tmp_path / "other", codebook=BOOK, card={}, probes=probes, pages={"notes.txt": ""})


def test_a_page_too_many_is_foreign_and_one_too_few_is_missed(made, tmp_path):
    folder = tmp_path / "model"
    save_model(
        made.classifier, folder, codebook=BOOK, card=made.card, probes=probe_texts(BOOK), pages=card_pages(made.card)
    )
    (folder / "calibration.svg").unlink()
    with pytest.raises((ModelFolderError, FileNotFoundError), match=r"calibration.svg"):
        load_model(folder)


def test_without_random_codings_figures_are_marked(rows):
    own = [replace(row, draw="") for row in rows]
    card = train(own, BOOK, trained_at=NOW, settings=QUICK).card
    assert not card["comparable"]
    assert "not comparable with other models: there are no random codings" in card["evaluation"]
    assert card["random_sample"] is None
    assert card["comparison"] is None
    assert card["settings"]["split"] == "source"
    assert any("Nothing was evaluated on random codings" in limit for limit in card["limits"])


def test_split_by_time_judges_later_codings_by_earlier_ones(rows):
    own = [replace(row, draw="") for row in rows]
    made = train(own, BOOK, trained_at=NOW, settings=replace(QUICK, split="time", folds=2))
    tested = np.isfinite(made.out_of_fold).all(axis=1)
    assert 0 < tested.sum() < len(own)
    first = min(row.date for row, one in zip(made.training.rows, tested, strict=True) if one)
    assert all(row.date < first for row, one in zip(made.training.rows, tested, strict=True) if not one)
    assert made.card["cross_validation"]["texts"] == tested.sum()


def test_of_too_many_codings_some_are_drawn_by_lot(rows):
    made = train(rows, BOOK, trained_at=NOW, settings=replace(QUICK, most=60))
    assert len(made.training) == 60
    assert made.card["data"]["left_out"] == {"beyond the 60 drawn by lot to train": 90}
    assert made.card["random_sample"]["texts"] == 50


def test_starter_codings_are_added_with_their_weight(rows, starter):
    few = [row for row in rows if row.draw == "active"][:24]
    made = train(few, BOOK, trained_at=NOW, starter=starter[100:], settings=QUICK)
    assert made.card["data"]["starter"]["codings"] >= 90  # those that are among the own ones count there
    assert len(made.training) == 24
    assert made.out_of_fold.shape == (24, 2)
    assert made.card["cross_validation"]["texts"] == 24


def test_own_codings_of_one_value_are_said_to_be(rows, starter):
    few = [row for row in rows if row.draw == "active" and row.value == "nationalist"][:12]
    card = train(few, BOOK, trained_at=NOW, starter=starter, settings=QUICK).card
    assert any("All own codings are nationalist" in limit for limit in card["limits"])


def test_starter_codings_alone_are_judged_on_random_ones(rows, starter):
    audit = [replace(row, text=f"{row.text} Indeed.") for row in rows if row.draw == "random"]
    made = train(audit, BOOK, trained_at=NOW, starter=starter, settings=QUICK)
    assert len(made.training) == 0
    assert made.card["random_sample"]["texts"] == 50
    assert any("starter codings alone" in limit for limit in made.card["limits"])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"draw": "random"}, "all 200 usable codings were drawn at random .* they evaluate and never train. Code"),
        ({"origin": "machine"}, r"no codings to train framing on \(200 labelled by a machine\); code some texts"),
        ({"text": " "}, r"no codings to train framing on \(200 without a text\)"),
        (
            {"value": "both", "draw": ""},
            "can't be split so that both sides of both heads can be learnt; code more texts",
        ),
        ({"value": "good"}, "unknown value 'good' of framing; write one of nationalist"),
        ({"text": "the same"}, r"all 50 usable codings were .* \(150 of a text in the random sample\)"),
    ],
)
def test_codings_that_can_t_train_are_refused_in_words(rows, change, match):
    with pytest.raises(ValueError, match=match):
        train([replace(row, **change) for row in rows], BOOK, trained_at=NOW, settings=QUICK)


def test_hard_codings_still_train(rows):
    """Three of a value, contradictions, duplicates, a huge text, NUL, one group, one language that nobody told."""
    own = [replace(row, draw="", group="one", lang="", source="") for row in rows if row.value != "both"][:100]
    hard = [
        *own,
        *(replace(row, text=f"{row.text} Both.", value="both") for row in own[:3]),
        *(replace(row, value="neither", coder="second") for row in own[:10]),
        own[20], own[20], own[21],
        replace(own[30], text=f"{own[30].text} " * 2000),
        replace(own[31], text=f"{own[31].text}\0\0"),
        replace(own[32], text="?!"),
    ]  # fmt: skip
    made = train(hard, BOOK, trained_at=NOW, settings=QUICK)
    assert made.card["data"]["contradictions"]["texts"] >= 5
    assert made.card["data"]["training"]["values"]["both"] == 3
    assert made.card["settings"]["split"] == "cluster" or made.card["notes"]
    assert np.isfinite(says(made.classifier)([("", own[0].text, "")])).all()


def test_one_value_of_four_that_nobody_coded(rows):
    own = [replace(row, draw="") for row in rows if row.value in {"nationalist", "universalist"}]
    card = train(own, BOOK, trained_at=NOW, settings=QUICK).card
    assert card["data"]["training"]["values"]["neither"] == 0
    assert card["cross_validation"]["figures"]["macro_f1"]["value"] > 0.4


def test_names_are_taken_out_before_training(rows):
    """A name that tells the value is learnt, unless it is masked."""
    mark = {"nationalist": "Zarqun", "universalist": "Bilqar", "both": "Zarqun Bilqar", "neither": "Nobod"}
    told = [replace(row, draw="", text=f"{mark[row.value]} {row.text}") for row in rows]

    def f1(prepare):
        card = train(told, BOOK, trained_at=NOW, settings=replace(QUICK, prepare=prepare)).card
        return card["cross_validation"]["figures"]["macro_f1"]["value"]

    assert f1(str) > f1(Mask([word for words in mark.values() for word in words.split()])) + 0.1


def test_a_targeted_codebook_goes_the_same_way():
    book = codebook_of("criticism")
    words = {
        "hostile": "they lied and betrayed",
        "neutral": "a delegation of them arrived",
        "supportive": "we thank them",
    }
    own = [CodingRow(f"{words[v]} number{i}", v, target="north") for i in range(30) for v in book.names]
    card = train(own, book, trained_at=NOW, settings=QUICK).card
    assert card["cross_validation"]["figures"]["macro_f1"]["value"] > 0.9
    assert set(card["confusion"]) == {"supportive", "hostile"}


def test_examine_takes_random_codings_where_there_are_any(rows, made):
    options = {"training_balance": 0.0, "base_rates": np.array([0.5, 0.5]), "replicates": 50}
    found = examine(rows, says(made.classifier), BOOK, **options)
    assert (found["comparable"], found["texts"]) == (True, 50)
    same = made.card["random_sample"]["figures"]["macro_f1"]["value"]
    assert found["figures"]["macro_f1"]["value"] == pytest.approx(same)
    rest = [row for row in rows if row.draw != "random"]
    found = examine(rest, says(made.classifier), BOOK, **options)
    assert not found["comparable"]
    assert "too good if the model learnt from them" in found["evaluation"]
    with pytest.raises(ValueError, match=r"no codings to evaluate on \(1 labelled by a machine\)"):
        examine([replace(rows[0], origin="machine")], says(made.classifier), BOOK, **options)


def test_the_same_codings_make_the_same_model(rows):
    one, two = (train(rows, BOOK, trained_at=NOW, settings=QUICK) for _ in range(2))
    assert one.card == two.card
    assert np.array_equal(one.classifier.coef_, two.classifier.coef_)


@pytest.mark.parametrize(("simple", "said"), [(0.7, True), (0.5, False)])
def test_a_card_says_where_the_plain_baseline_does_better(made, simple, said):
    judged = {"figures": {"macro_f1": {"value": 0.6}}, "baselines": {PLAIN: {"macro_f1": simple}}}
    limits = _limits(None, judged, made.training, made.training)
    assert any("plain baseline does better here: macro-F1 0.700 against 0.600" in limit for limit in limits) == said
