"""Labelled pictures as the training scripts read them; no TensorFlow is needed."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT

BOX = "0 0.5 0.25 0.2 0.1\n"  # of 200 x 100 pixels: 80, 20 to 120, 30


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))


@pytest.fixture
def yolo(examples: None) -> ModuleType:
    return importlib.import_module("yolo_folder")


def put(path: Path, size: tuple[int, int] = (200, 100)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, 90).save(path)
    return path


def test_boxes_beside_pictures_and_in_labels(yolo: ModuleType, tmp_path: Path) -> None:
    put(tmp_path / "a.png").with_suffix(".txt").write_text(BOX + "\n0 1 1 0.5 0.5\n")
    put(tmp_path / "images" / "train" / "b.jpg")
    text = tmp_path / "labels" / "train" / "b.txt"
    text.parent.mkdir(parents=True)
    text.write_text(BOX)
    put(tmp_path / "none.png")
    first, second, third = yolo.read_folder(tmp_path)
    np.testing.assert_allclose(first.boxes, [[80, 20, 120, 30], [150, 75, 200, 100]])
    np.testing.assert_allclose(second.boxes, [[80, 20, 120, 30]])
    assert (third.boxes.shape, third.picture.mode) == ((0, 4), "RGB")


def test_what_is_written_is_read(yolo: ModuleType, tmp_path: Path) -> None:
    boxes = np.array([[10.0, 20.0, 30.0, 45.0], [0.0, 0.0, 200.0, 100.0]])
    picture = Image.new("RGB", (200, 100), (1, 2, 3))
    yolo.write_labelled(tmp_path / "new", "p", yolo.Labelled(picture, boxes))
    (again,) = yolo.read_folder(tmp_path / "new")
    np.testing.assert_allclose(again.boxes, boxes, atol=1e-3)
    assert np.array_equal(np.asarray(again.picture), np.asarray(picture))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.1", "must be five numbers: class cx cy w h; is '0 0.5 0.5 0.1'"),
        ("0 a 0.5 0.1 0.1", "must be five numbers"),
        ("1 0.5 0.5 0.1 0.1", "the class must be 0, the only one; is 1"),
        ("0 1.5 0.5 0.1 0.1", "must be fractions of the picture; are '0 1.5"),
        ("0 0.5 0.5 0 0.1", "must be fractions of the picture"),
        ("0 0.5 nan 0.1 0.1", "must be fractions of the picture"),
    ],
)
def test_a_line_that_is_no_box(yolo: ModuleType, tmp_path: Path, line: str, words: str) -> None:
    put(tmp_path / "a.png").with_suffix(".txt").write_text(f"{BOX}{line}\n")
    with pytest.raises(ValueError, match=r"a\.txt:2: ") as caught:
        list(yolo.read_folder(tmp_path))
    assert words in str(caught.value)


def test_a_folder_without_pictures(yolo: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no picture"):
        list(yolo.read_folder(tmp_path))


def test_boxes_go_with_the_picture_into_the_input_and_into_cells(
    yolo: ModuleType, examples: None, tmp_path: Path
) -> None:
    trainer = importlib.import_module("train_grid_ssd")
    boxes = np.array([[80.0, 20.0, 120.0, 30.0], [82.0, 22.0, 122.0, 30.0]])
    fitted = yolo.fit(yolo.Labelled(Image.new("RGB", (200, 100)), boxes), 320)
    assert fitted.picture.size == (320, 320)
    np.testing.assert_allclose(fitted.boxes[0], [128, 112, 192, 128])  # 1.6 times, 80 rows of black
    target = trainer.grid_target(fitted.boxes)
    assert target.shape == (20, 20, 5)
    assert target[..., 4].sum() == 1  # both are in one cell: the larger one is learnt
    np.testing.assert_allclose(target[7, 10], [0.0, 0.5, 0.2, 0.05, 1.0])
    table = trainer.describe(trainer.Taught(np.zeros(0), target[None]), True, "coin", 0.5)
    assert 'layout = ["x", "y", "conf"]' in table
    assert "box = [0.200, 0.050]" in table


def test_held_out_pictures_show_only_coins_that_training_does_not(
    examples: None, yolo: ModuleType, tmp_path: Path
) -> None:
    importlib.import_module("coin_folder").make_data(tmp_path, 1, 2, seed=1)
    taught = list(yolo.read_folder(tmp_path / "train"))
    held_out = list(yolo.read_folder(tmp_path / "held_out"))
    assert [len(taught), len(held_out)] == [1, 2]
    for labelled in (*taught, *held_out):
        assert labelled.picture.size == (320, 320)
        sizes = labelled.boxes[:, 2:] - labelled.boxes[:, :2]
        assert len(sizes) > 0
        assert sizes.min() > 1
        assert sizes.max() < 80
        assert labelled.boxes.min() >= 0
        assert labelled.boxes.max() <= 320


def test_patches_of_pictures_are_of_every_class(examples: None) -> None:
    patches = importlib.import_module("picture_patches")
    some, others = (patches.picture_patches(3, held_out, seed=1) for held_out in (False, True))
    assert some.pictures.shape == others.pictures.shape == (30, 32, 32, 3)
    assert np.bincount(some.labels).tolist() == [3] * 10
    assert not np.array_equal(some.pictures, others.pictures)
    again = patches.picture_patches(3, False, seed=1)
    assert np.array_equal(some.pictures, again.pictures)
