import multiprocessing
import random
import shutil
from datetime import UTC, datetime

import pytest

from pipeline.framing import promote as promote_module
from pipeline.framing.model import ensure_model, keep_loaded
from pipeline.framing.promote import (
    COMPARED_WITH,
    Changed,
    PromotionError,
    card_in_words,
    check,
    decisions,
    gates,
    promote_model,
    reject_model,
    roll_back,
    standings,
)
from pipeline.settings import Settings
from pipeline.store.models import history, model_in_force, model_named
from pipeline.store.session import engine_for, open_session

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def _figure(verdict, new=0.7, old=0.7, interval=(-0.1, 0.1)):
    return {"new": new, "old": old, "difference": new - old, "interval": interval, "verdict": verdict}


def _card(incumbent="old", **figures):
    made = {"macro_f1": _figure("not worse")} | figures
    return {COMPARED_WITH: incumbent, "comparison": {"figures": made}}


@pytest.mark.parametrize(
    ("card", "incumbent", "gain", "refused"),
    [
        (_card(), "old", 0.0, []),
        (_card(brier=_figure("too few codings to tell")), "old", 0.0, []),
        (_card(), "newer", 0.0, ["it was compared with old, and newer is in force by now; retrain"]),
        (_card(), None, 0.0, ["it was compared with old, and none is in force by now; retrain"]),
        (_card(None), None, 0.0, []),
        (
            _card(gap_error=_figure("worse", 0.3, 0.1, (0.1, 0.3))),
            "old", 0.0, ["gap_error is worse: 0.300 against 0.100 (+0.100 to +0.300)"],
        ),
        (_card(macro_f1=_figure("better", 0.75)), "old", 0.04, []),
        (_card(macro_f1=_figure("better", 0.75)), "old", 0.06, ["macro_f1 gains +0.050, and 0.060 was asked for"]),
        ({COMPARED_WITH: "old", "comparison": None}, "old", 0.0, []),
        (
            {COMPARED_WITH: "old", "comparison": None},
            "old", 0.01, ["nothing shows the gain that was asked for: there are no random codings"],
        ),
    ],
)  # fmt: skip
def test_gates(card, incumbent, gain, refused):
    assert gates(card, incumbent, minimum_gain=gain) == refused


def _models(settings: Settings, *names: str) -> str:
    """Copies of the starter model under other names, each compared with it; returns the starter model's name."""
    _, starter = ensure_model(settings, "framing")
    for name in names:
        shutil.copytree(settings.models / starter.name, settings.models / name)
        with open_session(settings) as session:
            row = keep_loaded(session, type(starter)(**vars(starter) | {"name": name}))
            row.card = row.card | {COMPARED_WITH: starter.name}
            session.commit()
    return starter.name


def _in_force(settings: Settings) -> str:
    with open_session(settings) as session:
        return model_in_force(session, "framing").name


@pytest.fixture
def settings(short_starter, settings):
    return settings


def test_promoted_by_hand_rolled_back_again_and_again_and_to_a_named_one(settings):
    starter = _models(settings, "b", "c")
    assert promote_model(settings, "b", person="ana", comment="better") == Changed("b", starter)
    with pytest.raises(PromotionError, match="b is in force already"):
        promote_model(settings, "b", person="ana", comment="again")
    with pytest.raises(PromotionError, match=f"c is refused: it was compared with {starter}, and b is in force by now"):
        promote_model(settings, "c", person="ana", comment="late")
    with open_session(settings) as session:
        row = model_named(session, "c")
        row.card = row.card | {COMPARED_WITH: "b"}
        session.commit()
    promote_model(settings, "c", person="ana", comment="even better")
    assert roll_back(settings, "framing", person="ben", comment="odd").sentence() == "b is in force now, instead of c"
    assert roll_back(settings, "framing", person="ben", comment="odd too").name == starter
    with pytest.raises(PromotionError, match=f"no framing model was in force before {starter}"):
        roll_back(settings, "framing", person="ben", comment="?")
    assert roll_back(settings, "framing", person="ben", comment="c was right", to="c").name == "c"
    with pytest.raises(PromotionError, match="c is in force already"):
        roll_back(settings, "framing", person="ben", comment="?", to="c")
    with pytest.raises(PromotionError, match=r"d was never in force; `riftwatch model promote d`"):
        roll_back(settings, "framing", person="ben", comment="?", to="d")
    with open_session(settings) as session:
        steps = history(session, "framing")
        assert [s.model.name for s in steps] == [starter, "b", "c", "b", starter, "c"]
        assert [s.promotion.person for s in steps] == [None, "ana", "ana", "ben", "ben", "ben"]
        assert standings(session) == {"c": "in force", "b": "was in force", starter: "was in force"}
        assert model_named(session, "b").rejection == "rolled back: odd too"
        assert model_named(session, "c").rejection is None
    words = card_in_words(settings, "b")
    assert f"put in force instead of {starter} (ana): better" in words
    assert "rolled back: odd too" in words
    assert [p["instead_of"] for p in decisions(settings, "b")["promotions"]] == [starter, "c"]


