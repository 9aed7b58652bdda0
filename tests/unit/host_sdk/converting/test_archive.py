"""A .keras is unpacked by bounds, and only what was checked goes on."""

from __future__ import annotations

import json
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from host_sdk import ModelFileError, UnsafeModelError
from host_sdk.converting import archive, private_copy
from host_sdk.converting.formats import keras_archive
from host_sdk.inference.model_source import open_model
from tests.unit.host_sdk.converting.conftest import Recorded
from tests.unit.host_sdk.converting.keras_files import PLAIN, WEIGHTS, layer, write_keras


def test_the_converter_gets_what_was_checked(tmp_path: Path, recorded: Recorded) -> None:
    trained = {**PLAIN, "compile_config": {"loss": layer("MyLoss", "mine")}}
    path = write_keras(tmp_path / "m.keras", trained)
    path.write_bytes(b"PK\x03\x04" + bytes(60) + path.read_bytes())  # zip begins at its end
    open_model(path)
    with zipfile.ZipFile(recorded.kept) as checked:
        assert checked.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert json.loads(checked.read("config.json")) == PLAIN
        assert checked.read("model.weights.h5") == WEIGHTS
        assert json.loads(checked.read("metadata.json")) == {"keras_version": "3.15.1"}


def test_a_member_twice_is_refused(tmp_path: Path) -> None:
    path = write_keras(tmp_path / "m.keras")
    with zipfile.ZipFile(path, "a") as files, pytest.warns(UserWarning, match="Duplicate"):
        files.writestr("config.json", "{}")
    with pytest.raises(UnsafeModelError, match="alone"):
        open_model(path)


def test_a_member_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as files:
        files.writestr("config.json", json.dumps(PLAIN))
        files.writestr("metadata.json", "{}")
        files.writestr("model.weights.npz", b"x")
    with pytest.raises(ModelFileError, match=r"must hold model\.weights\.h5; holds config\.json"):
        open_model(path)


def test_metadata_must_be_some(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as files:
        files.writestr("config.json", json.dumps(PLAIN))
        files.writestr("metadata.json", "[]")
        files.writestr("model.weights.h5", WEIGHTS)
    with pytest.raises(ModelFileError, match="must name the keras_version"):
        open_model(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("metadata.json", '{"keras_version": "3"}')
        files.writestr("config.json", json.dumps(PLAIN))
        files.writestr("model.weights.h5", bytes(1 << 20))
    monkeypatch.setattr(keras_archive, "MOST_BYTES", 1 << 19)
    with pytest.raises(ModelFileError, match=r"model\.weights\.h5 must have at most 524,288 bytes"):
        open_model(path)


def test_a_config_that_is_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("metadata.json", '{"keras_version": "3"}')
        files.writestr("config.json", b" " * (17 << 20))
        files.writestr("model.weights.h5", WEIGHTS)
    assert path.stat().st_size < 100_000
    with pytest.raises(ModelFileError, match=r"config\.json must have at most 16,777,216 bytes"):
        open_model(path)


def test_a_directory_of_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_keras(tmp_path / "m.keras", **{f"assets/{i}": b"" for i in range(200)})
    monkeypatch.setattr(archive, "_MOST_READ_BYTES", 10_000)
    with pytest.raises(ModelFileError, match=r"a Keras model \(.*\) or"):  # not told to be one
        open_model(path)
    with (
        pytest.raises(ModelFileError, match="its directory must have at most 10,000 bytes"),
        archive.open_archive(path),
    ):
        pass


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_of_packing(tmp_path: Path, method: int) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", method) as files:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            files.writestr(name, b"{}" * 100)
    with pytest.raises(ModelFileError, match="must be stored or deflated"):
        open_model(path)


def test_every_damage_is_an_error(tmp_path: Path, recorded: Recorded) -> None:
    whole = write_keras(tmp_path / "m.keras").read_bytes()
    path = tmp_path / "torn.keras"
    for end in range(4, len(whole), 97):
        path.write_bytes(whole[:end])
        with pytest.raises(ModelFileError):
            open_model(path)
    assert recorded.asked == []
    directory = whole.rindex(b"PK\x05\x06")
    for at in range(directory + 4, directory + 20):
        changed = bytearray(whole)
        changed[at] ^= 0x81
        path.write_bytes(changed)
        with suppress(ModelFileError):  # some fields say nothing of one whole file
            open_model(path)
            assert zipfile.ZipFile(recorded.kept).read("model.weights.h5") == WEIGHTS


def test_sizes_that_lie(tmp_path: Path) -> None:
    path = write_keras(tmp_path / "m.keras")
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)  # of config.json
    struct.pack_into("<II", data, at + 20, 0xFFFFFF0, 0xFFFFFF0)
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="whole zip archive"):
        open_model(path)


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "m.h5"
    source.write_bytes(bytes(1000))
    private_copy.copy_file(source, tmp_path / "1", 1000)
    with pytest.raises(ModelFileError, match="must have at most 999 bytes"):
        private_copy.copy_file(source, tmp_path / "2", 999)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="must be a plain file"):
        private_copy.copy_file(tmp_path, tmp_path / "3")
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(ModelFileError, match="must be a plain file"):
        private_copy.copy_file(tmp_path / "link", tmp_path / "4", follow=False)
