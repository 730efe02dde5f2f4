import re
import shutil
import threading

import pytest
from sqlalchemy import func, select

from classifiers.model_folder import ModelFolderError
from pipeline.framing.model import ensure_model, promoted_model
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
    with pytest.raises(ModelFolderError, match=r"card\.json was changed"):
        ensure_model(settings, "framing")


@pytest.mark.usefixtures("short_starter")
def test_killed_between_folder_and_promotion_goes_on(settings):
    _, model = ensure_model(settings, "framing")
    with open_session(settings) as session:
        for table in (Promotion, Model):
            for row in session.scalars(select(table)):
                session.delete(row)
            session.commit()
    assert ensure_model(settings, "framing")[1].sha256 == model.sha256
