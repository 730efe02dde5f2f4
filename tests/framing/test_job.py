import warnings

import pytest
from sqlalchemy import delete, func, select, update

from pipeline.framing import job, kept
from pipeline.framing.job import frame, mask_of
from pipeline.framing.model import ensure_model
from pipeline.monitor import Monitor
from pipeline.report import Report
from pipeline.store.models import keep_model, promote
from pipeline.store.session import open_session
from pipeline.store.shard import contents
from pipeline.store.tables import Document, Framing, Model, Promotion, Run

pytestmark = pytest.mark.usefixtures("short_starter")


def _framings(settings) -> dict[int, Framing]:
    with open_session(settings) as session:
        return {f.document_id: f for f in session.scalars(select(Framing).where(Framing.target == ""))}


def _counts(report: Report) -> tuple[int, int, int, int, int]:
    return report.found, report.new, report.updated, report.known, report.failed


def test_every_document_gets_a_framing_once(store_settings, monitor, add_documents, short_starter):
    ids = add_documents(store_settings, [c.text for c in short_starter[:20]])
    add_documents(store_settings, ["Another monitor's text about the land."], monitor="other")
    report = frame(store_settings, monitor)
    assert _counts(report) == (20, 20, 0, 0, 0)
    assert report.problems == ()
    framings = _framings(store_settings)
    assert sorted(framings) == ids
    agree = sum(framings[i].label == c.value for i, c in zip(ids, short_starter, strict=False))
    assert agree >= 15  # it has learnt these very texts
    assert all(0 < f.p_first < 1 and 0 < f.p_second < 1 for f in framings.values())
    assert _counts(frame(store_settings, monitor)) == (20, 0, 0, 20, 0)
    with open_session(store_settings) as session:
        assert [r.new for r in session.scalars(select(Run).where(Run.job == "frame").order_by(Run.id))] == [20, 0]


def test_a_changed_text_is_scored_again_and_only_it(settings, monitor, add_documents, short_starter):
    ids = add_documents(settings, [c.text for c in short_starter[:5]])
    frame(settings, monitor)
    before = _framings(settings)
    with open_session(settings) as session:
        session.execute(
            update(Document).where(Document.id == ids[2]).values(text="All people are one.", text_digest="new")
        )
        session.commit()
    assert _counts(frame(settings, monitor)) == (5, 0, 1, 4, 0)
    after = _framings(settings)
    assert after[ids[2]].text_digest == "new"
    assert {i for i in ids if after[i].p_first != before[i].p_first} == {ids[2]}


def test_a_new_alias_makes_all_stale(settings, monitor, add_documents):
    add_documents(settings, ["The people of Ourland speak to the land.", "The people of the land."])
    frame(settings, monitor)
    tree = monitor.model_dump(mode="json")
    tree["groups"][1]["aliases"] = {"en": ["Ourland"]}
    assert _counts(frame(settings, Monitor.model_validate(tree))) == (2, 0, 2, 0, 0)


def test_another_model_in_force_scores_all_and_the_old_framings_stay(settings, monitor, add_documents):
    add_documents(settings, ["The people of the land.", "Workers of all countries."])
    frame(settings, monitor)
    old_id, model = ensure_model(settings, "framing")
    settings.models.joinpath(model.name).rename(settings.models / "second")
    with open_session(settings) as session:
        when = session.scalars(select(Promotion).where(Promotion.variable == "framing")).one().promoted_at
        row = keep_model(
            session, variable="framing", name="second", sha256=model.sha256, trained_at=when, training_balance=0.0,
            confusion={}, card={},
        )  # fmt: skip
        promote(session, row, promoted_at=when, comment="test")
        session.commit()
    assert _counts(frame(settings, monitor)) == (2, 2, 0, 0, 0)
    with open_session(settings) as session:
        assert session.scalar(select(func.count()).select_from(Framing).where(Framing.model_id == old_id)) == 2


def test_names_of_groups_do_not_move_a_score(settings, monitor, add_documents):
    plain = "we of will guard the wells and the people of this land decide"
    texts = [f"{plain}", f"Aurin Front {plain}", f"{plain} the FRONT", f"Belt League {plain} جبهة أورين"]
    ids = add_documents(settings, texts)
    frame(settings, monitor)
    framings = _framings(settings)
    assert len({framings[i].p_first for i in ids}) == 1
    assert mask_of(monitor).names == sorted(mask_of(monitor).names, key=lambda n: -len(n))


def test_killed_in_the_middle_loses_and_doubles_nothing(settings, monitor, add_documents, short_starter, monkeypatch):
    ids = add_documents(settings, [c.text for c in short_starter[:10]])
    monkeypatch.setattr(job, "BATCH", 3)
    batches = []

    def killed(what, done, total):
        batches.append(done)
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        frame(settings, monitor, progress=killed)
    assert len(_framings(settings)) == 6
    assert _counts(frame(settings, monitor)) == (10, 4, 0, 6, 0)
    assert sorted(_framings(settings)) == ids
    assert batches == [0, 3, 6]


