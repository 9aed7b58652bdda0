"""A Keras model goes wherever a .tflite goes: commands, boards, bundles, Python."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import relocatable
from host_sdk import Device, InputError, ModelFileError, UnsafeModelError
from host_sdk.bundle.bundle import unpack_bundle
from host_sdk.bundle.prepare import build_bundle
from host_sdk.cli import main
from host_sdk.cli.signing import object_of
from host_sdk.inference.model_source import open_model
from tests.unit.host_sdk.converting.conftest import DIGITS, Recorded
from tests.unit.host_sdk.converting.graphs import honest, write_saved_model
from tests.unit.host_sdk.converting.keras_files import layer, model, write_keras
from tests.unit.host_sdk.scripted_board import ScriptedBoard

Connect = Callable[..., tuple[ScriptedBoard, Device]]


def xipnet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def keras(tmp_path: Path, recorded: Recorded) -> Path:
    """Make a .keras with a head's description beside it."""
    shutil.copy(DIGITS.with_suffix(".toml"), tmp_path / "my_digits.toml")
    return write_keras(tmp_path / "my_digits.keras")


def test_what_is_converted_keeps_its_name_and_its_head(keras: Path) -> None:
    shown = json.loads(xipnet("check", keras, "--target", "cortex-m4", "--json").output)
    assert (shown[0]["head"], shown[0]["head_from"]) == ("classify", "my_digits.toml")
    assert shown[0]["taken"]


@pytest.mark.heavy
def test_a_blob_of_it_is_that_of_its_tflite(keras: Path, tmp_path: Path) -> None:
    blob = tmp_path / "m.bin"
    built = xipnet("build", keras, "-o", blob, "--target", "cortex-m4")
    assert built.exit_code == 0, built.output
    head = DIGITS.with_suffix(".toml")
    expected = relocatable.compile_model(DIGITS, target="cortex-m4", head=head, name="my_digits")
    assert blob.read_bytes() == expected


@pytest.mark.heavy
def test_it_is_exported_as_c(keras: Path, recorded: Recorded, tmp_path: Path) -> None:
    done = xipnet("export", keras, "--c", tmp_path / "c", "--target", "cortex-m4")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "c" / "my_digits.h").exists()
    assert len(recorded.asked) == 1


@pytest.mark.heavy
def test_it_is_validated_against_its_own_tflite(keras: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", x=np.zeros((2, 8, 8, 1), np.float32))
    done = xipnet("validate", keras, "--on", "host", "--data", tmp_path / "two.npz")
    assert done.exit_code == 0, done.output
    assert "my_digits" in done.output
    assert "2 of 2" in done.output


@pytest.mark.heavy
def test_a_board_gets_it(keras: Path, connect: Connect) -> None:
    _, board = connect()
    loaded = board.load_model(keras)
    assert loaded.name == "my_digits"
    assert board.model().name == "my_digits"


@pytest.mark.heavy
def test_a_pipeline_may_name_it(keras: Path, recorded: Recorded, tmp_path: Path) -> None:
    pipeline = tmp_path / "p.toml"
    pipeline.write_text('[models.digits]\nmodel = "my_digits.keras"\n')
    [member] = unpack_bundle(build_bundle(pipeline, ["cortex-m4"]).data)
    assert relocatable.Blob.unpack(member.data).metadata["name"] == "my_digits"
    refused = xipnet("build", pipeline, "--trust")
    assert "--trust is for one model" in refused.output


def test_hdf5_and_saved_models_go_the_same_way(recorded: Recorded, tmp_path: Path) -> None:
    hdf5 = tmp_path / "old.h5"
    hdf5.write_bytes(b"\x89HDF\r\n\x1a\n...")
    folder = write_saved_model(tmp_path / "saved.v1", honest())
    assert [open_model(p).name for p in (hdf5, folder)] == ["old", "saved.v1"]
    kinds = [asked[0] for asked in recorded.asked]
    assert kinds == ["hdf5", "saved_model"]
    shown = xipnet("check", folder)
    assert shown.exit_code == 0, shown.output


def test_a_live_model_is_exported_first(recorded: Recorded) -> None:
    made = open_model(_live())
    assert (made.name, made.data) == ("my_live", DIGITS.read_bytes())
    [[kind, path, _, place, *names]] = recorded.asked
    assert (kind, place, names) == ("saved_model", "my_live", ["b", "a"])
    assert Path(path).name == "written"


def test_what_is_no_model_is_refused_by_its_type() -> None:
    with pytest.raises(InputError, match="or a live Keras or PyTorch model; is a list"):
        open_model([1])  # type: ignore[arg-type]


def test_bytes_of_keras_are_told_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"a Keras model in HDF5.*write it to a file"):
        open_model(b"\x89HDF\r\n\x1a\n...")


@pytest.mark.heavy
def test_trust_is_one_option_of_every_way(recorded: Recorded, tmp_path: Path) -> None:
    keras = write_keras(tmp_path / "own.keras", model(layer("Lambda", function="code")))
    refused = xipnet("check", keras)
    assert refused.exit_code == 1
    assert "'my_lambda'" in refused.output
    assert recorded.asked == []
    for command in (
        ("check", keras),
        ("build", keras, "-o", tmp_path / "o.bin"),
        ("export", keras, "--c", tmp_path / "c", "--target", "cortex-m4"),
    ):
        done = xipnet(*command, "--trust")
        assert done.exit_code == 0, done.output
    assert all(asked[4:] == ["--trust"] for asked in recorded.asked)
    assert len(recorded.asked) == 3
    assert recorded.kept.read_bytes() == keras.read_bytes()


@pytest.mark.heavy
def test_a_board_gets_no_unsafe_one(tmp_path: Path, connect: Connect, recorded: Recorded) -> None:
    keras = write_keras(tmp_path / "own.keras", model(layer("Lambda", function="code")))
    _, device = connect()
    with pytest.raises(UnsafeModelError, match="trust=True"):
        device.load_model(keras)
    assert device.ls() == []
    assert device.load_model(keras, trust=True).name == "own"


def _live() -> Any:
    class Model:
        """What a live model has of Keras's."""

        name = "my_live"
        inputs = (_Named("b"), _Named("a"))

        def export(self, folder: str) -> None:
            write_saved_model(Path(folder), honest())

    Model.__module__ = "keras.src.models.model"
    return Model()


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name


def test_what_is_converted_is_not_signed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is compiled before a board stores it"):
        object_of(write_keras(tmp_path / "m.keras"), None)
