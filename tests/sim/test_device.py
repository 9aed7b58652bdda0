"""The SDK with the real firmware on a virtual board."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from host_sdk import (
    BlobError,
    Device,
    LinkError,
    ModelNotFoundError,
    NoModelError,
    PortBusyError,
    PythonError,
    StepFaultError,
    StoreFullError,
)
from relocatable import compile_model, run
from relocatable.blob.blob import Blob, Entry, Golden, Io, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M
from tests.sim.conftest import EXAMPLES, NoisyTransport, PluggedBoard, example_model, infer_one

pytestmark = pytest.mark.sim

FAULTS = struct.pack("<3H", 0x2000, 0x6800, 0x4770)  # reads address 0
ADD_ONE = struct.pack("<6H", 0x6801, 0x780A, 0x3201, 0x740A, 0x2000, 0x4770)


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with Device("sim://cortex-m55") as device:
        yield device


def blob_by_hand(code: bytes, golden: Golden | None = None) -> bytes:
    """Make a blob of one step of machine code: uint8 [1] in, uint8 [1] out."""
    variant = Variant(CORTEX_M.number, 60, 0, code.ljust(16, b"\0"), b"", (0,), 64, 64)
    tensor = {"shape": [1], "dtype": "uint8", "scale": None, "zero_point": None}
    metadata = {
        "name": "by hand",
        "tool": "test",
        "targets": ["cortex-m0plus"],
        "tensors": [{"name": "x", **tensor, "offset": 0}, {"name": "y", **tensor, "offset": 16}],
        "inputs": [{"name": "x", **tensor, "tensor": 0}],
        "outputs": [{"name": "y", **tensor, "tensor": 1}],
        "steps": [{"name": "y", "op": "BY_HAND", "macs": 0, "weights": 0, "outputs": [1]}],
    }
    ios = (Io(0, 1),), (Io(16, 1),)
    return Blob((variant,), *ios, (Entry(0, 1),), metadata, golden).pack()


# ---- Models --------------------------------------------------------------------------------------


def test_infer_equals_the_host(board: Device) -> None:
    model = example_model("coins")
    board.load_model(model)
    tensor = board.model().inputs[0]
    x = np.random.default_rng(3).integers(0, 256, tensor.shape).astype(tensor.dtype)
    expected = run(compile_model(model, target="host"), x)
    np.testing.assert_array_equal(board.infer(x, raw=True), expected)


def test_detect_finds_the_coins(board: Device, coins_blob: bytes) -> None:
    board.load_model(coins_blob, "coins")
    found = board.detect(EXAMPLES / "coins.png")
    assert 20 <= len(found) <= 26
    assert {d.label for d in found} == {"coin"}
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
    for d in found:
        x0, y0, x1, y1 = d.box
        assert 0 <= x0 < x1 <= found.picture.width
        assert 0 <= y0 < y1 <= found.picture.height
    strict = board.detect(EXAMPLES / "coins.png", threshold=0.9)
    assert list(strict) == [d for d in found if d.score >= 0.9]


def test_classify_reads_digits(board: Device, digits_blob: bytes) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    board.load_model(digits_blob, "digits")
    pictures = (digits.images[-20:] * 15.9375).astype(np.uint8)
    right = sum(
        board.classify(picture)[0].label == str(label)
        for picture, label in zip(pictures, digits.target[-20:], strict=True)
    )
    assert right >= 18


def test_the_same_model_is_not_sent_again(board: Device, digits_blob: bytes) -> None:
    board.load_model(digits_blob, "digits")
    again = board.load_model(digits_blob, "digits")
    assert again.sent_bytes == 0
    assert again.golden
    renamed = board.load_model(digits_blob, "copy", activate=False)
    assert renamed.sent_bytes == 0
    board.rm("copy")


def test_two_models_take_turns(board: Device, coins_blob: bytes, digits_blob: bytes) -> None:
    board.load_model(coins_blob, "coins")
    board.load_model(digits_blob, "digits")
    for name in ("coins", "digits", "coins"):
        board.activate(name)
        assert board.model().name == name
        assert [o.name for o in board.models() if o.active] == [name]
    with pytest.raises(ModelNotFoundError):
        board.activate("nobody")
    with pytest.raises(ModelNotFoundError):
        board.rm("nobody")


def test_profile_measures_each_step(board: Device, coins_blob: bytes) -> None:
    board.load_model(coins_blob, "coins")
    profile = board.profile()
    assert len(profile.rows) == len(board.model().steps)
    assert sum(r.us for r in profile.rows) <= profile.us
    assert sum(r.share for r in profile.rows) == pytest.approx(1)


def test_the_board_names_its_steps(board: Device, coins_blob: bytes) -> None:
    board.load_model(coins_blob, "coins")
    board.exec("import xipnet\nwith xipnet.Model('coins') as model: profile = model.profile()")
    names = [step.name for step in board.model().steps]
    assert board.eval("[step.name for step in profile]") == names


def test_a_blob_that_computes_otherwise_than_its_golden_vector_is_not_taken(
    board: Device, digits_blob: bytes
) -> None:
    board.load_model(digits_blob, "digits")
    good = blob_by_hand(ADD_ONE, Golden(outputs=b"\x08", inputs=b"\x07"))
    bad = blob_by_hand(ADD_ONE, Golden(outputs=b"\x09", inputs=b"\x07"))
    board.load_model(good, "hand")
    assert infer_one(board, np.array([41], np.uint8)).item() == 42
    with pytest.raises(BlobError, match="golden"):
        board.load_model(bad, "hand")
    assert infer_one(board, np.array([1], np.uint8)).item() == 2
    board.rm("hand")


def test_a_full_store_is_said_and_nothing_is_sent(board: Device) -> None:
    with pytest.raises(StoreFullError):
        board.put("huge", bytes(20_000_000))
    assert "huge" not in [o.name for o in board.ls()]


# ---- Python --------------------------------------------------------------------------------------


def test_exec_gives_what_was_printed(board: Device) -> None:
    assert board.exec("for i in range(3): print(i, 'é')") == "0 é\r\n1 é\r\n2 é\r\n"
    board.exec("answer = 42")
    assert board.eval("{'answer': answer, 1: (2, 0.5, None, b'x')}") == {
        "answer": 42,
        1: [2, 0.5, None, b"x"],
    }


def test_an_exception_comes_with_the_boards_traceback(board: Device) -> None:
    with pytest.raises(PythonError, match="ZeroDivisionError") as caught:
        board.exec("print('so far')\ndef f():\n    return 1 // 0\nf()")
    assert "line 3, in f" in caught.value.traceback
    assert caught.value.output == "so far\r\n"
    with pytest.raises(PythonError, match="TypeError"):
        board.eval("object()")
    with pytest.raises(PythonError, match="SyntaxError"):
        board.exec("def")


def test_a_script_longer_than_a_frame(board: Device) -> None:
    lines = "".join(f"total += {i}  # {'x' * 40} é\n" for i in range(300))
    assert board.exec("total = 0\n" + lines + "print(total)") == "44850\r\n"


def test_an_endless_script_is_interrupted_while_a_model_runs(
    board: Device, digits_blob: bytes
) -> None:
    board.load_model(digits_blob, "digits")
    errors: list[PythonError] = []

    def endless() -> None:
        try:
            board.exec("while True: pass")
        except PythonError as error:
            errors.append(error)

    thread = threading.Thread(target=endless)
    thread.start()
    for _ in range(20):  # more requests than the board can hold, were one to stay
        assert board._session.call("ping", 1) == 1
    assert infer_one(board, np.zeros(board.model().inputs[0].shape)).shape[-1] == 10
    board.interrupt()
    thread.join(20)
    assert "KeyboardInterrupt" in str(errors[0])


def test_typing_at_the_prompt(board: Device) -> None:
    board.stdout.read()
    board.write_text(b"print(6 * 7)\r")
    deadline, text = time.monotonic() + 10, ""
    while "42\r\n>>> " not in text and time.monotonic() < deadline:
        text += board.stdout.read()
        time.sleep(0.02)
    assert "42\r\n>>> " in text


# ---- The board -----------------------------------------------------------------------------------


def test_info_and_reset(board: Device) -> None:
    before = board.info()
    assert (before.board, before.cpu) == ("mps3_an547", "cortex-m55")
    board.exec("kept = 1")
    board.reset()
    after = board.info()
    assert after.boot.cause == "reset"
    assert after.boot.resets == before.boot.resets + 1
    with pytest.raises(PythonError, match="NameError"):
        board.eval("kept")


def test_a_fault_names_its_step_and_costs_no_restart(board: Device) -> None:
    board.load_model(blob_by_hand(FAULTS), "faulty")
    resets = board.info().boot.resets
    with pytest.raises(StepFaultError, match="a step faulted: step 0 at 0x"):
        board.infer(np.array([1], np.uint8))
    assert board.info().boot.resets == resets
    board.rm("faulty")


def test_a_killed_board_has_its_model_at_the_next_start(tmp_path: Path, digits_blob: bytes) -> None:
    flash = tmp_path / "flash"
    first = PluggedBoard(flash)
    with Device(first.transport) as device:
        with pytest.raises(NoModelError):
            device.model()
        device.load_model(digits_blob, "digits")
        x = np.zeros(device.model().inputs[0].shape)
        expected = device.infer(x)
        os.kill(first.qemu.pid, signal.SIGKILL)
        with pytest.raises(LinkError):
            device.infer(x)
    with Device(f"sim://cortex-m55?flash={flash}") as device:
        assert [(o.name, o.active) for o in device.models()] == [("digits", True)]
        np.testing.assert_array_equal(device.infer(x), expected)
        assert device.load_model(digits_blob, "digits").sent_bytes == 0


def test_a_killed_board_keeps_the_old_model_and_resumes_the_upload(
    tmp_path: Path, digits_blob: bytes, coins_blob: bytes
) -> None:
    flash = tmp_path / "flash"
    first = PluggedBoard(flash)

    def pull(done: int, total: int) -> None:
        if done > total // 2:
            with contextlib.suppress(ProcessLookupError):  # answers that came before
                os.kill(first.qemu.pid, signal.SIGKILL)

    with Device(first.transport) as device:
        device.load_model(digits_blob, "net")
        with pytest.raises(LinkError):
            device.load_model(coins_blob, "net", progress=pull)
    with Device(f"sim://cortex-m55?flash={flash}") as device:
        assert [o.sha256 for o in device.models()] == [hashlib.sha256(digits_blob).digest()]
        assert infer_one(device, np.zeros(device.model().inputs[0].shape)).shape[-1] == 10
        device.load_model(coins_blob, "net")
        assert len(device.detect(EXAMPLES / "coins.png")) >= 20


def test_a_flash_file_has_one_user(tmp_path: Path) -> None:
    port = f"sim://cortex-m55?flash={tmp_path / 'flash'}"
    with Device(port), pytest.raises(PortBusyError, match="in use by another simulator"):
        Device(port)
    with Device(port) as device:
        assert device.models() == []


def test_a_bad_wire_costs_time_only(plugged: PluggedBoard, digits_blob: bytes) -> None:
    wire = NoisyTransport(plugged.transport, 0.0)
    with Device(wire) as device:
        wire.rate = 2e-4
        device.load_model(digits_blob, "digits")
        x = np.random.default_rng(1).random(device.model().inputs[0].shape)
        outputs = [device.infer(x) for _ in range(30)]
        texts = [device.eval(f"'{i}' * 20") for i in range(10)]
        wire.rate = 0.0
        expected = device.infer(x)
        for y in outputs:
            np.testing.assert_array_equal(y, expected)
        assert texts == [str(i) * 20 for i in range(10)]
        assert wire.corrupted >= 3


def test_no_qemu_stays_behind() -> None:
    board = PluggedBoard()
    pid = board.qemu.pid
    Device(board.transport).close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_model_runs_while_the_next_one_comes(
    board: Device, digits_blob: bytes, coins_blob: bytes
) -> None:
    board.load_model(digits_blob, "digits")
    if "coins" in [o.name for o in board.models()]:
        board.rm("coins")
    x = np.zeros(board.model().inputs[0].shape, np.uint8)
    runs = 0
    upload_thread = threading.Thread(
        target=board.load_model, args=(coins_blob, "coins"), kwargs={"activate": False}
    )
    upload_thread.start()
    while upload_thread.is_alive():
        assert infer_one(board, x).shape == (1, 10)
        runs += 1
    assert runs > 5
