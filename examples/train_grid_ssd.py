"""Train a detector with a 20x20 grid of boxes, on pictures labelled for YOLO.

Six convolutions, RGB 320x320 in, uint8, and 20x20x5 out: cx, cy in the cell, w, h of the picture,
conf. With --points 20x20x3: x, y, conf. The head is `grid` (docs/HEADS.md); its TOML is written.

    python examples/train_grid_ssd.py --make-data coins     # pictures to try it, as yours must be
    python examples/train_grid_ssd.py coins/train coins/held_out -o coins.tflite
    xipnet load coins.tflite --port sim://cortex-m55

Precision and recall are of the integers, compiled with the head, run on this computer.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from coin_photo import iou
from training import SEED, start_tensorflow, to_integers
from yolo_folder import Boxes, Labelled, fit, read_folder

from relocatable import compile_model
from relocatable.blob.host import HostModel

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

SIDE, GRID = 320, 20
CALIBRATE = 100

TOML = """\
# How pictures go into the network and what its output means; see docs/HEADS.md.
head = "grid"
labels = ["{label}"]

[grid] # output [1, 20, 20, {channels}], real values 0..1 (the sigmoid is in the network)
layout = {layout}
center = "cell"
sigmoid = []
threshold = {threshold}
iou = 0.4
max_detections = 100{box}