def test_a_model_is_refused_whose_folder_was_changed_or_is_gone(settings):
    starter = _models(settings, "b", "c")
    card = settings.models / "b" / "card.json"
    card.write_text(card.read_text() + " ")
    refused = check(settings, "b")
    assert "b can't be put in force" in refused[0]
    assert "card.json was changed" in refused[0]
    with open_session(settings) as session:
        assert model_named(session, "b").rejection.startswith("refused: b can't be put in force")
    with pytest.raises(PromotionError, match=r"card\.json was changed"):
        promote_model(settings, "b", person="ana", comment="c")
    promote_model(settings, "c", person="ana", comment="c")
    with pytest.raises(PromotionError, match="there is no model x; the newest are c, b, "):
        promote_model(settings, "x", person="ana", comment="c")
    # the starter model's folder can be made again, so its loss is no hindrance
    shutil.rmtree(settings.models / starter)
    assert roll_back(settings, "framing", person="ben", comment="odd").name == starter


def test_a_roll_back_to_a_damaged_model_names_the_one_before(settings):
    starter = _models(settings, "b", "c")
    promote_model(settings, "b", person="ana", comment="c")
    with open_session(settings) as session:
        row = model_named(session, "c")
        row.card = row.card | {COMPARED_WITH: "b"}
        session.commit()
    promote_model(settings, "c", person="ana", comment="c")
    shutil.rmtree(settings.models / "b")
    with pytest.raises(PromotionError, match=f"b: no such model folder; before that was {starter}: --to {starter}"):
        roll_back(settings, "framing", person="ben", comment="odd")
    assert _in_force(settings) == "c"


def test_rejecting_by_hand(settings):
    starter = _models(settings, "b")
    reject_model(settings, "b", why="rejected by ana: no")
    with open_session(settings) as session:
        assert standings(session) == {"b": "rejected", starter: "in force"}
    assert check(settings, "b") == ["rejected by ana: no"]
    with pytest.raises(PromotionError, match=f"{starter} is in force; `riftwatch model rollback`"):
        reject_model(settings, starter, why="no")
    promote_model(settings, "b", person="ben", comment="a person may change their mind")
    assert _in_force(settings) == "b"


# Real processes: forked from a server that has everything imported, so that a killed one costs milliseconds.


def _swing(settings: Settings, names: list[str], ready) -> None:
    """Put one model in force after the other until killed. The folders are sound, and not looked at each time."""
    promote_module._require_sound = lambda *_: None
    current = _in_force(settings)
    while True:
        current = names[1 - names.index(current)]
        roll_back(settings, "framing", person="x", comment="c", to=current)
        ready.set()


def _promote(settings: Settings, name: str, together, said) -> None:
    try:
        together.wait(60)
        said.put((name, promote_model(settings, name, person=name, comment="c").sentence()))
    except PromotionError as error:
        said.put((name, f"told: {error}"))


@pytest.fixture
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.framing.test_promote"])
    return context


def test_killed_at_any_moment_the_old_or_the_new_model_is_in_force(store_settings, short_starter, processes):
    starter = _models(store_settings, "b")
    promote_model(store_settings, "b", person="ana", comment="c")
    engine_for(store_settings.database).dispose()
    moments = random.Random(20090919)  # noqa: S311 (no secret)
    changes = 2
    for _ in range(12):
        ready = processes.Event()
        child = processes.Process(target=_swing, args=(store_settings, ["b", starter], ready))
        child.start()
        assert ready.wait(60)
        child.join(moments.uniform(0, 0.1))
        child.kill()
        child.join()
        with open_session(store_settings) as session:
            steps = history(session, "framing")
            assert model_in_force(session, "framing").name == steps[-1].model.name in {"b", starter}
            for step in steps[1:]:
                assert step.promotion.previous_id == step.previous.id != step.model.id
            # of the one that was put out of force it is known why, in the same moment
            if len(steps) > 2:
                assert steps[-1].previous.rejection == "rolled back: c"
                assert steps[-1].model.rejection is None
            assert len(steps) > changes, "it was killed while it worked, not before"
            changes = len(steps)


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(store_settings, short_starter, processes):
    starter = _models(store_settings, "b", "c")
    engine_for(store_settings.database).dispose()
    together, said = processes.Barrier(2), processes.Queue()
    children = [processes.Process(target=_promote, args=(store_settings, name, together, said)) for name in "bc"]
    for child in children:
        child.start()
    answers = dict(said.get(timeout=60) for _ in children)
    for child in children:
        child.join(30)
    winner = _in_force(store_settings)
    loser = {"b": "c", "c": "b"}[winner]
    assert answers[winner] == f"{winner} is in force now, instead of {starter}"
    assert (
        answers[loser]
        == f"told: {loser} is refused: it was compared with {starter}, and {winner} is in force by now; retrain"
    )
    with open_session(store_settings) as session:
        assert [s.model.name for s in history(session, "framing")] == [starter, winner]
