import hashlib
import json

import pytest
from sqlalchemy import select, update

from classifiers.codebook import codebook_of
from classifiers.coding.examples import sort_codings
from classifiers.model.model_folder import OtherFormatError
from classifiers.starter import load_starter
from classifiers.training.train import Training
from pipeline.framing import retrain as retrain_module
from pipeline.framing import starter as starter_module
from pipeline.framing.approval import NOBODY_ANSWERED, approval_page, approved, concluded, propose
from pipeline.framing.model import ensure_model
from pipeline.framing.promote import COMPARED_WITH, promote_model, standing
from pipeline.framing.retrain import enough_new_codings, retrain, rows_of
from pipeline.monitor import Monitor
from pipeline.store.models import model_in_force, model_named
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Coding, Document, Model, Promotion, Run
from pipeline.store.training import coded_texts, copies_of_coded
from tests.framing.coded import add_coded

ANA = {"id": "7", "name": "ana"}


@pytest.fixture(autouse=True)
def quick(short_starter, monkeypatch):
    """A small starter, and no learning curve: what is tested is the way, not the figures."""
    monkeypatch.setattr(retrain_module, "load_starter", lambda _book: short_starter)
    monkeypatch.setattr(retrain_module, "HOW", Training(curve_repeats=0, replicates=200, folds=2))


def _answer(option, comment="", user=ANA):
    return {"chosen_options": [option], "params_input": {"comment": comment}, "responded_by_user": user}


def _row(settings, name) -> Model:
    with open_session(settings) as session:
        return model_named(session, name)


def test_codings_become_a_model_that_waits_is_approved_and_is_not_trained_again(store_settings, monitor):
    trained_on = add_coded(store_settings, 60, "active")
    add_coded(store_settings, 60, "random", first=1000)
    add_coded(store_settings, 30, "active", first=2000, origin="machine")
    _, starter = ensure_model(store_settings, "framing")
    made = retrain(store_settings, "framing", monitors=[monitor], note="after | the\nconference")
    assert (made.report.found, made.report.new, made.report.problems) == (120, 1, ())
    assert made.said.startswith(f"{made.model} waits for a decision; better: macro-F1 ")
    assert (standing(store_settings, made.model), standing(store_settings, starter.name)) == ("waiting", "in force")
    row = _row(store_settings, made.model)
    assert (row.card["codings"], row.card["comparison"]["texts"], row.card[COMPARED_WITH]) == (60, 60, starter.name)
    assert (store_settings.models / made.model / "card.md").read_text().startswith("# framing model")
    assert len(trained_on) == 60

    # broken off after training: the same model, not another
    again = retrain(store_settings, "framing", monitors=[monitor])
    assert (again.model, again.report.new) == (made.model, 0)

    page = propose(store_settings, made.model)
    for words in (made.model, starter.name, "| macro-F1 |", "Limits:", "after \\| the conference", "*Approve*"):
        assert words in page
    said = approved(store_settings, made.model, _answer("Approve", "well done"))
    assert said == f"{made.model} is in force now, instead of {starter.name}; approved by ana"
    assert approved(store_settings, made.model, _answer("Approve")) == f"{made.model} is in force"  # the task again
    with open_session(store_settings) as session:
        promotion = session.scalars(select(Promotion).order_by(Promotion.id.desc())).first()
        assert (promotion.person, promotion.comment) == ("ana", "well done")
        assert promotion.evidence["comparison"]["verdict"] == "better"
        jobs = session.scalars(select(Run.job)).all()
    assert jobs == ["retrain framing"] * 2
    assert concluded(store_settings, made.model, _answer("Approve")) == f"{made.model}: in force"
    assert ensure_model(store_settings, "framing")[1].name == made.model

    third = retrain(store_settings, "framing", monitors=[monitor])
    assert (third.model, third.report.problems) == (None, ())
    assert "was trained on these very codings and is in force" in third.said


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_answer("Reject", "too few letters"), "rejected by ana: too few letters"),
        (_answer("Reject", "", None), NOBODY_ANSWERED),
    ],
    ids=["rejected", "nobody answered"],
)
def test_rejected_and_unanswered_models_say_why_and_are_not_offered_again(settings, monitor, answer, why):
    add_coded(settings, 40, "active")
    made = retrain(settings, "framing", monitors=[monitor])
    assert "not comparable with the model in force: cross-validated" in made.said
    page = propose(settings, made.model)
    assert "**not comparable**" in page
    assert "| macro_f1 |" in page
    assert concluded(settings, made.model, answer) == f"{made.model}: rejected ({why})"
    assert _row(settings, made.model).rejection == why
    again = retrain(settings, "framing", monitors=[monitor])
    assert (again.model, again.report.new) == (None, 0)
    assert f"was not promoted: {why}" in again.said
    # other codings, other folds: another model
    assert retrain(settings, "framing", monitors=[monitor], seed=1).model not in {None, made.model}


