"""Train the coin detector of examples/models, and measures it.

The only source of coins is one photograph, `skimage.data.coins()`. Its right third (eight of the
24 coins, and the background around them) is never seen in training; precision and recall are
reported for that part by itself. What is measured is the int8 model, run by LiteRT's reference
kernels, behind the same letterbox and the same decoding that `Device.detect` gives.

    python examples/train_coin_detector.py                   # train, export, measure (10 minutes)
    python examples/train_coin_detector.py --evaluate-only   # measure the shipped model
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from coin_photo import HELD_OUT_COINS, TRAIN_COINS, Gray, iou, train_mask
from PIL import Image
from skimage import data as pictures

if TYPE_CHECKING:
    import keras
    from coin_scenes import Painter

MODEL_PATH = Path(__file__).parent / "models" / "coins.tflite"
SEED = 20240501

# Pictures without coins that training never sees either.
WITHOUT_COINS = ("chelsea", "rocket", "text", "hubble_deep_field")

Floats = npt.NDArray[np.float32]

# ---- The model ---------------------------------------------------------------------------------


def build_model(batch: int | None = None) -> keras.Model:
    """Make a small residual net of depthwise-separable blocks; its outputs are 0..1."""
    import keras
    from coin_scenes import INPUT
    from keras import layers

    def normed(x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))

    def block(x: keras.KerasTensor, channels: int) -> keras.KerasTensor:
        y = normed(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
        y = normed(layers.Conv2D(channels, 1, use_bias=False)(y))
        return layers.Add()([x, y]) if x.shape[-1] == channels else y

    image = keras.Input((INPUT, INPUT, 1), batch_size=batch, name="image")
    x = normed(layers.Conv2D(12, 3, strides=2, padding="same", use_bias=False)(image))
    x = normed(layers.Conv2D(24, 3, strides=2, padding="same", use_bias=False)(x))
    x = layers.MaxPooling2D(2)(block(x, 40))
    for _ in range(5):
        x = block(x, 72)
    x = layers.Conv2D(5, 1, name="grid")(x)
    return keras.Model(image, layers.Activation("sigmoid")(x), name="coins")


def train(painter: Painter, scenes: int, epochs: int) -> keras.Model:
    """Train on `scenes` scenes, painted once."""
    import keras
    import tensorflow as tf
    from coin_scenes import grid_target

    painted = [painter.scene() for _ in range(scenes)]
    images = np.stack([s.picture for s in painted])[..., None].astype(np.float32) / 255
    targets = np.stack([grid_target(s.boxes) for s in painted])

    def loss(target: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        found = target[..., 4]
        output = tf.clip_by_value(output, 1e-4, 1 - 1e-4)
        wanted = 0.02 + 0.96 * found  # keeps logits, and with them the int8 step, small
        conf = output[..., 4]
        crossed = -(wanted * tf.math.log(conf) + (1 - wanted) * tf.math.log(1 - conf))
        centre = tf.reduce_sum(tf.abs(target[..., :2] - output[..., :2]), -1)
        size = tf.reduce_sum(
            tf.abs(target[..., 2:4] - output[..., 2:4]) / (target[..., 2:4] + 0.02), -1
        )
        per_cell = crossed * (1 + 3 * found) + found * (2 * centre + 3 * size)
        return tf.reduce_sum(per_cell, axis=(1, 2)) / 10

    batch = 32
    steps = scenes // batch * epochs
    model = build_model()
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, steps, alpha=0.01, warmup_target=4e-3, warmup_steps=steps // 20
    )
    model.compile(keras.optimizers.Adam(rate), loss=loss)
    model.fit(images, targets, batch_size=batch, epochs=epochs, verbose=2)
    return model


def export(model: keras.Model, painter: Painter) -> bytes:
    """Convert to integers: uint8 input at scale 1/255, int8 weights by channel."""
    import tensorflow as tf

    def calibration() -> Iterator[list[Floats]]:
        for _ in range(200):
            picture = painter.scene().picture / np.float32(255)
            picture[0, :2] = (0, 1)  # the whole range: the scale is then 1/255
            yield [picture[None, :, :, None]]

    single = build_model(batch=1)
    single.set_weights(model.get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(single)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


# ---- Measuring ---------------------------------------------------------------------------------


class Letterbox(NamedTuple):
    """A picture uint8 [H, W] fitted into a square, black around it; and the way back."""

    square: Gray
    scale: float
    corner: tuple[int, int]  # left, top

    @classmethod
    def fit(cls, picture: Gray, size: int) -> Letterbox:
        """Fit a picture into size x size pixels, as the SDK does."""
        height, width = picture.shape
        scale = min(size / width, size / height)
        fitted = max(round(width * scale), 1), max(round(height * scale), 1)
        corner = (size - fitted[0]) // 2, (size - fitted[1]) // 2
        square = Image.new("L", (size, size))
        square.paste(Image.fromarray(picture).resize(fitted, Image.Resampling.BILINEAR), corner)
        return cls(np.asarray(square), scale, corner)

    def undo(self, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Turn boxes [N, 4] from 0..1 of the square into pixels of the picture."""
        size = len(self.square)
        pixels: npt.NDArray[np.float64] = (boxes * size - (*self.corner, *self.corner)) / self.scale
        return pixels


