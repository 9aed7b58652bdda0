"""Weights of their own on the firmware's core: sent once, shared, kept, missed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from host_sdk import Device, swap_models
from host_sdk.bundle.bundle import Member, pack_bundle
from host_sdk.cli import main
from host_sdk.errors import (
    BundleFileError,
    GoldenError,
    ModelFileError,
    ObjectDamagedError,
    WeightsMissingError,
    WeightsNeededError,
)
from host_sdk.store.blob_cache import FOLDER_VARIABLE
from host_sdk.store.files import DATA
from host_sdk.transports.core import open_core
from host_sdk.validation.host_runner import HostRunner
from relocatable import HostModel, join_weights, separate_weights
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.store.damage import flip, words
from tests.unit.host_sdk.test_fleet import Port

ADDS_WEIGHT = "for (int i = 0; i < SIZE; i++) c->arena[AT + i] = c->arena[i] + c->weights[i % 64];"
ONES = b"\1" * 8000  # two sectors of weights, which the step reads
OTHER_CODE = " if (c->arena[0] == 77) c->arena[AT] = 78;"  # the same outputs


def whole(*, weights: bytes = ONES, more: str = "", **options: object) -> bytes:
    """Make a model that adds its weights, which are ones, to its input."""
    bodies = (ADDS_WEIGHT + more, "")
    return make_blob(bodies=bodies, weights=weights, **options)  # type: ignore[arg-type]


def write_pair(folder: Path, name: str, blob: bytes) -> Path:
    """Write NAME.bin and NAME.weights.bin."""
    separated = separate_weights(blob)
    [weights] = separated.weights
    path = folder / f"{name}.bin"
    path.write_bytes(separated.blob)
    path.with_suffix(".weights.bin").write_bytes(weights)
    return path


@pytest.fixture
def board(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    return connect()[1]


def adds_one(board: Device) -> bool:
    x = np.arange(8, dtype=np.int8).reshape(1, 8)
    return np.array_equal(board.infer(x, raw=True), x + 1)


def test_a_pair_is_sent_and_runs(board: Device, tmp_path: Path) -> None:
    loaded = board.load_model(write_pair(tmp_path, "adds", whole()))
    assert (loaded.golden, loaded.active, loaded.waits) == (True, True, False)
    assert 0 < loaded.weights_bytes < loaded.sent_bytes
    assert adds_one(board)
    blob, weights = sorted(board.ls(), key=lambda o: o.name)
    assert (blob.type, blob.needs, blob.waits) == ("blob", (weights.sha256,), False)
    assert (weights.name, weights.type, weights.needed_by) == ("adds.weights", "weights", ("adds",))
    assert board.get("adds.weights") == ONES


def test_code_alone_or_weights_alone_are_sent(board: Device, tmp_path: Path) -> None:
    board.load_model(write_pair(tmp_path, "adds", whole()))
    code = board.load_model(write_pair(tmp_path, "adds", whole(more=OTHER_CODE)))
    assert (code.version, code.weights_bytes, code.golden) == (2, 0, True)
    retrained = b"\1" * 64 + bytes(7936)
    weights = board.load_model(write_pair(tmp_path, "adds", whole(weights=retrained)))
    assert (weights.version, weights.golden) == (3, True)
    assert weights.weights_bytes > 0
    assert adds_one(board)


def test_two_models_share(board: Device, tmp_path: Path) -> None:
    board.load_model(write_pair(tmp_path, "first", whole()))
    second = board.load_model(write_pair(tmp_path, "second", whole(more=OTHER_CODE)))
    assert second.weights_bytes == 0
    [weights] = [o for o in board.ls() if o.type == "weights"]
    assert (weights.name, set(weights.needed_by)) == ("first.weights", {"first", "second"})
    board.rm("first")
    with pytest.raises(WeightsNeededError, match=r"a model needs these weights: second version 1"):
        board.rm("first.weights")
    assert adds_one(board)
    board.rm("second")
    board.rm("first.weights")
    assert board.ls() == []


def test_weights_first(board: Device, tmp_path: Path) -> None:
    path = write_pair(tmp_path, "adds", whole())
    board.put(path.with_suffix(".weights.bin"))
    [stored] = board.ls()
    assert (stored.name, stored.type, stored.needed_by) == ("adds.weights", "weights", ())
    loaded = board.load_model(path.read_bytes(), "adds")
    assert (loaded.weights_bytes, loaded.golden, adds_one(board)) == (0, True, True)


def test_blob_first_waits(board: Device, tmp_path: Path) -> None:
    path = write_pair(tmp_path, "adds", whole())
    blob, digest = path.read_bytes(), hashlib.sha256(ONES).hexdigest()
    with pytest.raises(WeightsMissingError, match=rf"{digest}, which are neither beside its file"):
        board.load_model(blob, "adds")
    assert board.ls() == []
    waiting = board.load_model(blob, "adds", activate=False)
    assert (waiting.waits, waiting.golden, waiting.active) == (True, False, False)
    assert board.ls()[0].waits
    with pytest.raises(WeightsMissingError, match=rf"SHA-256 {digest}, bytes 8000.*xipnet put"):
        board.activate("adds")
    board.put("adds.weights", ONES)
    assert not board.ls()[0].waits
    board.activate("adds")
    assert adds_one(board)


def test_what_waited_is_tested_before_it_serves(board: Device) -> None:
    board.load_model(make_blob(), "old")
    wrong = separate_weights(whole(golden=1))
    board.load_model(wrong.blob, "wrong", activate=False)
    board.put("wrong.weights", ONES)
    with pytest.raises(GoldenError):
        board.activate("wrong")
    assert board.model().name == "old"
    assert adds_one(board)


def test_the_active_model_is_not_replaced_by_what_waits(board: Device, tmp_path: Path) -> None:
    board.load_model(write_pair(tmp_path, "adds", whole()))
    other = separate_weights(whole(weights=b"\1" * 4100)).blob
    with pytest.raises(WeightsMissingError):
        board.load_model(other, "adds", activate=False)
    assert board.model().version == 1
    assert adds_one(board)
    assert board.history("adds")[-1].event == "refused"


def test_rollback_keeps_and_finds_the_old_weights(board: Device, tmp_path: Path) -> None:
    board.load_model(write_pair(tmp_path, "adds", whole()))
    board.load_model(write_pair(tmp_path, "adds", whole(weights=b"\1" * 64 + bytes(5000))))
    assert board.rollback() == 1
    assert adds_one(board)
    assert board.model().version == 1
    with pytest.raises(WeightsNeededError):
        board.rm("adds.weights")


def test_no_rollback_to_what_waits(board: Device, tmp_path: Path) -> None:
    board.load_model(make_blob(), "other")
    board.load_model(separate_weights(whole()).blob, "adds", activate=False)
    board.load_model(write_pair(tmp_path, "adds", whole(weights=b"\1" * 64)))
    with pytest.raises(WeightsMissingError):
        board.rollback()
    assert board.model().version == 2
    assert adds_one(board)
    board.put("more.weights", ONES)
    assert board.rollback() == 1
    assert adds_one(board)


def test_a_trial_returns_to_its_weights(board: Device, tmp_path: Path) -> None:
    board.load_model(write_pair(tmp_path, "adds", whole()))
    pair = write_pair(tmp_path, "adds", whole(weights=b"\1" * 64 + bytes(5000)))
    assert board.load_model(pair, confirm="manual").pending
    board.rollback()
    assert board.model().version == 1
    assert adds_one(board)


def test_room_is_made_without_what_is_needed(connect: Connect, tmp_path: Path) -> None:
    _, board = connect(flash_bytes=262144)
    sizes = [64 * n for n in range(900, 912)]
    for size in sizes:  # more than fit: earlier versions go, and with each its weights
        board.load_model(write_pair(tmp_path, "adds", whole(weights=b"\1" * size)))
        assert adds_one(board)
    assert board.rollback() == len(sizes) - 1
    assert adds_one(board)


def test_damaged_weights_are_named_and_found_elsewhere(tmp_path: Path) -> None:
    flash, weights = tmp_path / "flash", b"\1" * 64 + words(3, 5000)
    pair = write_pair(tmp_path, "adds", whole(weights=weights))
    with Device(open_core(flash)) as board:
        board.load_model(pair)
    flip(flash, weights, 4999)
    with Device(open_core(flash)) as board:
        [trouble] = board.info().troubles
        assert "object is damaged" in trouble
        assert "adds.weights version 1" in trouble
        with pytest.raises(ObjectDamagedError, match=r"adds\.weights version 1"):
            board.activate("adds")
        assert {o.name: o.damaged for o in board.ls()} == {"adds": None, "adds.weights": True}
        board.put("again.weights", weights)
        board.activate("adds")
        assert adds_one(board)


def test_swaps_of_many_boards(tmp_path: Path) -> None:
    made = [Port(), Port()]
    try:
        swaps = swap_models([port.url for port in made], write_pair(tmp_path, "adds", whole()))
        assert [s.loaded is not None and s.loaded.golden for s in swaps] == [True, True]
    finally:
        for port in made:
            port.close()


# ---- On this computer ----------------------------------------------------------------------------


def test_the_host_runs_a_pair_and_says_what_is_missing(tmp_path: Path) -> None:
    blob = whole()
    path = write_pair(tmp_path, "adds", blob)
    with HostRunner(path) as runner:
        x = np.arange(8, dtype=np.int8).reshape(1, 8)
        [measured] = runner.run_all([(x,)])
        assert (measured.outputs[0] == x + 1).all()
    path.with_suffix(".weights.bin").write_bytes(b"\2" * 8000)  # of the same length
    with pytest.raises(ModelFileError, match=r"needs weights of 8000 bytes.*put the file"):
        HostRunner(path)
    separated = separate_weights(blob)
    with HostModel(separated.blob, separated.weights) as model:
        assert model.blob.needs[0].size_bytes == 8000
    assert join_weights(separated.blob, separated.weights) == blob


def test_inspect_and_load_in_words(board: Device, tmp_path: Path) -> None:
    path = write_pair(tmp_path, "adds", whole())
    shown = CliRunner().invoke(main, ["inspect", str(path)])
    assert "needs weights for cortex-m3: 8,000 bytes" in shown.output, shown.output
    assert "adds.weights.bin" in shown.output
    assert "weights 8,000 (separate)" in shown.output
    path.with_suffix(".weights.bin").unlink()
    shown = CliRunner().invoke(main, ["inspect", str(path)])
    assert "of which no file is beside it" in shown.output


def test_a_bundle_holds_its_weights(board: Device, tmp_path: Path) -> None:
    path = write_pair(tmp_path, "adds", whole())
    bare = pack_bundle([Member("adds", path.read_bytes())])
    with pytest.raises(BundleFileError, match="'adds' needs them beside itself"):
        board.load_bundle(bare, "faces")
    (tmp_path / "pipeline.toml").write_text('[models.m]\nmodel = "adds.bin"\n')
    assert board.load_bundle(tmp_path / "pipeline.toml").golden
    assert Member("some.weights", ONES).kind == DATA
    assert adds_one(board)
