"""`import xipnet` on the board: models, the store, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from host_sdk import Device, InputError, ModelNotFoundError, PythonError
from host_sdk.inference.picture import prepare
from tests.sim.conftest import EXAMPLES, evaluate

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def board(coins_blob: bytes, digits_blob: bytes) -> Iterator[Device]:
    with Device("sim://cortex-m55") as device:
        device.load_model(digits_blob, "digits")
        device.load_model(coins_blob, "coins")
        device.exec("import gc, xipnet\nfrom xipnet import preprocess, store")
        yield device


def send(board: Device, name: str, data: bytes) -> None:
    """Brings bytes into a variable of the board."""
    board.exec(f"{name} = bytearray()")
    for at in range(0, len(data), 1024):
        board.exec(f"{name}.extend({data[at : at + 1024]!r})")


# ---- Models --------------------------------------------------------------------------------------


def test_results_are_views_of_the_arena(board: Device) -> None:
    board.exec("m = xipnet.Model('digits')\ny = m.run(bytes(len(m.inputs[0])))")
    assert evaluate(board, "type(y) is memoryview and len(y) == len(m.outputs[0])")
    first = evaluate(board, "bytes(y)")
    board.exec("m.run(b'\\x40' * len(m.inputs[0]))")
    assert evaluate(board, "bytes(y) == bytes(m.outputs[0])")
    assert evaluate(board, "bytes(y)") != first
    board.exec("m.close()")


def test_models_of_one_pool(board: Device) -> None:
    free = "xipnet.info()['arena_free']"
    board.exec("gc.collect()")
    before = evaluate(board, free)
    board.exec("with xipnet.Model('digits') as a, xipnet.Model('coins') as b: within = " + free)
    assert evaluate(board, "within") < before
    assert evaluate(board, free) == before
    board.exec("for i in range(50): xipnet.Model('coins')")
    board.exec("gc.collect()")
    assert evaluate(board, free) == before


def test_profile_names_each_step(board: Device) -> None:
    board.exec("m = xipnet.Model('coins')\np = m.profile()")
    seen = evaluate(board, "[(s.name, s.us) for s in p]")
    expected = [r.name for r in board.profile().rows]
    assert [name for name, _ in seen] == expected
    assert evaluate(board, "m.us") >= sum(us for _, us in seen) > 0
    board.exec("m.close()")


def test_info_tells_of_the_tensors(board: Device) -> None:
    board.exec("m = xipnet.Model('coins')\ni = m.info()\nm.close()")
    tensor = board.model().inputs[0]
    seen = evaluate(board, "i['inputs'][0]")
    assert tuple(seen["shape"]) == tensor.shape
    assert (seen["name"], seen["dtype"]) == (tensor.name, tensor.dtype)
    assert (seen["scale"], seen["zero_point"]) == (pytest.approx(tensor.scale), tensor.zero_point)
    assert evaluate(board, "i['arena']") > 0


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_of_any_size_gives_what_the_host_gives(board: Device, mode: str) -> None:
    picture = Image.open(EXAMPLES / "coins.png").convert(mode)
    picture = picture.resize((150, 120))
    board.activate("coins")
    expected = board.detect(picture)
    send(board, "frame", picture.tobytes())
    board.exec("m = xipnet.Model('coins')\nfound = m.detect(frame, shape=(120, 150))")
    ready = prepare(picture, board.model())
    seen = evaluate(board, "[(d.label, d.score, d.box) for d in found]")
    assert len(seen) == len(expected) > 0
    for (label, score, box), d in zip(seen, expected, strict=True):
        assert label == d.label
        assert score == pytest.approx(d.score, rel=1e-6)
        assert box == pytest.approx(d.box, rel=1e-5, abs=1e-4)
    assert ready.values.size == evaluate(board, "len(m.inputs[0])")
    board.exec("m.close()")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("m.run(b'', b'')", "TypeError: model has 1 inputs; got 2"),
        ("m.run(b'')", "ValueError: input 0 must have"),
        ("m.run(b'', size=3)", "TypeError: the only keyword is shape"),
        ("m.run(b'', shape=(3, 4))", "no picture of 3 rows, 4 columns, 0 channels"),
        ("m.run(bytes(13), shape=(3, 4))", "ValueError: buffer must have 12 bytes; has 13"),
        ("m.run(bytes(24), shape=(3, 4))", "a picture must have 1 or 3 channels"),
        ("m.classify(bytes(12), shape=(3, 4))", "no head gives results of kind"),
        ("xipnet.Model('none')", "no object of that name"),
        ("xipnet.Model('x' * 40)", "bytes of the name 40, limit 39"),
    ],
)
def test_a_model_refuses_in_words(board: Device, source: str, message: str) -> None:
    board.exec("m = xipnet.Model('coins')")
    with pytest.raises(PythonError) as refusal:
        board.exec(source)
    assert message in refusal.value.traceback
    board.exec("m.close()")


# ---- The store -----------------------------------------------------------------------------------


def test_store_reads_and_writes(board: Device) -> None:
    board.exec("store.write('notes.txt', b'hello')\nstore.write('tool.py', 'x = 1')")
    found = {o["name"]: o["type"] for o in evaluate(board, "store.list()")}
    assert (found["notes.txt"], found["tool.py"], found["coins"]) == ("data", "script", "blob")
    assert evaluate(board, "store.read('notes.txt')") == b"hello"
    assert board.get("notes.txt") == b"hello"
    board.exec("store.write('notes.txt', bytes(10000))\nstore.delete('tool.py')")
    assert board.get("notes.txt") == bytes(10000)
    board.exec("store.delete('notes.txt')")
    assert not {"notes.txt", "tool.py"} & {o.name for o in board.ls()}


def test_reading_the_store_takes_no_memory(board: Device) -> None:
    board.exec("gc.collect(); before = gc.mem_free(); v = store.read('coins')")
    assert evaluate(board, "before - gc.mem_free()") < 1000
    (size,) = (o.size_bytes for o in board.models() if o.name == "coins")
    assert evaluate(board, "len(v)") == size
    with pytest.raises(PythonError, match="TypeError"):
        board.exec("v[0] = 1")


def test_a_blob_that_is_none_is_not_stored(board: Device) -> None:
    with pytest.raises(PythonError, match=r"xipnet|Error: "):
        board.exec("store.write('bad', bytes(store.read('coins')[:200]) + bytes(4000))")
    assert "bad" not in {o.name for o in board.ls()}


# ---- Pictures ------------------------------------------------------------------------------------


def test_resize_letterbox_and_crop(board: Device) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (48, 64, 3), np.uint8)
    picture = Image.fromarray(pixels)
    send(board, "px", pixels.tobytes())
    resized = evaluate(board, "preprocess.resize(px, (48, 64), (30, 40))")
    assert resized == picture.resize((40, 30), Image.Resampling.BILINEAR).tobytes()
    nearest = evaluate(board, "preprocess.resize(px, (48, 64), (24, 32), nearest=True)")
    assert nearest == pixels[1::2, 1::2].tobytes()
    boxed = evaluate(board, "preprocess.letterbox(px, (48, 64), (32, 32), fill=7)")
    expected = Image.new("RGB", (32, 32), (7, 7, 7))
    expected.paste(picture.resize((32, 24), Image.Resampling.BILINEAR), (0, 4))
    assert boxed == expected.tobytes()
    cut = evaluate(board, "preprocess.crop(px, (48, 64), (10, 20, 30, 5))")
    assert cut == pixels[20:25, 10:40].tobytes()
    assert (
        evaluate(board, "preprocess.convert(px, 'rgb', 'gray')") == picture.convert("L").tobytes()
    )


def test_results_go_where_they_are_wanted(board: Device) -> None:
    board.exec("out = bytearray(12)\nsame = preprocess.resize(bytes(48), (4, 4), (2, 2), out=out)")
    assert evaluate(board, "same is out")
    board.exec("q = preprocess.quantise(bytes((0, 128, 255)), 1, 0, mean=128)")
    assert evaluate(board, "list(q)") == [-128, 0, 127]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("resize(bytes(12), (3, 3), (2, 2))", "buffer must have 9 bytes; has 12"),
        ("resize(bytes(12), (-1, 3), (2, 2))", "no picture of -1 rows"),
        ("resize(bytes(12), (70000, 70000), (2, 2))", "no picture of 70000 rows"),
        ("resize(bytes(9), (3, 3), (0, 2))", "no picture of 0 rows"),
        ("resize(bytes(9), (3, 3), (2, 2), out=bytearray(5))", "must have 4 bytes; has 5"),
        ("resize(bytes(9), (3, 3), (2, 2), out=bytes(4))", "object with buffer protocol"),
        ("crop(bytes(9), (3, 3), (1, 1, 3, 1))", "the area is not within the picture"),
        ("crop(bytes(9), (3, 3), (-1, 0, 1, 1))", "the area is not within the picture"),
        ("convert(bytes(9), 'rgb', 'rgb565')", "the target must be gray or rgb"),
        ("convert(bytes(8), 'rgb', 'gray')", "buffer must have 6 bytes; has 8"),
        ("convert(bytes(9), 'yuv', 'gray')", "format must be"),
        ("quantise(bytes(4), 1, 0, mean=(1, 2, 3))", "buffer must have 3 bytes; has 4"),
    ],
)
def test_pictures_are_checked(board: Device, source: str, message: str) -> None:
    with pytest.raises(PythonError) as refusal:
        board.exec(f"preprocess.{source}")
    assert message in refusal.value.traceback


def test_ticks_and_latency(board: Device) -> None:
    board.exec("t = xipnet.ticks_us(); import time; time.sleep_ms(5)")
    assert evaluate(board, "xipnet.ticks_us() - t") >= 5000


# ---- Files ---------------------------------------------------------------------------------------


def test_put_get_ls_rm(board: Device, tmp_path: Path) -> None:
    script = tmp_path / "tool.py"
    script.write_text("x = 1\n" * 2000)
    assert board.put(script).name == "tool.py"
    assert board.put("copy.mpy", script).sent_bytes == 0
    board.put("table.bin", bytes(range(256)) * 33)
    types = {o.name: o.type for o in board.ls()}
    assert (types["tool.py"], types["copy.mpy"], types["table.bin"]) == ("script", "script", "data")
    assert board.get("tool.py") == script.read_bytes()
    assert board.get("table.bin") == bytes(range(256)) * 33
    for name in ("tool.py", "copy.mpy", "table.bin"):
        board.rm(name)
    with pytest.raises(ModelNotFoundError):
        board.get("tool.py")


def test_put_refuses_what_cannot_be_stored(board: Device, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must have at least 1 byte"):
        board.put("empty.py", b"")
    with pytest.raises(InputError, match="cannot be read"):
        board.put(tmp_path / "none.py")


def test_help_names_what_the_module_has(board: Device) -> None:
    text = board.exec("help()")
    for name in evaluate(board, "[n for n in dir(xipnet) if n[0] != '_' and n != 'Error']"):
        assert name in text
    for name in evaluate(board, "[n for n in dir(xipnet.store) + dir(preprocess) if n[0] != '_']"):
        assert name in text
    assert "letterbox" in board.exec("help(preprocess)")