[image] # RGB, 320x320; real input = (pixel - mean) / std
mean = 0.0
std = 255.0
"""

Floats = npt.NDArray[np.float32]

# ---- Pictures and what the network shall say of them ---------------------------------------------


class Taught(NamedTuple):
    """What the network learns from.

    Attributes:
        pixels: uint8 [N, SIDE, SIDE, 3].
        targets: float32 [N, GRID, GRID, 5]: cx, cy in the cell, w, h of the picture, 1.
    """

    pixels: npt.NDArray[np.uint8]
    targets: Floats


def read_taught(folder: Path) -> Taught:
    """Read a folder; of things that share a cell only the largest is learnt."""
    fitted = [fit(one, SIDE) for one in read_folder(folder)]
    targets = np.stack([grid_target(one.boxes) for one in fitted])
    things, cells = sum(len(one.boxes) for one in fitted), int(targets[..., 4].sum())
    print(f"{len(fitted)} pictures with {things} things; {things - cells} of them share a cell")
    return Taught(np.stack([np.asarray(one.picture) for one in fitted]), targets)


def grid_target(boxes: Boxes) -> Floats:
    """Put each box, corners in pixels, into the cell that its centre is in."""
    target = np.zeros((GRID, GRID, 5), np.float32)
    sizes = (boxes[:, 2:] - boxes[:, :2]) / SIDE
    for i in np.argsort(sizes.prod(1)):  # the largest last
        centre = (boxes[i, :2] + boxes[i, 2:]) / 2 / SIDE * GRID
        col, row = np.minimum(centre.astype(int), GRID - 1)
        target[row, col] = (*(centre - (col, row)), *sizes[i], 1)
    return target


# ---- The network ---------------------------------------------------------------------------------


def build_model(width: int, channels: int, batch: int | None = None) -> keras.Model:
    """Make six convolutions; the first has `width` channels. Outputs are 0..1."""
    import keras
    from keras import layers

    picture = keras.Input((SIDE, SIDE, 3), batch_size=batch, name="picture")
    x = picture
    for times, strides in ((1, 2), (2, 2), (4, 2), (8, 2), (8, 1)):
        x = layers.Conv2D(width * times, 3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(channels, 1, name="grid")(x)
    return keras.Model(picture, layers.Activation("sigmoid")(x), name="grid_ssd")


def loss(target: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    """Say how far a grid is off: in what is there, where, and how large."""
    import tensorflow as tf

    there, conf = target[..., -1], tf.clip_by_value(output[..., -1], 1e-4, 1 - 1e-4)
    wanted = 0.02 + 0.96 * there  # keeps logits, and with them the step of the integers, small
    crossed = -(wanted * tf.math.log(conf) + (1 - wanted) * tf.math.log(1 - conf))
    off = 2 * tf.reduce_sum(tf.abs(target[..., :2] - output[..., :2]), -1)
    if output.shape[-1] == 5:
        by = tf.abs(target[..., 2:4] - output[..., 2:4]) / (target[..., 2:4] + 0.02)
        off += 3 * tf.reduce_sum(by, -1)
    return tf.reduce_sum(crossed * (1 + 3 * there) + there * off, axis=(1, 2)) / 10


def train(data: Taught, width: int, points: bool, epochs: int) -> keras.Model:
    """Train on the pictures as they are, mirrored and turned."""
    import keras
    import tensorflow as tf

    targets = data.targets[..., [0, 1, 4]] if points else data.targets

    def turn(pixels: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        picture = tf.cast(pixels, tf.float32) / 255
        swapped, mirrored = tf.random.uniform([]) < 0.5, tf.random.uniform([]) < 0.5
        picture = tf.cond(swapped, lambda: tf.transpose(picture, (1, 0, 2)), lambda: picture)
        order = [1, 0, 2] if points else [1, 0, 3, 2, 4]
        crossed = tf.gather(tf.transpose(target, (1, 0, 2)), order, axis=-1)
        target = tf.where(swapped, crossed, target)
        there = target[..., -1:]
        away = tf.concat([there - target[..., :1], target[..., 1:]], -1)  # 1 - x, if one is there
        picture = tf.cond(mirrored, lambda: picture[:, ::-1], lambda: picture)
        return picture, tf.where(mirrored, away[:, ::-1], target)

    batch = 8
    steps = -(-len(targets) // batch) * epochs
    fed = tf.data.Dataset.from_tensor_slices((data.pixels, targets)).shuffle(len(targets), SEED)
    model = build_model(width, targets.shape[-1])
    rate = keras.optimizers.schedules.CosineDecay(
        1e-4, steps, alpha=0.01, warmup_target=4e-3, warmup_steps=max(steps // 20, 1)
    )
    model.compile(keras.optimizers.Adam(rate), loss=loss)
    model.fit(fed.map(turn).batch(batch), epochs=epochs, verbose=2)
    return model


def export(model: keras.Model, width: int, data: Taught) -> bytes:
    """Quantise it: uint8 in, at scale 1/255."""
    samples = data.pixels[:CALIBRATE] / np.float32(255)
    samples[0, 0, :2] = [[0.0], [1.0]]  # the whole range: the scale is then 1/255
    single = build_model(width, model.output_shape[-1], batch=1)
    single.set_weights(model.get_weights())
    return to_integers(single, samples)


def describe(data: Taught, points: bool, label: str, threshold: float) -> str:
    """Write the TOML; points get a box of the usual size around each."""
    names = ["x", "y", "conf"] if points else ["cx", "cy", "w", "h", "conf"]
    usual = np.median(data.targets[data.targets[..., 4] == 1][:, 2:4], axis=0)
    box = f"\nbox = [{usual[0]:.3f}, {usual[1]:.3f}]" if points else ""
    layout = "[" + ", ".join(f'"{name}"' for name in names) + "]"
    return TOML.format(
        label=label, channels=len(names), layout=layout, threshold=threshold, box=box
    )


# ---- Measuring -----------------------------------------------------------------------------------


class Score(NamedTuple):
    """What was found in a folder.

    Attributes:
        pictures: how many.
        things: labelled in them.
        found: of these.
        wrong: what was found beside.
    """

    pictures: int
    things: int
    found: int
    wrong: int

    @property
    def precision(self) -> float:
        """Share of what was found that is there."""
        return self.found / max(self.found + self.wrong, 1)

    @property
    def recall(self) -> float:
        """Share of what is there that was found."""
        return self.found / max(self.things, 1)


def measure(model: bytes, head: dict[str, Any], folder: Path, points: bool) -> Score:
    """Compare what is found with the labels: boxes by overlap, points by place."""
    pictures = things = right = found = 0
    with HostModel(compile_model(model, target="host", head=head, golden=False)) as network:
        for labelled in read_folder(folder):
            fitted = fit(labelled, SIDE)
            network.write_inputs([np.asarray(fitted.picture)[None]])
            network.run(1)
            items = network.items(1)
            pictures, things = pictures + 1, things + len(fitted.boxes)
            found, right = found + len(items), right + _matches(items, fitted, points)
    return Score(pictures, things, right, found - right)


def _matches(items: list[Any], fitted: Labelled, points: bool) -> int:
    """Match what was found to labels, each once; the best score first."""
    left = list(fitted.boxes)
    for item in sorted(items, key=lambda item: -item.score):
        box = np.array(item.box) * SIDE
        marks = [_within(box, other) if points else iou(box, other) for other in left]
        best = int(np.argmax(marks)) if marks else -1
        if best >= 0 and marks[best] >= 0.5:
            del left[best]
    return len(fitted.boxes) - len(left)


def _within(box: Boxes, label: Boxes) -> float:
    """Say how near a box's centre is to a label's: 1 there, 0.5 halfway to its edge."""
    off = np.abs((box[:2] + box[2:]) / 2 - (label[:2] + label[2:]) / 2)
    return float(1 - (off / (label[2:] - label[:2]) * 2).max())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("train", type=Path, nargs="?", help="folder of pictures and texts")
    parser.add_argument("held_out", type=Path, nargs="?", help="another, to measure with")
    parser.add_argument("-o", "--output", type=Path, default=Path("grid_ssd.tflite"))
    parser.add_argument("--make-data", type=Path, metavar="FOLDER", help="write pictures of coins")
    parser.add_argument("--points", action="store_true", help="20x20x3: places without sizes")
    parser.add_argument("--label", default="coin", help="name of the class")
    parser.add_argument("--width", type=int, default=8, help="channels of the first convolution")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--threshold", type=float, default=0.5, help="below it nothing is found")
    parser.add_argument(
        "--evaluate-only", action="store_true", help="measure --output; no TensorFlow"
    )
    parser.add_argument("--quick", action="store_true", help="few pictures, 45 epochs: two minutes")
    args = parser.parse_args()
    if args.make_data is not None:
        from coin_folder import make_data

        make_data(args.make_data, *((64, 12) if args.quick else (200, 40)), SEED)
        return
    if args.held_out is None:
        parser.error("needs the folders train and held_out, or --make-data")
    if not args.evaluate_only:
        start_tensorflow()
        data = read_taught(args.train)
        model = train(data, args.width, args.points, 45 if args.quick else args.epochs)
        args.output.write_bytes(export(model, args.width, data))
        text = describe(data, args.points, args.label, args.threshold)
        args.output.with_suffix(".toml").write_text(text, encoding="utf-8")
    content = args.output.read_bytes()
    head = tomllib.loads(args.output.with_suffix(".toml").read_text(encoding="utf-8"))
    print(f"{args.output}: {len(content):,} bytes")
    for folder in (args.held_out, args.train):
        score = measure(content, head, folder, args.points)
        print(
            f"{folder}: {score.pictures} pictures, {score.things} things, {score.found} found, "
            f"{score.wrong} wrong, precision {score.precision:.3f}, recall {score.recall:.3f}"
        )


if __name__ == "__main__":
    main()
