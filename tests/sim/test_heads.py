"""The firmware and the SDK read the result of a head that neither has heard of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from host_sdk import Device, NoHeadError, PythonError
from relocatable import compile_model
from relocatable.blob.blob import RESULT_DESCRIBED, Blob, Entry, Io, Variant
from relocatable.blob.host import HostModel
from relocatable.targets.arm import FAMILY as CORTEX_M
from tests.conftest import ROOT
from tests.dummy_head import MOST, compile_with_new_head
from tests.sim.conftest import example_model

pytestmark = pytest.mark.sim

# Thumb code that every Cortex-M runs: return 0.
RETURN_0 = b"\x00\x20\x70\x47"
FIELD = {"name": "x", "dtype": "float32", "offset": 4, "count": 1, "role": "value"}


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Compile the digits' model with a new head, by target."""
    return {
        target: compile_with_new_head(
            tmp_path_factory.mktemp(target), example_model("digits"), target
        )
        for target in ("host", "cortex-m4")
    }


@pytest.fixture(scope="module", params=["cortex-m4", "cortex-m55"])
def board(request: pytest.FixtureRequest, blobs: dict[str, bytes]) -> Iterator[Device]:
    with Device(f"sim://{request.param}") as device:
        device.load_model(blobs["cortex-m4"], "above")
        device.exec("import xipnet\nm = xipnet.Model('above')")
        yield device


def on_host(blobs: dict[str, bytes], pixels: np.ndarray[Any, Any]) -> list[Any]:
    """Find in this process what the same head finds on the board."""
    with HostModel(blobs["host"]) as model:
        model.write_inputs([pixels])
        model.run(1)
        return model.items(1)


def plain(found: list[Any]) -> list[list[object]]:
    """Items as the wire brings them."""
    return [[list(v) if isinstance(v, (list, tuple)) else v for v in item] for item in found]


def test_the_board_names_the_fields(board: Device, blobs: dict[str, bytes]) -> None:
    tensor = board.model().inputs[0]
    pixels = np.random.default_rng(2).integers(0, 100, tensor.shape).astype(tensor.dtype)
    board.exec(f"found = m.run_head({pixels.tobytes()!r})")
    expected = on_host(blobs, pixels)
    assert len(expected) > 1
    seen = board.eval("[(str(d.label), d.score, d.box, d.places, d.is_last) for d in found]")
    assert isinstance(seen, list)
    assert plain(seen) == plain(expected)
    assert board.eval("str(found[0])[:7]") == "(label="
    assert board.eval("len(m.profile())") == len(board.model().steps)


def test_a_head_of_the_user_s_in_c() -> None:
    head, model = ROOT / "examples" / "own_head" / "brightest.c", example_model("coins")
    picture = Image.open(ROOT / "examples" / "coins.png").resize((160, 160)).convert("L")
    with HostModel(compile_model(model, target="host", head=head, golden=False)) as here:
        here.write_inputs([np.asarray(picture)[None, :, :, None]])
        here.run(1)
        expected: list[Any] = here.items(1)
    with Device("sim://cortex-m4") as device:
        device.load_model(model, head=head)
        found: list[Any] = device.run_head(picture)
        assert len(found) == 5
        for item, other in zip(found, expected, strict=True):
            assert (item.label, item.score) == (other.label, other.score)
            assert item.place == pytest.approx([side * 160 for side in other.place])


def test_points_are_mapped_into_the_picture(board: Device) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (30, 40), np.uint8)
    board.put("frame", picture.tobytes())
    board.exec("found = xipnet.run_head(xipnet.store.read('frame'), shape=(30, 40))")
    seen = board.eval("[(str(d[0]),) + tuple(d)[1:] for d in found]")
    found: list[Any] = board.run_head(picture)
    assert 0 < len(found) <= MOST
    assert isinstance(seen, list)
    for item, other in zip(found, plain(seen), strict=True):
        label, score, box, places, is_last = other
        assert (item.label, item.score, list(item.places)) == (label, score, places)
        assert item.is_last == is_last
        # Of 40 x 30 pixels in a square, a quarter to a half of its height.
        assert item.box == pytest.approx((0, 5, 40, 15))
        assert item.box == pytest.approx(box)