def test_a_model_in_force_of_another_version_can_be_trained_again_without_a_comparison(settings, monitor):
    add_coded(settings, 40, "active")
    add_coded(settings, 20, "random", first=1000)
    first = retrain(settings, "framing", monitors=[monitor])
    promote_model(settings, first.model, person="ana", comment="good")
    folder = settings.models / first.model
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(about | {"format": 1}))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["model.json"] = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with open_session(settings) as session:
        model_named(session, first.model).sha256 = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
        session.commit()
    with pytest.raises(OtherFormatError, match=r"train it again; or put framing-starter-\w+ in force again"):
        ensure_model(settings, "framing")
    again = retrain(settings, "framing", monitors=[monitor])
    assert "not comparable with the model in force" in again.said
    promote_model(settings, again.model, person="ana", comment="of this version")
    assert ensure_model(settings, "framing")[1].name == again.model


def test_a_copy_of_a_random_coding_in_another_monitor_does_not_train(settings, monitor):
    (audited,) = add_coded(settings, 1, "random")
    (other,) = add_coded(settings, 1, "active", monitor="n", first=50)
    with open_session(settings) as session:  # nobody coded this copy, whose text is another; it ties the two together
        copy = {c.name: getattr(session.get(Document, audited), c.name) for c in Document.__table__.columns}
        same = session.get(Document, other)
        words = {"text": same.text, "text_digest": same.text_digest, "address": "http://x.example/copy"}
        session.add(Document(**{name: value for name, value in copy.items() if name != "id"} | words))
        session.commit()
        coded, copies = list(coded_texts(session, "framing")), copies_of_coded(session, "framing")
    monitors = {"m": monitor, "n": monitor.model_copy(update={"name": "n"})}
    made = sort_codings(rows_of(coded, monitors, codebook_of("framing"), copies)[0])
    assert (len(made.training), len(made.audit)) == (0, 1)


def test_without_a_persons_answer_nothing_is_put_in_force(settings, monitor):
    add_coded(settings, 40, "active")
    made = retrain(settings, "framing", monitors=[monitor])
    assert approved(settings, made.model, None) is None
    # the task of a model that a person rejected, started again by hand
    assert approved(settings, made.model, _answer("Reject")) is None
    assert standing(settings, made.model) == "waiting"
    assert concluded(settings, made.model, None) == f"{made.model}: waiting"
    assert concluded(settings, None, None) == "no model to decide on"


def test_the_incumbent_that_changed_while_a_person_thought_is_an_end(settings, monitor):
    add_coded(settings, 40, "active")
    first = retrain(settings, "framing", monitors=[monitor])
    second = retrain(settings, "framing", monitors=[monitor], seed=1)
    promote_model(settings, second.model, person="ben", comment="quick")
    assert approved(settings, first.model, _answer("Approve")) is None
    said = concluded(settings, first.model, _answer("Approve"))
    assert said.startswith(f"{first.model}: rejected (approved by ana, but refused")
    assert f"{second.model} is in force by now; retrain" in said
    # against the new incumbent the same codings are another question
    third = retrain(settings, "framing", monitors=[monitor])
    assert third.model not in {first.model, second.model, None}


