"""The picture helpers of the board, against Pillow and NumPy: every bit equal."""

from __future__ import annotations

import ctypes as ct
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from host_sdk.inference.picture import Letterbox
from host_sdk.inference.tensor import TensorInfo
from tests.c.core_build import CORE

Array = np.ndarray
GUARD = 0xA5
sides = st.integers(1, 70)
channel_counts = st.sampled_from([1, 3, 4])


class CImage(ct.Structure):
    _fields_ = (
        ("at", ct.c_void_p),
        ("width", ct.c_uint32),
        ("height", ct.c_uint32),
        ("channels", ct.c_uint32),
        ("row", ct.c_uint32),
    )


class CScaling(ct.Structure):
    _fields_ = (
        ("mean", ct.c_float),
        ("std", ct.c_float),
        ("scale", ct.c_float),
        ("zero_point", ct.c_int32),
    )


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> ct.CDLL:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    library = tmp_path_factory.mktemp("image") / "image.so"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-ffp-contract=off"]
    flags += [f"-I{CORE}"]
    checks = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
    source = Path(CORE) / "model" / "xn_image.c"
    subprocess.run(["gcc", *flags, *checks, str(source), "-o", str(library)], check=True)
    loaded = ct.CDLL(str(library))
    loaded.xn_image_letterbox.restype = CImage
    return loaded


def c_image(pixels: Array) -> CImage:
    height, width, channels = pixels.shape
    return CImage(pixels.ctypes.data, width, height, channels, width * channels)


def random_pixels(height: int, width: int, channels: int) -> Array:
    rng = np.random.default_rng([height, width, channels])
    return rng.integers(0, 256, (height, width, channels), np.uint8)


def guarded(height: int, width: int, channels: int) -> tuple[Array, Array]:
    """Room for an image, and the bytes around it."""
    size = height * width * channels
    around = np.full(size + 128, GUARD, np.uint8)
    return around[64 : 64 + size].reshape(height, width, channels), around


def intact(around: Array) -> bool:
    return bool((around[:64] == GUARD).all() and (around[-64:] == GUARD).all())


def resize(core: ct.CDLL, pixels: Array, height: int, width: int) -> Array:
    to, around = guarded(height, width, pixels.shape[2])
    source, target = c_image(pixels), c_image(to)
    work_bytes = core.xn_image_bilinear_work(ct.byref(source), ct.byref(target))
    work = np.full(work_bytes + 64, GUARD, np.uint8)
    core.xn_image_bilinear(ct.byref(source), ct.byref(target), ct.c_void_p(work.ctypes.data))
    assert intact(around)
    assert (work[-64:] == GUARD).all()
    return to


def pillow(pixels: Array, height: int, width: int) -> Array:
    """Resize the width, then the height, as Pillow does if that is no more work."""
    planes = []
    for c in range(pixels.shape[2]):
        plane = Image.fromarray(pixels[:, :, c])
        narrow = plane.resize((width, plane.height), Image.Resampling.BILINEAR)
        planes.append(np.asarray(narrow.resize((width, height), Image.Resampling.BILINEAR)))
    return np.stack(planes, axis=2)


@settings(max_examples=300, deadline=None)
@given(sides, sides, channel_counts, sides, sides)
def test_bilinear_is_pillows(core: ct.CDLL, h: int, w: int, c: int, to_h: int, to_w: int) -> None:
    pixels = random_pixels(h, w, c)
    np.testing.assert_array_equal(resize(core, pixels, to_h, to_w), pillow(pixels, to_h, to_w))


@pytest.mark.parametrize("size", [(96, 96), (192, 192), (240, 320), (480, 640), (500, 700)])
def test_bilinear_of_a_camera_is_pillows(core: ct.CDLL, size: tuple[int, int]) -> None:
    pixels = random_pixels(480, 640, 3)
    whole = Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(resize(core, pixels, *size), np.asarray(whole))


