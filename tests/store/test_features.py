import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest

from classifiers.text.features import featurise
from pipeline.store import features as module
from pipeline.store.features import FeatureStore, forget, forget_erased, remove_unused
from pipeline.store.session import open_session
from pipeline.store.tables import Document

TEXTS = {1: "the people of the land", 2: "workers of all countries", 3: "", 4: "land " * 400}
NOW = datetime(2024, 1, 1, tzinfo=UTC)


def _open(root, digest="d" * 64, monitor="m"):
    return FeatureStore(root, digest, {"names": []}, monitor)


def _keep(store, documents):
    store.keep([(d, f"digest {d}") for d in documents], featurise([TEXTS[d] for d in documents]))


def _taken(store, documents, digest="digest {}"):
    wanted = [(d, digest.format(d)) for d in documents]
    return {wanted[place][0]: features for places, features in store.take(wanted) for place in places}


def test_what_is_kept_is_found_by_whoever_opens_it_later(tmp_path):
    _keep(_open(tmp_path), [1, 2, 3])
    store = _open(tmp_path)
    _keep(store, [4])
    [(places, features)] = store.take([(9, "x"), (3, "digest 3"), (1, "digest 1")])
    assert places == [2, 1]
    expected = featurise([TEXTS[1], TEXTS[3]])
    assert (features.passages.letters != expected.passages.letters).nnz == 0
    np.testing.assert_array_equal(features.text, expected.text)
    assert len(list(store.take([(1, "digest 1"), (4, "digest 4")]))) == 2
    assert [store.passages_of(d, f"digest {d}") for d in (1, 3, 4, 9)] == [1, 0, 3, None]
    assert {p.name for p in store.folder.iterdir()} >= {"featuriser.json", "for-m"}


def test_many_may_open_it_at_once(tmp_path):
    def open_it(number):
        return _open(tmp_path, f"{number // 4:064d}").folder

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(open_it, range(400)))) == 100


def test_features_of_another_text_are_stale(tmp_path):
    store = _open(tmp_path)
    _keep(store, [1])
    assert _taken(store, [1], "other {}") == {}
    store.keep([(1, "other 1")], featurise(["another text"]))
    assert list(_taken(_open(tmp_path), [1], "other {}")) == [1]
    assert _taken(_open(tmp_path), [1]) == {}


def test_another_featuriser_has_its_own(tmp_path):
    _keep(_open(tmp_path), [1])
    assert _taken(_open(tmp_path, "e" * 64), [1]) == {}


@pytest.mark.parametrize("place", [100, -30])
def test_a_damaged_shard_is_removed_and_made_again(tmp_path, place, caplog):
    store = _open(tmp_path)
    _keep(store, [1, 2])
    (shard,) = store.folder.glob("*.npz")
    content = bytearray(shard.read_bytes())
    content[place] ^= 1
    shard.write_bytes(content)
    assert _taken(_open(tmp_path), [1, 2]) == {}
    assert "made again from the texts" in caplog.text
    store = _open(tmp_path)
    _keep(store, [1, 2])
    assert sorted(_taken(store, [1, 2])) == [1, 2]


def test_a_shard_that_another_process_took_away_is_only_missing(tmp_path):
    store = _open(tmp_path)
    _keep(store, [1])
    for shard in store.folder.glob("*.npz"):
        shard.unlink()
    assert _taken(store, [1]) == {}


def test_a_killed_writer_leaves_nothing_that_counts(tmp_path):
    store = _open(tmp_path)
    _keep(store, [1])
    (store.folder / ".unfinished-abc.npz").write_bytes(b"half a shard")
    assert sorted(_taken(_open(tmp_path), [1, 2])) == [1]
    forget(tmp_path, [2])
    assert not list(store.folder.glob(".unfinished*"))


def test_small_shards_are_written_together_without_stale_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MANY_SMALL", 4)
    monkeypatch.setattr(module, "SHARD", 2)
    store = _open(tmp_path)
    store.keep([(1, "old")], featurise(["old text"]))
    for document in (4, 3, 2, 1):
        _keep(store, [document])
    store.tidy()
    assert len(list(store.folder.glob("*.npz"))) == 2
    again = _open(tmp_path)
    assert sorted(_taken(again, [1, 2, 3, 4])) == [1, 2, 3, 4]
    assert again.passages_of(1, "old") is None
    assert _taken(store, [1, 2]) == {}  # one that had it open sees nothing, and makes it again


def test_forgotten_documents_are_gone_from_every_file(tmp_path):
    for digest in ("d" * 64, "e" * 64):
        _keep(_open(tmp_path, digest), [1, 2])
        _keep(_open(tmp_path, digest), [3])
    assert forget(tmp_path, [1, 3]) == 4
    for digest in ("d" * 64, "e" * 64):
        assert sorted(_taken(_open(tmp_path, digest), [1, 2, 3])) == [2]
        assert len(list((tmp_path / digest).glob("*.npz"))) == 1


def test_what_the_database_has_no_more_is_forgotten(settings, tmp_path):
    with open_session(settings) as session:
        session.add(
            Document(
                monitor="m",
                source="s",
                speaker="own",
                address="http://x.example/",
                text="t",
                text_digest="digest 1",
                collected_at=NOW,
                updated_at=NOW,
                extractor="test",
                id=1,
            )
        )
        session.commit()
        store = _open(tmp_path)
        _keep(store, [1, 2])
        assert forget_erased(session, tmp_path) == 1
        assert forget_erased(session, tmp_path / "none") == 0
    assert sorted(_taken(_open(tmp_path), [1, 2])) == [1]


def test_a_featuriser_that_no_monitor_uses_is_removed(tmp_path):
    old, new = "d" * 64, "e" * 64
    _keep(_open(tmp_path, old), [1])
    _open(tmp_path, old, "other")
    _open(tmp_path, new)
    remove_unused(tmp_path, "m", {new})
    assert (tmp_path / old).is_dir()
    remove_unused(tmp_path, "other", {new})
    assert [p.name for p in tmp_path.iterdir()] == [new]


WRITER = """
import sys
from pathlib import Path
from classifiers.text.features import featurise
from pipeline.store.features import FeatureStore
store = FeatureStore(Path(sys.argv[1]), "d" * 64, {}, "m")
for document in range(40):
    store.keep([(document, f"digest {document}")], featurise([f"text {document} of {sys.argv[2]}"]))
    store.tidy()
"""


def test_two_writers_at_once_do_no_damage(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    store = _open(tmp_path)
    found = list(store.take([(document, f"digest {document}") for document in range(40)]))
    assert sorted(place for places, _ in found for place in places) == list(range(40))
