from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host_sdk import (
    CompileError,
    Device,
    DtypeError,
    InputError,
    ModelFileError,
    ModelNotFoundError,
    NoHeadError,
    NoModelError,
    ProtocolError,
    PythonError,
    ShapeError,
    StoreFullError,
)
from host_sdk.errors import BlobCpuError
from host_sdk.link.messages import Failure, Reply, Request
from tests.unit.host_sdk.blobs import adder_metadata, make_blob
from tests.unit.host_sdk.conftest import Connect, tell_steady_times
from tests.unit.host_sdk.scripted_board import Refused, ScriptedBoard
from tests.unit.relocatable.test_own_operators import EXAMPLE as OWN_OPERATORS
from tests.unit.relocatable.test_own_operators import model as own_model

# ---- Loading -------------------------------------------------------------------------------------


def test_a_blob_is_uploaded_once(connect: Connect, tmp_path: Path) -> None:
    board, device = connect()
    path = tmp_path / "adds.bin"
    path.write_bytes(make_blob())
    first, again = device.load_model(path), device.load_model(str(path))
    assert 0 < first.sent_bytes == board.data_bytes <= path.stat().st_size
    assert device.get("adds") == path.read_bytes()
    assert again.sent_bytes == 0
    assert (first.name, first.active, first.golden) == ("adds", True, True)
    assert [(o.name, o.active, o.type) for o in device.models()] == [("adds", True, "blob")]


def test_a_model_with_operators_of_ones_own(connect: Connect) -> None:
    _, device = connect()
    with pytest.raises(CompileError, match="is CUSTOM ThresholdedRelu"):
        device.load_model(own_model(), "own")
    assert device.load_model(own_model(), "own", ops=str(OWN_OPERATORS)).active
    with pytest.raises(InputError, match="ops and weights are for"):
        device.load_model(make_blob(), ops=str(OWN_OPERATORS))


def test_bytes_take_the_name_of_the_blob_or_the_one_given(connect: Connect) -> None:
    _, device = connect()
    assert device.load_model(make_blob()).name == "adds"
    assert device.load_model(make_blob(), "other", activate=False).name == "other"
    assert [(o.name, o.active) for o in device.models()] == [("adds", True), ("other", False)]


def test_an_interrupted_upload_goes_on(connect: Connect) -> None:
    board, device = connect()
    blob = make_blob(fill=b"0123456789abcdef" * 64)
    calls = 0

    def refuse_third(request: Request) -> None:
        nonlocal calls
        calls += request.method == "put_data"
        if request.method == "put_data" and calls == 3:
            board.give(Reply(request.id, Failure(-24, "flash did not take a program")))
        else:
            board.pass_on(request)

    board.take = refuse_third
    with pytest.raises(Exception, match="did not take"):
        device.load_model(blob)
    loaded = device.load_model(blob)
    assert 0 < loaded.sent_bytes < len(blob)
    assert device.get("adds") == blob


def test_progress_counts_up_to_the_end(connect: Connect) -> None:
    _, device = connect()
    blob = make_blob(fill=bytes(range(256)) * 20)
    seen: list[tuple[int, int]] = []
    device.load_model(blob, progress=lambda done, total: seen.append((done, total)))
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
    assert (seen[0], seen[-1]) == ((0, len(blob)), (len(blob), len(blob)))


def test_a_full_store_is_said(connect: Connect) -> None:
    board, device = connect(flash_bytes=1 << 16)
    with pytest.raises(StoreFullError, match=r"put_begin\('adds'\): no free run of sectors"):
        device.load_model(make_blob(fill=bytes(1000)))
    assert board.data_bytes == 0


def test_a_blob_for_another_cpu_is_refused_before_it_is_sent(connect: Connect) -> None:
    board, device = connect()
    for blob in (make_blob(family=1), make_blob(features=1 << 9)):
        with pytest.raises(BlobCpuError, match="is for cortex-m3, the board has a host"):
            device.load_model(blob)
    assert board.data_bytes == 0


@pytest.mark.parametrize("cut", [0, 3, 60, 130, -1])
def test_a_damaged_blob_is_refused_before_it_is_sent(connect: Connect, cut: int) -> None:
    board, device = connect()
    with pytest.raises(ModelFileError, match=r"neither|must be a blob|is a damaged blob"):
        device.load_model(make_blob()[:cut])
    assert board.data_bytes == 0


def test_files_that_are_no_models(connect: Connect, tmp_path: Path) -> None:
    _, device = connect()
    with pytest.raises(ModelFileError, match=r"none\.bin cannot be read: No such file"):
        device.load_model(tmp_path / "none.bin")
    (tmp_path / "a.bin").write_text("hello world")
    with pytest.raises(ModelFileError, match=r"a\.bin starts with b'hello wo'"):
        device.load_model(tmp_path / "a.bin")
    with pytest.raises(InputError, match="a blob already"):
        device.load_model(make_blob(), head={"head": "grid"})