@settings(max_examples=200, deadline=None)
@given(sides, sides, channel_counts, sides, sides)
def test_nearest_takes_the_pixel_at_the_centre(
    core: ct.CDLL, h: int, w: int, c: int, to_h: int, to_w: int
) -> None:
    pixels = random_pixels(h, w, c)
    to, around = guarded(to_h, to_w, c)
    core.xn_image_nearest(ct.byref(c_image(pixels)), ct.byref(c_image(to)))
    rows = (2 * np.arange(to_h) + 1) * h // (2 * to_h)
    columns = (2 * np.arange(to_w) + 1) * w // (2 * to_w)
    np.testing.assert_array_equal(to, pixels[rows][:, columns])
    assert intact(around)


@settings(max_examples=500, deadline=None)
@given(*[st.integers(1, 2000)] * 4)
def test_letterbox_is_the_hosts(core: ct.CDLL, w: int, h: int, to_w: int, to_h: int) -> None:
    source = CImage(None, w, h, 1, w)
    into = CImage(1 << 20, to_w, to_h, 1, to_w)
    part = core.xn_image_letterbox(ct.byref(source), ct.byref(into))
    expected = Letterbox((w, h), (to_w, to_h))
    left, top = expected.corner
    assert (part.width, part.height) == expected.fitted
    assert part.at - (1 << 20) == top * to_w + left


def convert(core: ct.CDLL, data: Array, source: int, target: int, pixels: int) -> Array:
    to = np.zeros((pixels, target), np.uint8)
    core.xn_image_convert(
        ct.c_void_p(data.ctypes.data), source, ct.c_void_p(to.ctypes.data), target, pixels
    )
    return to


def test_gray_is_pillows(core: ct.CDLL) -> None:
    pixels = random_pixels(64, 64, 3)
    gray = convert(core, pixels, 3, 1, 64 * 64)
    np.testing.assert_array_equal(
        gray.reshape(64, 64), np.asarray(Image.fromarray(pixels).convert("L"))
    )
    assert (convert(core, gray, 1, 3, 64 * 64) == gray).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_rgb565_spreads_its_bits(core: ct.CDLL, order: str) -> None:
    words = np.arange(65536, dtype=np.uint32)
    parts = (words >> 11, 31), (words >> 5 & 63, 63), (words & 31, 31)
    expected = np.stack([(v * 255 // most) for v, most in parts], axis=1)
    data = words.astype(f"{order}u2").view(np.uint8)
    got = convert(core, data, 16 if order == "<" else 17, 3, 65536).astype(np.int64)
    shifted = [v << 3 | v >> 2 if most == 31 else v << 2 | v >> 4 for v, most in parts]
    np.testing.assert_array_equal(got, np.stack(shifted, axis=1))
    assert abs(got - expected).max() <= 1
    assert (got[65535] == 255).all()
    np.testing.assert_array_equal(
        convert(core, data, 16 if order == "<" else 17, 1, 65536),
        convert(core, got.astype(np.uint8), 3, 1, 65536),
    )


floats = st.floats(-300, 300, width=32)
positive = st.floats(2**-10, 300, width=32)


@settings(max_examples=300, deadline=None)
@given(floats, positive, positive, st.integers(-128, 255), st.sampled_from(["int8", "uint8"]))
def test_quantise_is_the_hosts(
    core: ct.CDLL, mean: float, std: float, scale: float, zero_point: int, dtype: str
) -> None:
    table = np.zeros(256, np.uint8)
    scaling = CScaling(mean, std, scale, zero_point)
    core.xn_image_quantise_table(
        ct.byref(scaling), ct.c_bool(dtype == "int8"), ct.c_void_p(table.ctypes.data)
    )
    real = (np.arange(256, dtype=np.float32) - np.float32(mean)) / np.float32(std)
    expected = TensorInfo("x", (256,), dtype, scale, zero_point).quantise(real)
    np.testing.assert_array_equal(table.view(dtype), expected)