def test_a_worse_model_is_refused_by_the_gate(settings, monitor):
    add_coded(settings, 60, "active")
    add_coded(settings, 60, "random", first=1000)
    good = retrain(settings, "framing", monitors=[monitor])
    promote_model(settings, good.model, person="ana", comment="good")
    add_coded(settings, 400, "active", first=3000, wrong=True)
    bad = retrain(settings, "framing", monitors=[monitor])
    assert "worse: macro-F1" in bad.said
    assert propose(settings, bad.model) is None
    assert "macro_f1 is worse" in _row(settings, bad.model).rejection
    assert concluded(settings, bad.model, None).startswith(f"{bad.model}: rejected (refused: ")
    assert standing(settings, good.model) == "in force"


@pytest.mark.parametrize("number", [0, 19])
def test_too_few_codings_are_refused_in_words(settings, monitor, number):
    add_coded(settings, number, "active")
    add_coded(settings, 30, "random", first=1000)
    made = retrain(settings, "framing", monitors=[monitor])
    assert made.model is None
    assert made.report.found == number + 30
    assert f"{number} different texts that were not drawn at random are coded, and 20 are needed" in made.said
    assert made.report.problems == (made.said,)


def test_codings_of_one_value_only_and_of_unknown_monitors_are_told(settings, monitor):
    add_coded(settings, 40, "active", value="neither")
    add_coded(settings, 5, "active", first=500, value="perhaps")
    add_coded(settings, 7, "active", first=600, monitor="elsewhere")
    made = retrain(settings, "framing", monitors=[monitor])
    assert made.model is not None  # the starter codings have the other values
    assert any("7 codings of elsewhere are left out: no monitor file here" in p for p in made.report.problems)
    assert any("5 codings say 'perhaps'" in p for p in made.report.problems)


def test_the_same_codings_stored_in_another_order_make_the_same_model(settings, tmp_path, monitor):
    add_coded(settings, 40, "active")
    first = retrain(settings, "framing", monitors=[monitor])
    other = type(settings)(data=tmp_path / "other", database_url="")
    add_coded(other, 20, "active", first=20)
    add_coded(other, 20, "active")
    second = retrain(other, "framing", monitors=[monitor])
    assert second.model == first.model
    arrays = [(s.models / first.model / "arrays.npz").read_bytes() for s in (settings, other)]
    assert arrays[0] == arrays[1]
    engine_for(other.database).dispose()


def test_names_are_taken_out_clusters_and_the_same_text_in_two_monitors_are_one_and_random_ones_never_train(
    settings, monitor
):
    other = Monitor.model_validate(monitor.model_dump(mode="json") | {"name": "n"})
    active = add_coded(settings, 24, "active")
    random = add_coded(settings, 8, "random", first=0, monitor="n")  # the same texts as the first eight
    with open_session(settings) as session:
        mention = "Aurin Front says: the FRONT guards the wells."
        session.execute(update(Document).where(Document.id == active[20]).values(text=mention, text_digest="x"))
        # a repost: another text of the cluster of a random one
        cluster = session.get_one(Document, active[9]).cluster_id
        session.execute(update(Document).where(Document.id == active[10]).values(cluster_id=cluster))
        session.execute(update(Coding).where(Coding.document_id == active[9]).values(draw="random", probability=0.25))
        session.commit()
        coded = list(coded_texts(session, "framing"))
    rows, problems = rows_of(coded, {"m": monitor, "n": other}, codebook_of("framing"))
    assert (len(rows), problems) == (32, [])
    assert not any("front" in row.text for row in rows)
    assert {row.weight for row in rows if row.draw == "random"} == {2.0, 4.0}
    used = sort_codings(rows)
    assert len(used.audit) == len(random) + 1
    assert len(used.training) == 24 - 8 - 2
    assert {row.group for row in rows} == {"m: a", "m: b", "n: a", "n: b"}
    assert {row.group for row in rows_of(coded[:24], {"m": monitor}, codebook_of("framing"))[0]} == {"a", "b"}


