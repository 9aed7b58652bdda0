from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from host_sdk import ImageError, ShapeError, TensorInfo
from host_sdk.inference.model import Model, Normalisation
from host_sdk.inference.picture import Letterbox, open_picture, prepare, to_input

sizes = st.tuples(st.integers(1, 700), st.integers(1, 700))
unit = st.floats(0, 1)


def model(tensor: TensorInfo, image: Normalisation | None = None) -> Model:
    return Model("m", 1, b"", 0, 0, (0,), (tensor,), (), (), (), image)


@given(sizes, sizes, st.tuples(unit, unit))
def test_letterbox_undoes_itself(
    picture: tuple[int, int], target: tuple[int, int], at: tuple[float, float]
) -> None:
    box = Letterbox(picture, target)
    left, top = box.corner
    assert 0 <= left <= target[0] - box.fitted[0]
    assert 0 <= top <= target[1] - box.fitted[1]
    x, y = at[0] * picture[0], at[1] * picture[1]
    there = ((x * box.scale + left) / target[0], (y * box.scale + top) / target[1])
    back = box.undo((*there, *there))
    assert back == pytest.approx((x, y, x, y), abs=1e-6 * max(picture) + 1e-9)


def test_the_rest_is_black_and_the_picture_in_the_middle() -> None:
    fitted = Letterbox((10, 20), (40, 40)).apply(Image.new("L", (10, 20), 200))
    pixels = np.asarray(fitted)
    assert (pixels[:, 10:30] == 200).all()
    assert (pixels[:, :10] == 0).all()
    assert (pixels[:, 30:] == 0).all()


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4)])
def test_arrays_are_pictures(shape: tuple[int, ...]) -> None:
    assert open_picture(np.zeros(shape, np.uint8)).size == (6, 4)


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 6), np.float32), np.zeros((4, 6, 2), np.uint8), np.zeros((0, 6), np.uint8)],
)
def test_arrays_that_are_no_pictures(array: np.ndarray) -> None:
    with pytest.raises(ImageError, match="picture array must be uint8"):
        open_picture(array)


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.png cannot be read: No such file"):
        open_picture(tmp_path / "none.png")
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(ImageError, match="cannot identify"):
        open_picture(str(tmp_path / "bad.png"))
    with pytest.raises(ImageError, match="is int"):
        open_picture(3)  # type: ignore[arg-type]


def test_a_turned_photograph_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.new("L", (30, 10)).save(tmp_path / "turned.jpg", exif=exif)
    assert open_picture(tmp_path / "turned.jpg").size == (10, 30)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_those_of_the_model(channels: int) -> None:
    tensor = TensorInfo("x", (1, 8, 8, channels), "uint8", 1.0, 0)
    ready = prepare(np.full((8, 8, 4), 255, np.uint8), model(tensor))
    assert ready.values.shape == (1, 8, 8, channels)
    assert ready.values.min() == 255


def test_a_model_that_takes_no_pictures_is_said() -> None:
    with pytest.raises(ShapeError, match=r"must have one input \[1, H, W, 1 or 3\].*int8 \[1, 9\]"):
        prepare(np.zeros((8, 8), np.uint8), model(TensorInfo("x", (1, 9), "int8", 1.0, 0)))


PIXELS = np.array([0, 127, 255], np.uint8).reshape(1, 1, 3, 1)


@pytest.mark.parametrize(
    ("tensor", "image", "expected"),
    [
        (TensorInfo("x", (), "uint8", 1 / 255, 0), None, [0, 127, 255]),
        (TensorInfo("x", (), "int8", 1 / 255, -128), None, [-128, -1, 127]),
        (TensorInfo("x", (), "float32"), None, [0, 127 / 255, 1]),
        (TensorInfo("x", (), "int8", 1 / 255, -128), Normalisation((0,), (255,)), [-128, -1, 127]),
        (TensorInfo("x", (), "uint8", 1 / 255, 0), Normalisation((0,), (255,)), [0, 127, 255]),
        (TensorInfo("x", (), "float32"), Normalisation((127.5,), (127.5,)), [-1, -0.5 / 127.5, 1]),
    ],
)
def test_pixels_become_inputs(
    tensor: TensorInfo, image: Normalisation | None, expected: list[float]
) -> None:
    values = to_input(PIXELS, tensor, image)
    assert values.dtype == tensor.dtype
    np.testing.assert_allclose(values.ravel(), np.array(expected, tensor.dtype), rtol=1e-6)


def test_normalisation_by_channel() -> None:
    pixels = np.full((1, 2, 2, 3), 100, np.uint8)
    tensor = TensorInfo("x", (), "float32")
    values = to_input(pixels, tensor, Normalisation((100, 90, 80), (1, 2, 4)))
    np.testing.assert_array_equal(values[0, 0, 0], [0, 5, 5])
    with pytest.raises(ShapeError, match="must have 1 or 3 numbers; have 2"):
        to_input(pixels, tensor, Normalisation((1, 2), (1, 1)))


@given(st.lists(st.floats(-300, 300, width=32), min_size=1, max_size=20))
def test_quantise_is_nearest_with_halves_away_from_zero_and_saturates(real: list[float]) -> None:
    tensor = TensorInfo("x", (), "int8", 0.5, 3)
    scaled = np.array(real, np.float32) / np.float32(0.5)
    expected = [int(np.sign(v) * np.floor(abs(v) + 0.5)) + 3 for v in scaled]
    got = tensor.quantise(np.array(real))
    np.testing.assert_array_equal(got, np.clip(expected, -128, 127))


def test_infinities_saturate() -> None:
    tensor = TensorInfo("x", (), "int8", 0.5, 3)
    np.testing.assert_array_equal(tensor.quantise(np.array([np.inf, -np.inf])), [127, -128])