def test_more_objects_than_a_page(connect: Connect) -> None:
    _, device = connect()
    for i in range(40):
        device.put(f"o{i}", b"x")
    assert [o.name for o in device.ls()] == [f"o{i}" for i in range(40)]
    assert device.models() == []


def test_activate_and_delete(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob(), activate=False)
    device.activate("adds")
    assert device.models()[0].active
    device.rm("adds")
    for call in (device.rm, device.activate):
        with pytest.raises(ModelNotFoundError, match="no object of that name"):
            call("adds")


def test_old_names_work_and_say_the_new_ones(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob())
    with pytest.warns(DeprecationWarning, match=r"Device\.objects is deprecated: use Device\.ls; "):
        assert device.objects() == device.ls()
    with pytest.warns(DeprecationWarning, match=r"use Device\.rm; version 0\.2 has only that"):
        device.delete("adds")
    assert device.ls() == []
    board = ScriptedBoard()
    with (
        pytest.warns(DeprecationWarning, match=r"use Device\(max_baud=\.\.\.\)") as caught,
        pytest.raises(InputError, match="max_baud must be"),
    ):
        Device(board.transport, baudrate=-1)
    assert caught[0].filename == __file__
    board.close()


# ---- Running -------------------------------------------------------------------------------------


def test_infer_in_quantised_and_real_values(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob())
    raw = np.arange(8, dtype=np.int8).reshape(1, 8)
    np.testing.assert_array_equal(device.infer(raw, raw=True), raw + 1)
    real = (raw.astype(np.float32) - 3) * 0.5
    y = device.infer(real)
    np.testing.assert_array_equal(y, real + 0.5)
    assert isinstance(y, np.ndarray)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(device.infer(real[0].tolist()), real + 0.5)


def test_inputs_and_outputs_longer_than_a_frame(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob(n=5000))
    x = np.random.default_rng(0).integers(-128, 127, (1, 5000), np.int8)
    np.testing.assert_array_equal(device.infer(x, raw=True), x + 1)


def test_inputs_that_do_not_fit(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob())
    with pytest.raises(ShapeError, match=r"'x' must have shape \[1, 8\].*has \[7\]"):
        device.infer(np.zeros(7))
    with pytest.raises(DtypeError, match="'x' must be int8 or, as real values, float; is uint8"):
        device.infer(np.zeros(8, np.uint8))
    with pytest.raises(ShapeError, match=r"must get 1 inputs \('x' int8 \[1, 8\]\); got 2"):
        device.infer(np.zeros(8), np.zeros(8))
    with pytest.raises(InputError, match="no NaN"):
        device.infer(np.full(8, np.nan))


def test_no_model_and_no_head(connect: Connect) -> None:
    _, device = connect()
    with pytest.raises(NoModelError, match="model: no model is active"):
        device.infer(np.zeros(8))
    device.load_model(make_blob())
    with pytest.raises(NoHeadError, match="'adds' gives no detections: name a head that does"):
        device.detect(np.zeros((4, 4), np.uint8))
    with pytest.raises(NoHeadError, match="classes"):
        device.classify(np.zeros((4, 4), np.uint8))


def test_damaged_metadata_is_said(connect: Connect) -> None:
    _, device = connect()
    for changes, message in (
        ({"inputs": [7]}, r"metadata of 'adds': 'inputs' 0: must be a map"),
        ({"tensors": 3}, "'tensors' must be a list; is 3"),
    ):
        device.load_model(make_blob(metadata={**adder_metadata(8), **changes}))
        with pytest.raises(ProtocolError, match=message):
            device.model()


def test_profile_names_each_step(connect: Connect) -> None:
    board, device = connect()
    tell_steady_times(board)
    device.load_model(make_blob())
    profile = device.profile()
    assert [(r.name, r.us, r.macs) for r in profile.rows] == [("a", 1000, 10), ("b", 500, 10)]
    assert profile.rows[0].share == pytest.approx(2 / 3)
    assert repr(profile).splitlines()[0] == "adds: 1.50 ms in 2 steps"
    assert "<table>" in profile._repr_html_()


def picture_blob(kind: int, raw: bytes) -> bytes:
    """Make a model of a picture [1, 20, 40, 1], whose head gives these bytes."""
    metadata = adder_metadata(800, labels=["cat", "dog"])
    metadata["inputs"][0] |= {"shape": [1, 20, 40, 1]}
    return make_blob(n=800, results=((kind, raw),), metadata=metadata)