def test_a_text_without_a_known_word_has_no_probabilities_and_is_reported_once(settings, monitor, add_documents):
    ids = add_documents(settings, ["日本語の文章", "The people of the land."], language=None)
    report = frame(settings, monitor)
    assert _counts(report) == (2, 1, 0, 0, 1)
    assert "1 texts have no word that framing-starter-" in report.problems[0]
    assert [_framings(settings)[i].label is None for i in ids] == [True, False]
    assert _framings(settings)[ids[0]].p_first is None
    again = frame(settings, monitor)
    assert (_counts(again), again.problems) == ((2, 0, 0, 2, 0), ())
    with open_session(settings) as session:
        session.execute(update(Document).where(Document.id == ids[0]).values(text="All people.", text_digest="new"))
        session.commit()
    assert _counts(frame(settings, monitor)) == (2, 0, 1, 1, 0)
    assert _framings(settings)[ids[0]].label is not None


def test_a_language_that_was_not_learnt_is_reported(settings, monitor, add_documents):
    add_documents(settings, ["on the land de la terre"], language="fr")
    assert "1 texts are in languages the model was not trained on (1 in fr)" in frame(settings, monitor).problems[0]


def test_nothing_collected_yet(settings, monitor, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _counts(frame(settings, monitor)) == (0, 0, 0, 0, 0)
    assert not [r for r in caplog.records if r.levelname in {"WARNING", "ERROR"}]


def _pairs(settings, variable="criticism"):
    with open_session(settings) as session:
        query = select(Framing).join(Model, Model.id == Framing.model_id).where(Model.variable == variable)
        return {(f.document_id, f.target): f for f in session.scalars(query)}


def test_a_targeted_codebook_is_scored_towards_every_group_that_a_text_names(settings, monitor, add_documents):
    blame = "have sold in one season what others guarded for forty years, and nobody gave them the right to speak"
    long = "\n".join(["The harvest was good this year and the roads are dry. " * 8] * 3)
    texts = [
        f"The Belt League {blame}.",
        f"The Aurin Front {blame}.",  # the documents are the Front's own: nobody criticises himself
        "The people of the land.",
        f"{long}\nThe BELT  LEAGUE {blame}.\n{long}",
    ]
    ids = add_documents(settings, texts)
    report = frame(settings, monitor)
    assert _counts(report) == (4, 4, 0, 0, 0)
    made = _pairs(settings)
    assert set(made) == {(ids[0], "b"), (ids[3], "b")}
    assert made[ids[3], "b"].p_first == pytest.approx(made[ids[0], "b"].p_first, abs=0.2)
    with open_session(settings) as session:
        runs = session.scalars(select(Run).where(Run.job == "frame criticism")).all()
    assert [run.new for run in runs] == [2]
    frame(settings, monitor)
    assert {key: f.scored_at for key, f in _pairs(settings).items()} == {key: f.scored_at for key, f in made.items()}


def test_a_group_that_is_named_no_more_has_no_framing(settings, monitor, add_documents):
    (document,) = add_documents(settings, ["We blame the Belt League for everything."])
    frame(settings, monitor)
    assert set(_pairs(settings)) == {(document, "b")}
    tree = monitor.model_dump(mode="json")
    tree["groups"][1]["name"] = "Girdle"
    frame(settings, Monitor.model_validate(tree))
    assert _pairs(settings) == {}


def test_who_speaks_may_be_corrected(store_settings, monitor, add_documents):
    (document,) = add_documents(store_settings, ["We blame the Belt League for everything."])

    def spoken_by(group):
        with open_session(store_settings) as session:
            session.execute(update(Document).values(group_id=group))
            session.commit()
        frame(store_settings, monitor)
        return set(_pairs(store_settings))

    assert spoken_by("a") == {(document, "b")}
    assert spoken_by("b") == set()  # nobody criticises himself
    assert spoken_by("a") == {(document, "b")}


def test_features_are_kept_and_a_new_model_needs_no_text(settings, monitor, add_documents, monkeypatch):
    add_documents(settings, ["The people of the land.", "Workers of all countries.", "The Belt League."])
    frame(settings, monitor)
    first = {key: f.p_first for key, f in _pairs(settings, "framing").items()}
    with open_session(settings) as session:
        session.execute(delete(Framing))
        session.commit()
    monkeypatch.setattr(kept, "featurise", lambda *_, **__: pytest.fail("features were made twice"))
    frame(settings, monitor)
    assert {key: f.p_first for key, f in _pairs(settings, "framing").items()} == first


def test_features_of_a_text_erased_meanwhile_do_not_stay(settings, monitor, add_documents, monkeypatch):
    ids = add_documents(settings, ["The people of the land.", "Workers of all countries."])
    made = kept.featurise

    def erased_meanwhile(*args, **options):
        with open_session(settings) as session:
            session.execute(delete(Document).where(Document.id == ids[0]))
            session.commit()
        return made(*args, **options)

    monkeypatch.setattr(kept, "featurise", erased_meanwhile)
    assert _counts(frame(settings, monitor))[1] == 1
    shards = list(settings.features.rglob("*.npz"))
    assert shards
    assert {d for shard in shards for d in contents(shard).documents.tolist()} == {ids[1]}