def decode_grid(
    grid: Floats, threshold: float = 0.5, limit: float = 0.4, most: int = 50
) -> npt.NDArray[np.float64]:
    """Compute what the blob's `grid` head does for this model.

    Args:
        grid: float32 [H, W, 5], real values of cx, cy (in the cell), w, h (of the image), conf.
        threshold: scores below it are dropped.
        limit: a box is dropped whose overlap with a better one is above it.
        most: boxes kept at most.

    Returns:
        float64 [N, 5]: x0, y0, x1, y1 in 0..1, score; by falling score.
    """
    rows, cols = np.nonzero(grid[..., 4] >= threshold)
    cells = grid[rows, cols].astype(np.float64)
    centre = (np.stack([cols, rows], 1) + cells[:, :2]) / (grid.shape[1], grid.shape[0])
    corners = np.concatenate([centre - cells[:, 2:4] / 2, centre + cells[:, 2:4] / 2], 1)
    boxes = np.concatenate([corners.clip(0, 1), cells[:, 4:]], 1)
    kept: list[npt.NDArray[np.float64]] = []
    for box in boxes[np.argsort(-boxes[:, 4], kind="stable")]:
        if len(kept) < most and all(iou(box[:4], other[:4]) <= limit for other in kept):
            kept.append(box)
    return np.array(kept).reshape(-1, 5)


class Detector:
    """The int8 model under LiteRT's reference kernels: from pictures to boxes."""

    def __init__(self, model: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        reference = OpResolverType.BUILTIN_REF
        self.net = Interpreter(model_content=model, experimental_op_resolver_type=reference)
        self.net.allocate_tensors()

    def __call__(self, picture: Gray) -> npt.NDArray[np.float64]:
        """Find boxes in a picture uint8 [H, W].

        Returns:
            float64 [N, 5] (x0, y0, x1, y1 in pixels, score).
        """
        (source,), (sink,) = self.net.get_input_details(), self.net.get_output_details()
        fitted = Letterbox.fit(picture, source["shape"][1])
        self.net.set_tensor(source["index"], fitted.square[None, :, :, None])
        self.net.invoke()
        scale, zero = sink["quantization"]
        grid = np.float32(scale) * (self.net.get_tensor(sink["index"])[0].astype(np.float32) - zero)
        found = decode_grid(grid)
        return np.concatenate([fitted.undo(found[:, :4]), found[:, 4:]], axis=1)


class Score(NamedTuple):
    """Counts of one part of the photograph, at an overlap of 0.5."""

    part: str
    coins: int
    found: int
    wrong: int
    overlap: float

    def line(self) -> str:
        """Return a row of the report."""
        precision = self.found / max(self.found + self.wrong, 1)
        recall = self.found / self.coins
        return (
            f"{self.part:16s}{self.coins:6d}{self.found:7d}{self.wrong:7d}"
            f"{precision:11.3f}{recall:8.3f}{self.overlap:10.3f}"
        )


def score(part: str, boxes: npt.NDArray[np.float64], coins: tuple[tuple[int, ...], ...]) -> Score:
    """Match boxes to coins, best score first, each coin once."""
    left = [np.array(coin, dtype=np.float64) for coin in coins]
    overlaps: list[float] = []
    for box in boxes:
        best = max(range(len(left)), key=lambda i: iou(box[:4], left[i]), default=None)
        if best is not None and iou(box[:4], left[best]) >= 0.5:
            overlaps.append(iou(box[:4], left.pop(best)))
    mean = float(np.mean(overlaps)) if overlaps else 0.0
    return Score(part, len(coins), len(overlaps), len(boxes) - len(overlaps), mean)


def report(model: bytes) -> str:
    """Return the table of precision and recall, and what is found where no coin is."""
    detect = Detector(model)
    photo = pictures.coins()
    boxes = detect(photo)
    seen = train_mask(photo.shape)
    centres = ((boxes[:, :2] + boxes[:, 2:4]) / 2).astype(int)
    trained = seen[centres[:, 1], centres[:, 0]]
    rows = (
        score("held out", boxes[~trained], HELD_OUT_COINS),
        score("trained on", boxes[trained], TRAIN_COINS),
        score("whole picture", boxes, TRAIN_COINS + HELD_OUT_COINS),
    )
    head = f"{'part':16s}{'coins':>6s}{'found':>7s}{'wrong':>7s}{'precision':>11s}{'recall':>8s}"
    lines = [head + f"{'mean IoU':>10s}", *(row.line() for row in rows)]
    for name in WITHOUT_COINS:
        picture = np.asarray(Image.fromarray(getattr(pictures, name)()).convert("L"))
        lines.append(f"no coin in '{name}': {len(detect(picture))} found")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=MODEL_PATH, help="written, then measured")
    parser.add_argument("--evaluate-only", action="store_true", help="measure only; no TensorFlow")
    parser.add_argument("--scenes", type=int, default=5000, help="training pictures to paint")
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    if not args.evaluate_only:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import keras
        import tensorflow as tf
        from coin_scenes import Painter

        tf.config.threading.set_intra_op_parallelism_threads(2)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        keras.utils.set_random_seed(SEED)
        painter = Painter(np.random.default_rng(SEED))
        model = train(painter, args.scenes, args.epochs)
        args.model.write_bytes(export(model, painter))
    content = args.model.read_bytes()
    print(f"{args.model.name}: {len(content)} bytes")
    print(report(content))


if __name__ == "__main__":
    main()
