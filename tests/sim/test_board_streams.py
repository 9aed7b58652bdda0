"""Streams on the board: windows, sensors, what is dropped, latency."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from host_sdk import Device
from host_sdk.media.sound import write_wav
from tests.sim.conftest import evaluate, example_model

pytestmark = pytest.mark.sim

FRAMES = 5
CHUNK, CHUNKS = 100, 8

# Gives 3 bytes at a time, then nothing once, and so on.
SLOW_SOURCE = """
class Slow:
    def __init__(self, data):
        self.data, self.waits, self.dropped = data, False, 7
    def readinto(self, buffer):
        self.waits = not self.waits
        if self.waits and self.data:
            return None
        part = self.data[:min(3, len(buffer))]
        buffer[:len(part)] = part
        self.data = self.data[len(part):]
        return len(part)
"""

CAMERA = """
camera = xipnet.Camera((8, 8, 1), FRAMES)
seen = []
for item in model.stream(camera):
    late_us = xipnet.ticks_us() - item.captured_us
    seen.append((list(model.outputs[0]), late_us, item.dropped))
"""

# Two chunks have a slot; the rest comes while nobody reads, and the end after it.
DEAF_MIC = """
mic = xipnet.Mic(8000, CHUNK, 2)
end_us = xipnet.ticks_us() + 20000000
while mic.dropped < CHUNKS - 2 and xipnet.ticks_us() < end_us:
    pass
heard = bytearray(10 * 2 * CHUNK)
parts = []
while True:
    n = mic.readinto(heard)
    if n == 0:
        break
    if n:
        parts.append((mic.captured_us, bytes(heard[:n])))
"""


def frames() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (8, 8), np.uint8) for _ in range(FRAMES)]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    folder = tmp_path_factory.mktemp("sensors")
    for i, frame in enumerate(frames()):
        Image.fromarray(frame).save(folder / f"{i}.png")
    sound = np.arange(-CHUNK * CHUNKS // 2, CHUNK * CHUNKS // 2, dtype=np.int16)
    write_wav(folder / "a.wav", sound, 8000)
    url = f"sim://cortex-m55?camera={folder}&fps=1000&mic={folder}/a.wav"
    with Device(url) as device:
        device.load_model(example_model("digits"))
        device.exec(f"import xipnet\nFRAMES, CHUNK, CHUNKS = {FRAMES}, {CHUNK}, {CHUNKS}")
        device.exec("model = xipnet.Model('digits')\n" + SLOW_SOURCE)
        yield device


def test_windows_slide_by_the_hop(board: Device) -> None:
    board.exec("data = bytes(i * 3 & 255 for i in range(100))\nlast = []")
    board.exec(
        "stream = model.stream(Slow(data), hop=10)\n"
        "windows = [(bytes(stream.window), item) for item in stream]"
    )
    whole = bytes(i * 3 & 255 for i in range(100))
    # 64 items, then 10 more each time; what is left at the end is no window.
    assert evaluate(board, "[w for w, _ in windows]") == [
        whole[at : at + 64] for at in (0, 10, 20, 30)
    ]
    board.exec("alone = [model.run_head(w) == item.result for w, item in windows]")
    assert evaluate(board, "alone") == [True] * 4
    times = evaluate(board, "[item.captured_us for _, item in windows]")
    assert times == sorted(times)
    assert evaluate(board, "[item.dropped for _, item in windows]") == [7] * 4


def test_the_time_is_the_sources(board: Device) -> None:
    board.exec("class Stamped(Slow): captured_us = 123")
    assert evaluate(board, "next(model.stream(Stamped(bytes(64)))).captured_us") == 123


@pytest.mark.parametrize("wrong", ["hop=0", "hop=65", "window=65", "window=10, hop=11"])
def test_wrong_windows_are_refused(board: Device, wrong: str) -> None:
    board.exec(f"try:\n    model.stream(Slow(b''), {wrong})\n    x = 0\nexcept ValueError: x = 1")
    assert evaluate(board, "x") == 1


def test_a_source_that_gives_too_much_is_refused(board: Device) -> None:
    board.exec(
        "class Liar:\n    def readinto(self, buffer): return len(buffer) + 1\n"
        "try:\n    next(model.stream(Liar()))\n    x = 0\nexcept ValueError: x = 1"
    )
    assert evaluate(board, "x") == 1


def test_camera_to_result(board: Device) -> None:
    board.exec(CAMERA)
    seen = evaluate(board, "seen")
    expected = [board.infer(frame, raw=True) for frame in frames()]
    assert [outputs for outputs, _, _ in seen] == [np.ravel(e).tolist() for e in expected]
    assert all(late_us > 0 and dropped == 0 for _, late_us, dropped in seen)


def test_what_finds_no_slot_is_dropped_and_counted(board: Device) -> None:
    board.exec(DEAF_MIC)
    parts = evaluate(board, "parts")
    start = -CHUNK * CHUNKS // 2
    wanted = [np.arange(start + at, start + at + CHUNK, dtype="<i2").tobytes() for at in (0, CHUNK)]
    assert [data for _, data in parts] == wanted
    assert evaluate(board, "mic.dropped") == CHUNKS - 2
    assert parts[0][0] < parts[1][0] < evaluate(board, "xipnet.ticks_us()")


def test_a_soft_reset_stops_the_sensors(board: Device) -> None:
    board.exec("camera = xipnet.Camera((8, 8), 1)")
    board.reset()
    board.exec("import xipnet\ncamera = xipnet.Camera((8, 8), 5)\nn = 0\nbuffer = bytearray(64)")
    board.exec("while n < 5: n += camera.readinto(buffer) == 64")
    assert evaluate(board, "bytes(buffer)") == frames()[-1].tobytes()


def test_a_board_without_files_has_sensors_that_end(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros(8, np.int16), 8000)
    with Device(f"sim://cortex-m4?mic={tmp_path}/a.wav") as device:
        device.exec("import xipnet\ncamera = xipnet.Camera((2, 2))\nbuffer = bytearray(4)")
        device.exec("while camera.readinto(buffer) is None: pass")
        assert evaluate(device, "camera.readinto(buffer)") == 0
