"""A training beside a board: each epoch is measured there, the best stays."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host_sdk import Device
from host_sdk.converting.write_tflite import TfliteWriter
from host_sdk.errors import InputError, ModelFileError
from host_sdk.inference.tensor import Array
from host_sdk.training.best_on_board import BestOnBoard
from tests.sim.machine import Machine

pytestmark = pytest.mark.sim
digits = pytest.importorskip("sklearn.datasets")


class Regression:
    """Ten scores of an 8x8 picture, learned by gradient descent."""

    def __init__(self) -> None:
        x, y = digits.load_digits(return_X_y=True)
        self.x = (x / 16).astype(np.float32)
        self.y = y.astype(np.int64)
        self.weights = np.zeros((10, 64), np.float32)

    def learn(self, rate: float) -> None:
        """Go through the first 1,400 digits once."""
        for begin in range(0, 1400, 100):
            x, y = self.x[begin : begin + 100], self.y[begin : begin + 100]
            scores = np.exp(x @ self.weights.T)
            shares = scores / scores.sum(1, keepdims=True) - np.eye(10)[y]
            self.weights -= rate * (shares.T @ x).astype(np.float32)

    def tflite(self) -> bytes:
        w = TfliteWriter()
        x, scores = w.tensor("x", (1, 64)), w.tensor("scores", (1, 10))
        layer = [w.constant("m", self.weights), w.constant("c", np.zeros(10, np.float32))]
        w.operator("FULLY_CONNECTED", [x, *layer], [scores], "FullyConnectedOptions")
        return w.finish({"x": x}, {"scores": scores}, "regression")

    @property
    def held_out(self) -> tuple[Array, npt.NDArray[np.int64]]:
        return self.x[1400:1440], self.y[1400:1440]


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with Device("sim://cortex-m4") as device:
        yield device


@pytest.fixture
def course() -> Regression:
    return Regression()


def test_every_epoch_is_exact_on_the_board_and_the_best_stays(
    board: Device, course: Regression
) -> None:
    x, y = course.held_out
    serves: list[bytes] = []
    tried = []
    with BestOnBoard(board, x, y, name="epochs", scheme="int8", calibrate=course.x[:64]) as best:
        for epoch, rate in enumerate((0.02, 0.02, 0.001, 0.02, 0.05)):
            if epoch == 2:
                course.weights[:5] *= -1  # which harms half of the digits
            course.learn(rate)
            tried.append(best.try_model(course.tflite()))
            serves.append(board.model().sha256)
    assert [one.exact_samples for one in tried] == [40] * 5
    assert tried[2].accuracy < tried[1].accuracy
    assert not tried[2].stays
    assert serves[2] == serves[1]
    assert [one.stays for one in tried] == [
        one.accuracy >= max(before.accuracy for before in tried[: number + 1])
        for number, one in enumerate(tried)
    ]
    assert best.best == max(one.accuracy for one in tried) > 0.8
    assert board.trial() is None
    report = board.validate(x, y, "none")
    assert report.classification is not None
    assert report.classification.accuracy == best.best


def test_what_serves_already_is_measured_first(board: Device, course: Regression) -> None:
    x, y = course.held_out
    course.learn(0.05)
    with BestOnBoard(board, x, y, name="again", scheme="qmn") as first:
        assert first.measure_stored() is None
        first.try_model(course.tflite())
    with BestOnBoard(board, x, y, name="again", scheme="qmn") as second:
        assert second.measure_stored() == first.best
        assert not second.try_model(Regression().tflite()).stays  # nothing learned
        same = second.try_model(course.tflite())  # the very bytes that serve
    assert same.stays
    assert same.sent_bytes == 0


def test_another_kind_of_model_under_the_name_is_no_best(board: Device, course: Regression) -> None:
    x, y = course.held_out
    with BestOnBoard(board, x, y, name="other", scheme="qmn") as first:
        first.try_model(course.tflite())
    with BestOnBoard(board, x[:, :60], y, name="other", scheme="qmn") as second:
        assert second.measure_stored() is None


def test_a_trial_without_a_verdict_ends(board: Device, course: Regression) -> None:
    x, y = course.held_out
    course.learn(0.05)
    with BestOnBoard(board, x, y, name="verdict", scheme="qmn", calibrate=x) as best:
        best.try_model(course.tflite())
        before = board.model().sha256
    course.learn(0.05)
    with (
        BestOnBoard(board, x, y[:3], name="verdict", scheme="qmn", calibrate=x) as wrong,
        pytest.raises(InputError, match="40"),
    ):
        wrong.try_model(course.tflite())
    assert board.trial() is None
    assert board.model().sha256 == before


def test_errors_before_a_training(board: Device, course: Regression) -> None:
    x, y = course.held_out
    with pytest.raises(InputError, match="int9"):
        BestOnBoard(board, x, y, name="n", scheme="int9")
    with BestOnBoard(board, x, y, name="n", scheme="int8") as best, pytest.raises(ModelFileError):
        best.check(b"no model")


class Callback:
    """As much of Keras's as a callback sees."""

    def set_model(self, model: object) -> None:
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params


@pytest.fixture
def live_board(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import the callback above a stand-in for Keras."""
    keras, callbacks = ModuleType("keras"), ModuleType("keras.callbacks")
    callbacks.Callback = Callback  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setitem(sys.modules, "keras.callbacks", callbacks)
    name = "host_sdk.training.live_board"
    monkeypatch.delitem(sys.modules, name, raising=False)
    import importlib

    yield importlib.import_module(name).LiveBoard
    sys.modules.pop(name, None)


def test_a_training_outlives_a_board_that_is_gone(
    live_board: Any, course: Regression, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = course.held_out
    history = []
    machine = Machine("mps2_an386", tmp_path / "flash")
    machine.disconnect()
    url = f"socket://127.0.0.1:{machine.port}"
    live = live_board(url, x, y, scheme="qmn", limit=20, every=2)
    live.set_params({"epochs": 5})
    try:
        for epoch in range(5):
            course.learn(0.02)
            live.set_model(course.tflite())
            if epoch == 0:
                live.on_train_begin()
            if epoch == 2:
                machine.kill()
            logs: dict[str, float] = {}
            live.on_epoch_end(epoch, logs)
            history.append(logs.get("board_accuracy"))
        live.on_train_end()
    finally:
        machine.kill()
    assert [accuracy is None for accuracy in history] == [True, False, True, False, False]
    assert history[1] == live.best == live.tried[1].accuracy
    assert all(math.isnan(accuracy or 0) for accuracy in history[3:])
    said = capsys.readouterr().out
    assert "epoch 2: " in said
    assert "epoch 4: nothing was measured on the board: " in said


def test_without_keras_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from host_sdk.errors import ToolMissingError

    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setitem(sys.modules, "keras.callbacks", None)
    monkeypatch.delitem(sys.modules, "host_sdk.training.live_board", raising=False)
    from host_sdk.training.live_board import LiveBoard

    with pytest.raises(ToolMissingError, match=r"xipnet\[quantize,train\]"):
        LiveBoard(None, [], [])
