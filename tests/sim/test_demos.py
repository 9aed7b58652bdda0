"""`xipnet demo faces`, with a small network in place of the one that it downloads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from host_sdk.cli import main
from host_sdk.cli.wheel import Wheel
from tests.make_graph import CONV, POOL, GraphBuilder
from tests.make_tflite import make_tflite

pytestmark = pytest.mark.sim


def small_network() -> bytes:
    """Make a network of 32x32 pixels with BlazeFace's outputs, which finds red."""
    b = GraphBuilder()
    image = b.input(1, 32, 32, 3, dtype="float32")
    codes: list[int] = []
    scores: list[int] = []
    for stride, boxes in ((8, 2), (16, 6)):
        side = 32 // stride
        pool = {**POOL, "stride_h": stride, "stride_w": stride}
        pool |= {"filter_height": stride, "filter_width": stride}
        cells = b.tensor(1, side, side, 3, dtype="float32")
        b.op("AVERAGE_POOL_2D", (image,), cells, **pool)
        for width, outputs in ((16, codes), (1, scores)):
            weights = np.zeros((boxes * width, 1, 1, 3), np.float32)
            bias = np.zeros((boxes, width), np.float32)
            if width == 1:
                weights[:], bias[:] = [4, 0, -4], -2  # the more red than blue, the better
            else:
                bias[:, 2:4] = 40  # w and h; all else is in the anchor's centre
            made = b.tensor(1, side, side, boxes * width, dtype="float32")
            constants = (b.constant(weights, "float32"), b.constant(bias.ravel(), "float32"))
            b.op("CONV_2D", (cells, *constants), made, **CONV)
            shape = np.array([1, side * side * boxes, width])
            flat = b.tensor(*shape.tolist(), dtype="float32")
            b.op("RESHAPE", (made, b.constant(shape, "int32")), flat)
            outputs.append(flat)
    joined = [b.tensor(1, 56, width, dtype="float32") for width in (16, 1)]
    for parts, whole in zip((codes, scores), joined, strict=True):
        b.op("CONCATENATION", parts, whole, axis=1, fused_activation_function="NONE")
    return make_tflite(b.graph(*joined))


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m55"])
def test_demo_draws_faces_and_their_points(
    cpu: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = small_network()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Wheel, "member", lambda *_: network)
    shown = CliRunner().invoke(main, ["demo", "faces", "--board", cpu])
    assert shown.exit_code == 0, shown.output
    assert "A face with eyes at " in shown.output
    with Image.open(tmp_path / "out" / "faces_detected.png") as picture:
        colours = {colour for _, colour in picture.getcolors(1 << 24) or []}
    assert {(0xE6, 0x9F, 0x00), (0xCC, 0x79, 0xA7)} <= colours  # a box, a last point
