"""Inputs and outputs by name and by position, on the core and in this process."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from host_sdk import Device, InputError, ShapeError, validate_on_host
from host_sdk.cli import common, main
from host_sdk.cli.running import load_inputs
from host_sdk.inference.model import Model
from host_sdk.inference.tensor import TensorInfo
from host_sdk.validation.samples import Samples
from relocatable import HostModel, RunError, compile_model, run
from relocatable.blob.ports import Outputs, in_order
from tests.two_ports import IMAGE, STATE, turned, two_ports_model
from tests.unit.host_sdk.scripted_board import ScriptedBoard

NAMED = {"state": STATE[0], "image": IMAGE[0]}  # not in the model's order


@pytest.fixture(scope="module")
def blob() -> bytes:
    return compile_model(two_ports_model(), target="host", name="pair")


@pytest.fixture(scope="module")
def device(blob: bytes) -> Iterator[Device]:
    board = ScriptedBoard()
    with Device(board.transport) as opened:
        opened.load_model(blob, "pair")
        yield opened
    board.close()


def check(outputs: Any, image: Any = IMAGE[0]) -> None:
    assert isinstance(outputs, Outputs)
    assert outputs.names == ("next", "turned")
    np.testing.assert_array_equal(outputs["turned"], turned(image))
    assert outputs["turned"] is outputs[1]
    assert list(outputs.by_name()) == ["next", "turned"]


def test_a_run_by_name_and_by_position_is_the_same(device: Device) -> None:
    by_name, by_position = device.infer(NAMED, raw=True), device.infer(IMAGE[0], STATE[0], raw=True)
    check(by_name)
    assert all((a == b).all() for a, b in zip(by_name, by_position, strict=True))
    first, second = by_name  # a tuple as before
    assert (first.shape, second.shape) == ((1, 6), (1, 2, 4, 4))
    real = device.infer(NAMED)
    assert isinstance(real, Outputs)
    np.testing.assert_array_equal(real["turned"], turned(IMAGE[0]) * np.float32(0.5))


def test_many_runs_by_name(device: Device) -> None:
    samples = ({"image": i, "state": s} for i, s in zip(IMAGE, STATE, strict=True))
    for image, outputs in zip(IMAGE, device.infer_many(samples, raw=True), strict=True):
        check(outputs, image)


def test_profile_and_trace_by_name(device: Device) -> None:
    assert len(device.profile(NAMED).rows) == 2
    pytest.importorskip("ai_edge_litert")
    trace = device.trace(NAMED, tflite=two_ports_model())
    assert (trace.first_difference, trace.compared) == (None, 2)


def test_validation_compares_every_output(device: Device) -> None:
    pytest.importorskip("ai_edge_litert")
    for x in ((IMAGE, STATE), {"state": STATE, "image": IMAGE}, {"x0": IMAGE, "x1": STATE}):
        report = device.validate(x, tflite=two_ports_model())
        assert (report.reference, report.exact_samples) == ("litert", 3)
        assert [d.name for d in report.differences] == ["next", "turned"]
    report = validate_on_host(two_ports_model(), {"state": STATE, "image": IMAGE})
    assert report.exact_samples == 3


def test_a_model_in_this_process_by_name(blob: bytes) -> None:
    check(run(blob, NAMED))
    with HostModel(blob) as model:
        model.write_inputs(NAMED)
        model.run()
        check(model.outputs())
        with pytest.raises(RunError, match="input 0 'image' must be int8"):
            model.write_inputs({**NAMED, "image": STATE[0]})


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"image": 0}, InputError, "must be 'image', 'state'; 'state' missing"),
        ({**NAMED, "stat": 0}, InputError, "must be 'image', 'state'; 'stat' unknown"),
        ({"img": 0, "state": 0}, InputError, "'img' unknown, 'image' missing"),
        ({**NAMED, "state": IMAGE[0]}, ShapeError, "input 'state' must have shape"),
        ({**NAMED, "state": STATE[0].astype(np.int32)}, InputError, "input 'state' must be int8"),
    ],
)
def test_what_does_not_fit_is_named(
    device: Device, given: Any, error: type[InputError], message: str
) -> None:
    with pytest.raises(error, match=message):
        device.infer(given)


def test_position_and_name_are_not_mixed(device: Device) -> None:
    with pytest.raises(InputError, match="by position, or by name in one mapping; are in both"):
        device.infer(IMAGE[0], {"state": STATE[0]})
    with pytest.raises(ShapeError, match=r"must get 2 inputs \('image' .*; got 1"):
        device.infer(IMAGE[0])


@pytest.mark.parametrize(
    ("names", "why"),
    [(("a", "a"), "several have the same name"), (("a", ""), "not all have a name")],
)
def test_names_that_tell_nothing_apart(names: tuple[str, str], why: str) -> None:
    assert in_order([1, 2], names) == [1, 2]
    with pytest.raises(RunError, match=f"inputs must be taken by position: {why}"):
        in_order({"a": 1}, names)
    outputs = Outputs([IMAGE, STATE], names)
    assert outputs[1] is STATE
    for use in (outputs.by_name, lambda: outputs[names[1]]):
        with pytest.raises(KeyError, match=f"outputs must be taken by position: {why}"):
            use()


def test_outputs_are_a_tuple() -> None:
    outputs = Outputs([IMAGE, STATE], ("a", "b"))
    assert outputs[:1] == (IMAGE,)
    assert copy.copy(outputs)["b"] is STATE
    with pytest.raises(KeyError, match="must be one of 'a', 'b'; is 'c'"):
        outputs["c"]


def test_inputs_of_the_command(tmp_path: Path) -> None:
    for name, values in NAMED.items():
        np.save(tmp_path / f"{name}.npy", values)
    np.savez(tmp_path / "both.npz", **NAMED)
    paths = {name: f"{tmp_path / name}.npy" for name in NAMED}
    (named,) = load_inputs([f"{name}={path}" for name, path in paths.items()])
    assert {name: values.shape for name, values in named.items()} == {
        "state": (1, 6),
        "image": (1, 4, 4, 2),
    }
    assert sorted(load_inputs([str(tmp_path / "both.npz")])[0]) == ["image", "state"]
    with pytest.raises(InputError, match="are both"):
        load_inputs([f"image={paths['image']}", paths["state"]])
    with pytest.raises(InputError, match="'image' must be given once"):
        load_inputs([f"image={paths['image']}"] * 2)


def test_the_command_names_outputs(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "open_board", lambda *_: contextlib.nullcontext(device))
    np.savez(tmp_path / "both.npz", **NAMED)
    arguments = ["infer", str(tmp_path / "both.npz"), "--raw"]

    def told(*more: str) -> str:
        done = CliRunner().invoke(main, [*arguments, *more])
        assert done.exit_code == 0, done.output
        return done.output

    assert told().startswith("next: int8 [1, 6]\n")
    assert "turned: int8 [1, 2, 4, 4]\n" in told()
    assert [np.shape(y) for y in json.loads(told("--json"))] == [(1, 6), (1, 2, 4, 4)]
    assert list(json.loads(told("--json", "--by-name"))) == ["next", "turned"]
    for more, keys in (((), ["y0", "y1"]), (("--by-name",), ["next", "turned"])):
        told("-o", str(tmp_path / "y.npz"), *more)
        assert list(np.load(tmp_path / "y.npz")) == keys


def test_samples_by_key() -> None:
    def model(*names: str) -> Model:
        ports = tuple(TensorInfo(name, (1, 2), "int8") for name in names)
        return Model("m", 1, b"", 64, 0, (0,), ports, ports, (), (), None)

    two, one, other = (np.full((3, 2), n, np.int8) for n in (2, 1, 9))
    assert Samples({"b": two, "a": one}, model("a", "b"))[0][0].tolist() == [[1, 1]]
    assert Samples({"x": one, "ids": other}, model("a"))[0][0].tolist() == [[1, 1]]
    assert Samples({"pictures": one}, model("a"))[0][0].tolist() == [[1, 1]]
    with pytest.raises(InputError, match="'p', 'q' unknown, 'a', 'b' missing"):
        Samples({"p": one, "q": two}, model("a", "b"))
    with pytest.raises(ShapeError, match="same number of samples; have 'a' 3, 'b' 2"):
        Samples({"a": one, "b": two[:2]}, model("a", "b"))
