import hashlib
import io
import json
import shutil
import zipfile

import numpy as np
import pytest

from classifiers.codebook import load_codebook
from classifiers.model import model_folder
from classifiers.model.model_folder import FILES, MANIFEST, ModelFolderError, OtherFormatError, load_model, save_model
from classifiers.text.featuriser import RULES


@pytest.fixture(scope="module")
def saved(small, starter, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "first"
    save_model(small, folder, codebook=load_codebook(), card={"title": "t"}, probes=[c.row for c in starter[:5]])
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def _write(folder, name, content: bytes):
    """Change a file as somebody would who also knows how to mend the manifest."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest[name] = hashlib.sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))


def _arrays(folder) -> dict[str, np.ndarray]:
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        return dict(stored)


def _write_arrays(folder, arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    _write(folder, "arrays.npz", buffer.getvalue())


def test_a_saved_model_says_the_same(small, starter, saved):
    model = load_model(saved)
    rows = [c.row for c in starter]
    np.testing.assert_array_equal(model.classifier.predict_heads(rows), small.predict_heads(rows))
    assert model.classifier.get_params() == small.get_params() | {"heads": small.heads_}
    assert (model.variable, model.codebook_version) == ("framing", 1)
    assert (model.name, model.codebook_version, model.card) == ("first", 1, {"title": "t"})
    assert model.sha256 == hashlib.sha256((saved / MANIFEST).read_bytes()).hexdigest()
    assert load_model(saved, model.sha256).sha256 == model.sha256


def test_a_model_is_never_overwritten(small, starter, saved):
    with pytest.raises(FileExistsError, match="never overwritten"):
        save_model(small, saved, codebook=load_codebook(), card={}, probes=["x"])
    assert [p.name for p in saved.parent.iterdir()] == ["first"]  # and nothing unfinished is left


def test_a_model_without_probes_is_not_made(small, tmp_path):
    with pytest.raises(ValueError, match="probe"):
        save_model(small, tmp_path / "m", codebook=load_codebook(), card={}, probes=[])


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_byte_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(ModelFolderError, match=rf"{name} was changed"):
        load_model(folder)


@pytest.mark.parametrize("name", sorted({*FILES, MANIFEST}))
def test_a_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=rf"{name} is missing"):
        load_model(folder)


def test_a_foreign_file_is_refused_listed_or_not(folder):
    (folder / "run.pkl").write_bytes(b"x")
    with pytest.raises(ModelFolderError, match=r"run\.pkl does not belong"):
        load_model(folder)
    _write(folder, "run.pkl", b"x")
    with pytest.raises(ModelFolderError, match=r"run\.pkl does not belong"):
        load_model(folder)


def test_a_page_that_the_manifest_does_not_know_is_foreign(folder):
    (folder / "card.md").write_text("# The best model")
    with pytest.raises(ModelFolderError, match=r"card\.md does not belong"):
        load_model(folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", "..\\x"])
def test_a_path_outside_is_refused(folder, name):
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, name: "0" * 64}))
    with pytest.raises(ModelFolderError, match="path outside"):
        load_model(folder)


def test_a_link_is_refused(folder, tmp_path):
    (folder / "card.json").rename(tmp_path / "card.json")
    (folder / "card.json").symlink_to(tmp_path / "card.json")
    with pytest.raises(ModelFolderError, match="is a link"):
        load_model(folder)


def test_a_linked_manifest_is_refused(folder, tmp_path):
    (folder / MANIFEST).rename(tmp_path / MANIFEST)
    (folder / MANIFEST).symlink_to(tmp_path / MANIFEST)
    with pytest.raises(ModelFolderError, match="is a link"):
        load_model(folder)


def _npz(header_shape, data=b"") -> bytes:
    header, packed = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": header_shape})
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("coef.npy", header.getvalue() + data)
    return packed.getvalue()


def test_arrays_that_would_fill_the_memory_are_refused(folder, monkeypatch):
    monkeypatch.setattr(model_folder, "LARGEST", 1_000_000)
    _write(folder, "arrays.npz", _npz((300_000,), bytes(1_200_000)))
    with pytest.raises(ModelFolderError, match="no model has more than 1,000,000"):
        load_model(folder)
    _write(folder, "arrays.npz", _npz((10**15,)))  # says so, and has none
    with pytest.raises(ModelFolderError, match="do not fit"):
        load_model(folder)


def test_arrays_that_can_not_be_unpacked_are_refused(folder):
    content = bytearray((folder / "arrays.npz").read_bytes())
    content[200:400] = bytes(byte ^ 0xFF for byte in content[200:400])
    _write(folder, "arrays.npz", bytes(content))
    with pytest.raises(ModelFolderError, match="do not fit"):
        load_model(folder)


@pytest.mark.parametrize("name", ["model.json", "card.json", "probes.json", MANIFEST])
def test_json_nested_too_deeply_is_refused(folder, name):
    deep = b"[" * 200_000 + b"]" * 200_000
    if name == MANIFEST:
        (folder / name).write_bytes(deep)
    else:
        _write(folder, name, deep)
    with pytest.raises(ModelFolderError):
        load_model(folder)


@pytest.mark.parametrize("key", ["format", *RULES])
def test_another_version_is_refused(folder, key):
    about = json.loads((folder / "model.json").read_text())
    changed = {"format": 99} if key == "format" else {"features": {**about["features"], key: 99}}
    _write(folder, "model.json", json.dumps({**about, **changed}).encode())
    with pytest.raises(OtherFormatError, match=rf"made with {key} 99 \(here \d+\); train it again"):
        load_model(folder)


def test_the_format_before_this_one_is_refused_as_such(folder):
    about = json.loads((folder / "model.json").read_text())
    del about["features"]
    _write(folder, "vocabulary.json", b'{"words": [], "letters": []}')
    _write(folder, "model.json", json.dumps({**about, "format": 2, "normalisation": 1}).encode())
    with pytest.raises(OtherFormatError, match=r"made with format 2 \(here 3\)"):
        load_model(folder)


def test_weights_changed_together_with_the_manifest_fail_the_probes(folder):
    arrays = _arrays(folder)
    _write_arrays(folder, {**arrays, "coef": -arrays["coef"]})
    with pytest.raises(ModelFolderError, match="probe texts"):
        load_model(folder)


def test_the_promoted_model_is_known_by_its_digest(folder):
    _write(folder, "card.json", b'{"title": "better"}')
    assert load_model(folder).card["title"] == "better"
    with pytest.raises(ModelFolderError, match="not the model that was promoted"):
        load_model(folder, "0" * 64)


def test_arrays_of_another_kind_are_refused(folder):
    arrays = _arrays(folder)
    for wrong in (
        {**arrays, "coef": arrays["coef"][:, :-1]},
        {**arrays, "coef": arrays["coef"].astype("float64")},
        {**arrays, "columns": arrays["columns"][::-1]},
        {**arrays, "columns": arrays["columns"] + 2**20},
        {**arrays, "known": arrays["known"][:-1]},
        {**arrays, "intercept": np.array([np.nan, 0.0])},
        {k: v for k, v in arrays.items() if k != "idf"},
    ):
        _write_arrays(folder, wrong)
        with pytest.raises(ModelFolderError, match="do not fit"):
            load_model(folder)


def test_a_pickle_inside_is_not_loaded(folder):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was loaded",))

    _write_arrays(folder, {**_arrays(folder), "idf": np.array([Trap()], dtype=object)})
    with pytest.raises(ModelFolderError, match="do not fit"):
        load_model(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"PK\x03\x04", b'{"rows": 1}'])
@pytest.mark.parametrize("name", ["model.json", "arrays.npz", "probes.json"])
def test_rubbish_is_refused_in_words(folder, name, content):
    _write(folder, name, content)
    with pytest.raises(ModelFolderError):
        load_model(folder)


def test_no_folder_and_no_manifest(tmp_path):
    with pytest.raises(ModelFolderError, match="no such model folder"):
        load_model(tmp_path / "none")
    (tmp_path / MANIFEST).write_text("[1]")
    with pytest.raises(ModelFolderError, match="not a list of files"):
        load_model(tmp_path)
