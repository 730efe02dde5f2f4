import hashlib
import json
import re
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from classifiers.codebook import codebook_of
from classifiers.model.model_folder import ModelFolderError
from pipeline.framing.model import ensure_model, keep_loaded, promoted_model
from pipeline.framing.starter import open_model, starter_name
from pipeline.store.models import history, promote
from pipeline.store.session import open_session
from pipeline.store.tables import Model, Promotion


def _count(settings, table) -> int:
    with open_session(settings) as session:
        return session.scalar(select(func.count()).select_from(table))


@pytest.mark.usefixtures("short_starter")
def test_the_first_call_trains_and_promotes_the_starter_model_once(store_settings, caplog):
    caplog.set_level("INFO")
    with pytest.raises(LookupError, match="riftwatch frame"):
        promoted_model(store_settings, "framing")
    model_id, model = ensure_model(store_settings, "framing")
    assert re.fullmatch(r"framing-starter-[0-9a-f]{8}", model.name)
    assert f"promoted {model.name}" in caplog.text
    assert not [r for r in caplog.records if r.levelname == "WARNING"]
    assert ensure_model(store_settings, "framing")[0] == model_id
    assert promoted_model(store_settings, "framing").sha256 == model.sha256
    assert (_count(store_settings, Model), _count(store_settings, Promotion)) == (1, 1)
    with open_session(store_settings) as session:
        row = session.get_one(Model, model_id)
        assert row.confusion["nationalist"].keys() == {"prior", "mean_positive", "mean_negative", "tpr", "fpr"}
        assert -0.2 < row.training_balance < 0.2
        assert row.card["figures"]["macro_f1"] > row.card["figures"]["majority_macro_f1"]
        assert row.card["languages"] == ["en"]


@pytest.mark.usefixtures("short_starter")
def test_several_at_once_end_with_one_model(store_settings):
    with open_session(store_settings):
        pass  # migrations first: what is tested is the training
    found, errors = [], []
    together = threading.Barrier(3)

    def work():
        together.wait()
        try:
            found.append(ensure_model(store_settings, "framing"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len({(model_id, model.sha256) for model_id, model in found}) == 1
    assert (_count(store_settings, Model), _count(store_settings, Promotion)) == (1, 1)
    assert [p.name for p in store_settings.models.iterdir()] == [found[0][1].name]


@pytest.mark.usefixtures("short_starter")
def test_a_starter_model_whose_folder_was_lost_comes_back(settings, caplog):
    before = ensure_model(settings, "framing")
    shutil.rmtree(settings.models)
    after = ensure_model(settings, "framing")
    assert (after[0], after[1].sha256) == (before[0], before[1].sha256)
    assert "is made again from the starter codings" in caplog.text
    shutil.rmtree(settings.models)
    assert promoted_model(settings, "framing").sha256 == before[1].sha256


@pytest.mark.usefixtures("short_starter")
def test_a_model_in_force_that_was_changed_is_refused(settings):
    _, model = ensure_model(settings, "framing")
    card = settings.models / model.name / "card.json"
    card.write_text(card.read_text() + " ")
    with pytest.raises(ModelFolderError, match=r"card\.json was changed.*remove the folder: the starter model"):
        ensure_model(settings, "framing")
    shutil.rmtree(settings.models / model.name)
    assert ensure_model(settings, "framing")[1].sha256 == model.sha256


@pytest.mark.usefixtures("short_starter")
def test_killed_between_folder_and_promotion_goes_on(settings):
    _, model = ensure_model(settings, "framing")
    with open_session(settings) as session:
        for table in (Promotion, Model):
            for row in session.scalars(select(table)):
                session.delete(row)
            session.commit()
    assert ensure_model(settings, "framing")[1].sha256 == model.sha256


def _as_an_earlier_version_left_it(settings) -> str:
    """The starter model in force has another name and a folder of a format that is read no more."""
    model_id, model = ensure_model(settings, "framing")
    folder = settings.models / model.name
    earlier = folder.rename(settings.models / "starter-v1-0a1b2c3d")
    about = json.loads((earlier / "model.json").read_text())
    (earlier / "model.json").write_text(json.dumps(about | {"format": 1}))
    manifest = json.loads((earlier / "manifest.json").read_text())
    manifest["model.json"] = hashlib.sha256((earlier / "model.json").read_bytes()).hexdigest()
    (earlier / "manifest.json").write_text(json.dumps(manifest))
    digest = hashlib.sha256((earlier / "manifest.json").read_bytes()).hexdigest()
    with open_session(settings) as session:
        session.execute(update(Model).where(Model.id == model_id).values(name=earlier.name, sha256=digest))
        session.commit()
    return earlier.name


@pytest.mark.usefixtures("short_starter")
def test_an_installation_whose_starter_model_is_of_an_earlier_version_goes_on_by_itself(store_settings, caplog):
    earlier = _as_an_earlier_version_left_it(store_settings)
    model_id, model = ensure_model(store_settings, "framing")
    assert model.name == starter_name(codebook_of("framing"))
    assert f"{earlier} is of an earlier version" in caplog.text
    assert ensure_model(store_settings, "framing")[0] == model_id
    assert promoted_model(store_settings, "framing").sha256 == model.sha256
    with open_session(store_settings) as session:
        steps = history(session, "framing")
    assert [(s.model.name, s.previous and s.previous.name) for s in steps] == [(earlier, None), (model.name, earlier)]
    assert "was made by an earlier one" in steps[1].promotion.comment


@pytest.mark.usefixtures("short_starter")
@pytest.mark.parametrize("lost", [True, False], ids=["lost", "changed"])
def test_an_earlier_starter_model_is_replaced_when_it_is_lost_but_not_when_it_was_changed(settings, lost):
    earlier = settings.models / _as_an_earlier_version_left_it(settings)
    if lost:
        shutil.rmtree(earlier)
        assert ensure_model(settings, "framing")[1].name == starter_name(codebook_of("framing"))
        return
    (earlier / "card.json").write_text("{}")
    with pytest.raises(ModelFolderError, match=r"starter-v1-0a1b2c3d"):
        ensure_model(settings, "framing")


@pytest.mark.usefixtures("short_starter")
def test_a_damaged_model_names_the_roll_back(settings):
    _, starter = ensure_model(settings, "framing")
    shutil.copytree(settings.models / starter.name, settings.models / "second")
    with open_session(settings) as session:
        second = keep_loaded(session, replace(starter, name="second"))
        promote(session, second, promoted_at=datetime.now(UTC), comment="test")
        session.commit()
    assert ensure_model(settings, "framing")[1].name == "second"
    shutil.rmtree(settings.models / "second")
    with pytest.raises(
        ModelFolderError, match=rf"second: no such .*put {starter.name} in force again: `riftwatch model"
    ):
        ensure_model(settings, "framing")


@pytest.mark.usefixtures("short_starter")
def test_an_encoder_named_in_the_settings_stands_beside_words_and_is_asked_for_again(settings, caplog):
    spec = "tests.classifiers.toy_encoder:lengths"
    with_encoder = settings.model_copy(update={"encoder": spec})
    _, model = ensure_model(with_encoder, "framing")
    assert model.classifier.encoder == spec
    assert model.classifier.dense_coef_.shape == (4, 4)
    assert model.name == starter_name(codebook_of("framing"), spec) != starter_name(codebook_of("framing"))
    assert ensure_model(with_encoder, "framing")[1].sha256 == model.sha256
    # a folder does not say what is run: without the setting its encoder is refused
    with pytest.raises(ModelFolderError, match=rf"names the encoder '{spec}', and only"):
        open_model(settings, settings.models / model.name)