def test_a_settling_coding_counts_alone(settings, monitor):
    add_coded(settings, 24, "active")
    for coder, columns in (("ben", {}), ("cy", {"settles": True})):
        with open_session(settings) as session:
            for coding in session.scalars(select(Coding).where(Coding.coder == "ada").limit(6)):
                kept = {c.name: getattr(coding, c.name) for c in Coding.__table__.columns if c.name != "id"}
                session.add(Coding(**kept | {"coder": coder, "value": "both"} | columns))
            session.commit()
    with open_session(settings) as session:
        rows, _ = rows_of(list(coded_texts(session, "framing")), {"m": monitor}, codebook_of("framing"))
    used = sort_codings(rows).training
    assert len(used) == 24
    assert sum(row.coder == "cy" for row in used.rows) == 6


def test_new_codings_are_counted_since_the_last_training(settings, monitor):
    add_coded(settings, 30, "active")
    few = settings.model_copy(update={"retrain_after": 30})
    assert enough_new_codings(few, "framing") == (True, "30 new codings of framing, 30 start a retraining")
    assert not enough_new_codings(settings, "framing")[0]
    assert not enough_new_codings(few, "criticism")[0]
    retrain(settings, "framing", monitors=[monitor])
    assert enough_new_codings(few, "framing")[1].startswith("0 new codings")
    add_coded(settings, 31, "random", first=1000)
    add_coded(settings, 9, "active", first=2000, origin="machine")
    assert enough_new_codings(few, "framing") == (True, "31 new codings of framing, 30 start a retraining")


def test_what_a_person_is_shown_survives_what_people_write():
    card = {
        "trained_on": "1", "evaluation": "e", "comparison": None, "cross_validation": None,
        "limits": ["<script>alert(1)</script> | x"], "note": "a|b\n# c",
    }  # fmt: skip
    page = approval_page("m", card, None)
    assert "instead of **no model**" in page
    assert "&lt;script>" in page
    assert "\n# c" not in page


def test_towards_a_group_the_passages_that_name_it_are_learnt_with_its_name_marked(settings, monitor):
    book = codebook_of("criticism")
    ids = add_coded(settings, 8, "active", variable="criticism", value="hostile", target="b")
    filler = " ".join(["words"] * 60)
    text = f"{filler} of Aurin Front.\n\n{filler} the Belt League has lied to Aurin Front.\n\n{filler} about nobody."
    with open_session(settings) as session:
        session.execute(update(Document).where(Document.id == ids[0]).values(text=text, text_digest="x"))
        session.execute(update(Coding).where(Coding.document_id == ids[1]).values(target="gone"))
        session.commit()
        coded = list(coded_texts(session, "criticism"))
    rows, problems = rows_of(coded, {"m": monitor}, book)
    assert rows[0].text.count("words") == 60
    assert rows[0].text.endswith("the thisgroup has lied to .")
    assert [row.text for row in rows[1:]] == [""] * 7, "texts that don't name the group"
    assert problems == ["codings towards gone are left out: no monitor has such a group"]
    assert len(sort_codings(rows).training) == 1


def test_a_targeted_codebook_is_retrained_the_same_way(settings, monitor, monkeypatch):
    said = {"hostile": "lied, sold and betrayed", "supportive": "kept faith and helped", "neutral": "met on a day"}
    monkeypatch.setattr(retrain_module, "load_starter", lambda book: load_starter(book)[:90])
    monkeypatch.setattr(starter_module, "load_starter", lambda book: load_starter(book)[:90])
    for draw, number in (("active", 30), ("random", 1000)):
        ids = add_coded(settings, 30, draw, first=number, variable="criticism", target="b")
        with open_session(settings) as session:
            for i, document_id in enumerate(ids):
                value, words = list(said.items())[i % 3]
                text = f"In place {number + i} the Belt League {words}."
                change = update(Document).where(Document.id == document_id)
                session.execute(change.values(text=text, text_digest=f"{number}{i}"))
                session.execute(update(Coding).where(Coding.document_id == document_id).values(value=value))
            session.commit()
    made = retrain(settings, "criticism", monitors=[monitor])
    assert made.model.startswith("criticism-")
    assert made.report.problems == ()
    compared = _row(settings, made.model).card["comparison"]
    assert compared["figures"]["macro_f1"]["new"] > 0.9
    assert approved(settings, made.model, _answer("Approve", "yes")).endswith("approved by ana")
    with open_session(settings) as session:
        assert model_in_force(session, "criticism").name == made.model
        assert model_in_force(session, "framing") is None