def test_a_known_head_is_read_by_the_same_means(digits_blob: bytes) -> None:
    picture = np.random.default_rng(5).integers(0, 256, (8, 8), np.uint8)
    with Device("sim://cortex-m55") as device:
        device.load_model(digits_blob, "digits")
        classes = [(c.label, c.score) for c in device.classify(picture)]
        assert device.run_head(picture) == classes
        device.exec(f"import xipnet\nm = xipnet.Model('digits')\npx = {picture.tobytes()!r}")
        same = "m.run_head(px, shape=(8, 8)) == m.classify(px, shape=(8, 8))"
        assert device.eval(same) is True


def test_the_new_head_is_a_detector_by_its_fields(board: Device) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (30, 40), np.uint8)
    found: list[Any] = board.run_head(picture)
    seen = board.detect(picture)
    assert [(d.label, d.box) for d in seen] == [(item.label, item.box) for item in found]
    with pytest.raises(NoHeadError, match="gives no classes"):
        board.classify(picture)
    with pytest.raises(PythonError, match="no head gives results of kind 2"):
        board.exec("m.classify()")


# ---- Blobs that others wrote ---------------------------------------------------------------------


def odd_blob(result: int, results: object) -> bytes:
    """Make a model whose head finds nothing, with a description of its own."""
    code = RETURN_0.ljust(16, b"\0")
    variant = Variant(CORTEX_M.number, 60, 0, code, b"", (0, 0), 96, 64)
    entries = (Entry(0, 1), Entry(result, 1, 1, 1, 32, 64))
    metadata = {"name": "odd", "results": results}
    return Blob((variant,), (Io(0, 1),), (Io(16, 1),), entries, metadata).pack()


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([None, {"item_bytes": 8, "fields": [FIELD]}], None),
        (None, "nothing says how to read results of kind 3"),
        ([None], "nothing says how"),
        ([None, None], "TypeError"),
        ([None, {"item_bytes": 0, "fields": [FIELD]}], "nothing says how"),
        ([None, {"item_bytes": 70000, "fields": [FIELD]}], "nothing says how"),
        ([None, {"item_bytes": 8, "fields": 3}], "nothing says how"),
        ([None, {"item_bytes": 8, "fields": [FIELD] * 33}], "nothing says how"),
        ([None, {"item_bytes": 7, "fields": [FIELD]}], "nothing says how"),
        ([None, {"item_bytes": 8, "fields": [{**FIELD, "offset": 2}]}], "nothing says how"),
        ([None, {"item_bytes": 8, "fields": [{**FIELD, "offset": 8}]}], "nothing says how"),
        ([None, {"item_bytes": 8, "fields": [{**FIELD, "count": 2}]}], "nothing says how"),
        ([None, {"item_bytes": 8, "fields": [{**FIELD, "count": 2**30 + 1}]}], "nothing says"),
        ([None, {"item_bytes": 8, "fields": [{**FIELD, "offset": -4}]}], "nothing says how"),
        ([None, {"item_bytes": 8, "fields": [{**FIELD, "name": 5}]}], "TypeError"),
        ([None, {"item_bytes": 8, "fields": [{**FIELD, "role": None}]}], "TypeError"),
        ([None, {"item_bytes": 8, "fields": [{"name": "x"}]}], "TypeError"),
        ([None, {"item_bytes": 8, "fields": [3]}], "TypeError"),
    ],
)
def test_a_description_that_cannot_be_read_is_refused(
    board: Device, results: object, message: str | None
) -> None:
    board.put("odd.bin", odd_blob(RESULT_DESCRIBED, results))
    board.exec("xipnet.store.write('odd', xipnet.store.read('odd.bin'))\nodd = xipnet.Model('odd')")
    if message is None:
        assert board.eval("odd.run_head()") == []
    else:
        with pytest.raises(PythonError) as refusal:
            board.exec("odd.run_head()")
        assert message in refusal.value.traceback
    board.exec("odd.close()\nxipnet.store.delete('odd')")