def test_detect_gives_boxes_in_the_pictures_pixels(connect: Connect) -> None:
    items = [(0.25, 0.0, 0.5, 1.0, 0.9, 1), (0.0, 0.5, 0.2, 0.6, 0.4, 7)]
    raw = struct.pack("<4I", 2, 0, 0, 0) + b"".join(struct.pack("<5fi", *i) for i in items)
    board, device = connect()
    tell_steady_times(board)
    device.load_model(picture_blob(1, raw + bytes(48)))
    picture = np.zeros((100, 100), np.uint8)  # fitted: 20x20, 10 columns of bars at each side
    found = device.detect(picture)
    assert found[0].label == "dog"
    assert found[0].box == pytest.approx((0, 0, 50, 100))
    assert found[1].label == "7"
    assert found[1].box == pytest.approx((0, 50, 0, 60))
    assert len(device.detect(picture, threshold=0.5)) == 1
    params: Any = board.requests[-1].params
    (sent,) = params[1]
    assert (sent[0] if isinstance(sent, list) else len(sent)) == 800  # packed, or as it is
    assert found.draw().size == (100, 100)
    assert repr(found).startswith("2 detections in 100x100, 1.5 ms\nlabel  score")
    assert 'src="data:image/png;base64,' in found._repr_html_()
    assert found._repr_png_().startswith(b"\x89PNG")
    assert found.to_json()[0]["label"] == "dog"
    assert len(found[:1]) == 1


def test_classify_gives_labels(connect: Connect) -> None:
    raw = struct.pack("<4I", 2, 0, 0, 0) + struct.pack("<if if", 1, 0.75, 0, 0.25)
    board, device = connect()
    tell_steady_times(board)
    device.load_model(picture_blob(2, raw))
    found = device.classify(np.zeros((20, 40), np.uint8))
    assert [(c.label, c.score) for c in found] == [("dog", 0.75), ("cat", 0.25)]
    assert repr(found).startswith("2 classes, 1.5 ms")
    assert "dog" in found._repr_html_()


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xff\xff\xff" + bytes(12), struct.pack("<4I", 1, 0, 0, 0)]
)
def test_a_result_shorter_than_its_count_is_said(connect: Connect, raw: bytes) -> None:
    board, device = connect()
    board.alter["run"] = lambda run: {**run, "result": raw, "size": len(raw)}
    device.load_model(picture_blob(1, bytes(64)))
    with pytest.raises(ProtocolError, match="count must be at most"):
        device.detect(np.zeros((20, 40), np.uint8))


# ---- Python, text, the board ---------------------------------------------------------------------


def test_exec_gives_what_was_printed(connect: Connect) -> None:
    heard: list[str] = []
    board, device = connect()
    device.stdout.listener = heard.append
    board.print("before\n")
    assert device.eval("1") == 1
    assert device.exec("hello\n") == "hello\n"
    assert device.stdout.read() == "before\n"
    assert "".join(heard) == "before\nhello\n"


def test_a_long_source_is_sent_in_parts(connect: Connect) -> None:
    board, device = connect()
    space: dict[str, object] = {"printed": []}
    board.on_exec = lambda source: exec(source, space)
    lines = [f"printed.append('é{i} \"')\n" for i in range(300)]
    device.exec("".join(lines))
    assert space["printed"] == [f'é{i} "' for i in range(300)]
    assert "_xipnet_source" not in space


def test_an_exception_carries_the_boards_traceback(connect: Connect) -> None:
    board, device = connect()

    def fail(source: str) -> None:
        board.print("so far\n")
        raise Refused(-80, "the code raised", "Traceback:\nZeroDivisionError: divide by zero")

    board.on_exec = fail
    with pytest.raises(PythonError, match="ZeroDivisionError: divide by zero") as caught:
        device.exec("1/0")
    assert caught.value.traceback.startswith("Traceback")
    assert caught.value.output == "so far\n"
    assert device.eval("6 * 7") == 42


def test_a_listener_that_fails_does_not_stop_the_link(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    board, device = connect()
    device.stdout.listener = lambda text: print(1 / 0)
    board.print("x")
    assert device.eval("1") == 1
    assert "listener failed" in capsys.readouterr().err


def test_text_goes_to_the_board(connect: Connect) -> None:
    board, device = connect()
    device.write_text(b"\x03print(1)\r")
    device.eval("1")
    assert board.typed == b"\x03print(1)\r"
    with pytest.raises(ProtocolError, match="00 byte"):
        device.write_text(b"a\0b")


def test_reset_waits_for_the_board(connect: Connect) -> None:
    board, device = connect()
    started = time.monotonic()
    device.reset()
    assert time.monotonic() - started < 5
    assert [m for _, m in dict.fromkeys(board.executed)] == ["hello", "reset", "hello"]


def test_a_device_shows_itself(connect: Connect) -> None:
    _, device = connect()
    assert repr(device) == "<Device memory://: host (host), firmware 0.1.0>"
    free_bytes = (1 << 20) - 2 * 32768  # the log has the rest
    assert f"{free_bytes:,} of 1,048,576 bytes free" in device._repr_html_()
    assert device.is_open
    device.close()
    assert not device.is_open
