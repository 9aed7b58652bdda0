"""Trains the coin detector that ships in examples/models, and measures it.

The only source of coins is one photograph, `skimage.data.coins()`. Its right third (eight of the 24
coins, and the background around them) is never seen in training; precision and recall are reported
for that part by itself. What is measured is the int8 model, run by LiteRT's reference kernels, behind
the same letterbox and the same decoding that `Device.detect` gives.

    python examples/train_coin_detector.py                   # train, export, measure (5 minutes)
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
from PIL import Image, ImageDraw, ImageFilter
from skimage import data as pictures

if TYPE_CHECKING:
    import keras

MODEL_PATH = Path(__file__).parent / "models" / "coins.tflite"
INPUT = 160  # pixels, both ways
GRID = 20  # cells, both ways
SEED = 20240501

Gray = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

# ---- The photograph ------------------------------------------------------------------------------

# Boxes (x0, y0, x1, y1) of the photograph's coins in pixels, ends exclusive: the regions of a
# watershed on the Sobel gradient (markers: below 30, above 150), each one checked by eye.
TRAIN_COINS = (
    *((22, 35, 67, 74), (81, 39, 120, 74), (132, 28, 179, 74), (192, 30, 240, 73)),
    *((25, 104, 67, 145), (84, 108, 122, 145), (134, 110, 173, 145), (186, 105, 226, 144)),
    *((26, 179, 63, 217), (80, 175, 124, 217), (135, 179, 174, 217), (189, 170, 237, 217)),
    *((18, 233, 75, 288), (93, 245, 136, 287), (144, 236, 201, 288), (220, 240, 269, 288)),
)
HELD_OUT_COINS = (
    *((255, 34, 297, 72), (305, 16, 365, 72), (245, 95, 296, 144), (317, 106, 356, 145)),
    *((251, 172, 297, 217), (315, 156, 380, 218), (276, 239, 326, 289), (336, 248, 382, 289)),
)
# Training sees only these rectangles (x0, y0, x1, y1) of the photograph.
TRAIN_REGIONS = ((0, 0, 243, 228), (0, 228, 272, 303))


def train_mask(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """True at the photograph's pixels that training may see."""
    mask = np.zeros(shape, dtype=bool)
    for x0, y0, x1, y1 in TRAIN_REGIONS:
        mask[y0:y1, x0:x1] = True
    return mask


def coin_masks(photo: Gray) -> npt.NDArray[np.bool_]:
    """True inside the training coins: the same watershed that gave their boxes."""
    from scipy import ndimage
    from skimage import filters, segmentation

    markers = np.where(photo < 30, 1, np.where(photo > 150, 2, 0))
    inside = segmentation.watershed(filters.sobel(photo), markers) == 2
    filled: npt.NDArray[np.bool_] = ndimage.binary_fill_holes(inside)
    only = np.zeros_like(filled)
    for x0, y0, x1, y1 in TRAIN_COINS:
        only[y0:y1, x0:x1] = filled[y0:y1, x0:x1]
    return only


# ---- Training pictures -----------------------------------------------------------------------------


class Scene(NamedTuple):
    """A training picture, uint8 [INPUT, INPUT], and its boxes [N, 4] (cx, cy, w, h; 0..1)."""

    picture: Gray
    boxes: Floats


class Painter:
    """Paints training scenes from cut-out coins, bare background and unrelated pictures."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        photo = np.where(train_mask((303, 384)), pictures.coins(), 0).astype(np.uint8)
        masks = coin_masks(photo)
        self.coins = [self._cut(photo, masks, box) for box in TRAIN_COINS]
        self.photo = photo
        self.bare = self._without_coins(photo, masks)
        others = (pictures.brick, pictures.grass, pictures.gravel, pictures.camera, pictures.page)
        self.others = [Image.fromarray(load()) for load in others]

    @staticmethod
    def _cut(photo: Gray, masks: npt.NDArray[np.bool_], box: tuple[int, ...]) -> Image.Image:
        """One coin with its outline as the alpha channel."""
        x0, y0, x1, y1 = box
        alpha = (masks[y0:y1, x0:x1] * 255).astype(np.uint8)
        return Image.fromarray(np.dstack([photo[y0:y1, x0:x1], alpha]), "LA")

    def _without_coins(self, photo: Gray, masks: npt.NDArray[np.bool_]) -> Image.Image:
        """The training part of the photograph, coins replaced by what lies around them."""
        from scipy import ndimage

        known = train_mask(photo.shape) & ~ndimage.binary_dilation(masks, iterations=3)
        total = ndimage.gaussian_filter(np.where(known, photo, 0).astype(np.float32), 14)
        smooth = total / np.maximum(ndimage.gaussian_filter(known.astype(np.float32), 14), 1e-3)
        grain = self.rng.normal(0, (photo - smooth)[known].std(), photo.shape)
        bare = np.where(known, photo, np.clip(smooth + grain, 0, 255)).astype(np.uint8)
        return Image.fromarray(bare[:, :243])

    def scene(self) -> Scene:
        """One random scene: half of them dense, some of real neighbours, some without any coin."""
        kind = self.rng.random()
        if kind < 0.2:
            return self._finish(*self._real_view())
        canvas = self._background()
        self._scribble(canvas)
        boxes: list[tuple[float, ...]] = []
        if kind < 0.9:
            self._scatter(canvas, boxes)
        return self._finish(canvas, boxes)

    def _real_view(self) -> tuple[Image.Image, list[tuple[float, ...]]]:
        """A window of the photograph as it is: real edges, real neighbours."""
        left, top, right, bottom = TRAIN_REGIONS[0] if self.rng.random() < 0.6 else (0, 0, 218, 303)
        side = self.rng.integers(120, min(right - left, bottom - top) + 1)
        x = int(self.rng.integers(left, right - side + 1))
        y = int(self.rng.integers(top, bottom - side + 1))
        window = Image.fromarray(self.photo).crop((x, y, x + side, y + side))
        size = int(self.rng.uniform(0.5, 1) * INPUT)
        canvas = self._background()
        at_x, at_y = (int(v) for v in self.rng.integers(0, INPUT - size + 1, 2))
        canvas.paste(window.resize((size, size), Image.Resampling.BILINEAR), (at_x, at_y))
        scale = size / side
        boxes = []
        for x0, y0, x1, y1 in TRAIN_COINS:
            cut = (max(x0, x), max(y0, y), min(x1, x + side), min(y1, y + side))
            seen = max(cut[2] - cut[0], 0) * max(cut[3] - cut[1], 0) / ((x1 - x0) * (y1 - y0))
            if seen > 0.4:
                at = (at_x, at_y, at_x, at_y)
                origin = (x, y, x, y)
                boxes.append(tuple((c - o) * scale + a for c, o, a in zip(cut, origin, at)))
        return canvas, boxes

    def _background(self) -> Image.Image:
        """Bare background of the photograph, another picture, or a plain gradient."""
        kind = self.rng.random()
        if kind < 0.75:
            source = self.bare if kind < 0.45 else self.others[self.rng.integers(len(self.others))]
            side = int(self.rng.uniform(0.3, 0.95) * min(source.size))
            x = int(self.rng.integers(0, source.width - side + 1))
            y = int(self.rng.integers(0, source.height - side + 1))
            turned = source.crop((x, y, x + side, y + side)).rotate(90 * self.rng.integers(4))
            return turned.resize((INPUT, INPUT), Image.Resampling.BILINEAR)
        ramp = np.linspace(-1, 1, INPUT)
        plane = self.rng.uniform(0, 255) + self.rng.uniform(-60, 60) * ramp[:, None]
        plane = plane + self.rng.uniform(-60, 60) * ramp[None, :]
        plane = plane + self.rng.normal(0, self.rng.uniform(0, 12), plane.shape)
        return Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8))

    def _scribble(self, canvas: Image.Image) -> None:
        """Things that are no coins: bars, polygons and lines."""
        draw = ImageDraw.Draw(canvas)
        for _ in range(self.rng.integers(0, 5)):
            x, y = self.rng.uniform(0, INPUT, 2)
            w, h = self.rng.uniform(3, 45, 2)
            shade = int(self.rng.integers(0, 256))
            match self.rng.integers(3):
                case 0:
                    draw.rectangle((x, y, x + w, y + h), fill=shade)
                case 1:
                    draw.line((x, y, x + 2 * w - 45, y + 2 * h - 45), shade, width=2)
                case _:
                    draw.polygon([(x, y), (x + w, y + h / 3), (x + w / 3, y + h)], fill=shade)

    def _scatter(self, canvas: Image.Image, boxes: list[tuple[float, ...]]) -> None:
        """Pastes coins that do not overlap (much) and appends their boxes."""
        usual = self.rng.uniform(14, 36)
        for _ in range(self.rng.integers(1, 40)):
            coin, outline = self._coin(float(np.clip(usual * self.rng.uniform(0.75, 1.35), 11, 46)))
            x = int(self.rng.integers(-coin.width // 4, INPUT - 3 * coin.width // 4))
            y = int(self.rng.integers(-coin.height // 4, INPUT - 3 * coin.height // 4))
            box = (x + outline[0], y + outline[1], x + outline[2], y + outline[3])
            if any(iou(np.array(box), np.array(other)) > 0.02 for other in boxes):
                continue
            canvas.paste(coin.getchannel("L"), (x, y), coin.getchannel("A"))
            boxes.append(tuple(min(max(v, 0.0), float(INPUT)) for v in box))

    def _coin(self, diameter: float) -> tuple[Image.Image, tuple[int, int, int, int]]:
        """A cut-out turned, scaled, squeezed, lit anew; and the box of its outline."""
        coin = self.coins[self.rng.integers(len(self.coins))]
        if self.rng.random() < 0.5:
            coin = coin.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        margin = 30
        roomy = Image.new("LA", (coin.width + 2 * margin, coin.height + 2 * margin))
        roomy.paste(coin, (margin, margin))
        turned = roomy.rotate(self.rng.uniform(0, 360), Image.Resampling.BILINEAR)
        scale = diameter / max(coin.size)
        squeeze = self.rng.uniform(0.88, 1.0, 2)
        size = (
            max(int(turned.width * scale * squeeze[0]), 4),
            max(int(turned.height * scale * squeeze[1]), 4),
        )
        small = turned.resize(size, Image.Resampling.BILINEAR)
        gain, lift = self.rng.uniform(0.65, 1.25), self.rng.uniform(-45, 35)
        lit = small.getchannel("L").point([int(np.clip(v * gain + lift, 0, 255)) for v in range(256)])
        alpha = small.getchannel("A")
        outline = alpha.point([0] * 128 + [255] * 128).getbbox() or (0, 0, *size)
        return Image.merge("LA", (lit, alpha)), outline

    def _finish(self, canvas: Image.Image, boxes: list[tuple[float, ...]]) -> Scene:
        """Mirrors, blur, letterbox bars, contrast and noise over the whole scene."""
        picture = canvas
        if self.rng.random() < 0.3:
            picture = picture.filter(ImageFilter.GaussianBlur(self.rng.uniform(0.3, 1.0)))
        values = np.asarray(picture, dtype=np.float32)
        values = (values - 128) * self.rng.uniform(0.6, 1.3) + 128 + self.rng.uniform(-35, 35)
        values = values + self.rng.normal(0, self.rng.uniform(0, 6), values.shape)
        corners = np.array(boxes, dtype=np.float32).reshape(-1, 4)
        if self.rng.random() < 0.4:
            corners = self._bars(values, corners)
        if self.rng.random() < 0.5:
            values, corners = values.T, corners[:, [1, 0, 3, 2]]
        if self.rng.random() < 0.5:
            values = values[:, ::-1]
            corners = np.stack(
                [INPUT - corners[:, 2], corners[:, 1], INPUT - corners[:, 0], corners[:, 3]], axis=1
            )
        centres = (corners[:, :2] + corners[:, 2:]) / 2
        boxes_out = np.concatenate([centres, corners[:, 2:] - corners[:, :2]], axis=1) / INPUT
        return Scene(np.clip(values, 0, 255).astype(np.uint8), boxes_out.astype(np.float32))

    def _bars(self, values: Floats, corners: Floats) -> Floats:
        """Plain bars as a letterbox makes them; coins they touch are covered whole."""
        bar = int(self.rng.integers(1, INPUT // 4))
        shade = self.rng.choice([0.0, 114.0, 128.0, 255.0, self.rng.uniform(0, 255)])
        values[:bar] = values[INPUT - bar :] = shade
        keep = (corners[:, 1] >= bar) & (corners[:, 3] <= INPUT - bar)
        for x0, y0, x1, y1 in corners[~keep].astype(int):
            values[max(y0 - 1, 0) : y1 + 2, max(x0 - 1, 0) : x1 + 2] = shade
        return corners[keep]


def grid_target(boxes: Floats) -> Floats:
    """Boxes as the grid the model learns: [GRID, GRID, 5] (cx, cy in the cell, w, h, conf)."""
    target = np.zeros((GRID, GRID, 5), dtype=np.float32)
    for cx, cy, w, h in boxes:
        col, row = min(int(cx * GRID), GRID - 1), min(int(cy * GRID), GRID - 1)
        target[row, col] = (cx * GRID - col, cy * GRID - row, w, h, 1)
    return target


# ---- The model -------------------------------------------------------------------------------------


def build_model(batch: int | None = None) -> keras.Model:
    """A small residual net of depthwise-separable blocks; output real values are all 0..1."""
    import keras
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


def train(rng: np.random.Generator, scenes: int, epochs: int) -> keras.Model:
    """Trains on `scenes` scenes painted once, mirrored anew by each epoch's order only."""
    import keras
    import tensorflow as tf

    painter = Painter(rng)
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
        per_cell = crossed * (1 + 3 * found) + found * (centre + 2 * size)
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


def export(model: keras.Model, rng: np.random.Generator) -> bytes:
    """Full-integer .tflite: uint8 input at scale 1/255, per-channel int8 weights, int8 output."""
    import tensorflow as tf

    painter = Painter(rng)

    def calibration() -> Iterator[list[Floats]]:
        for _ in range(200):
            picture = painter.scene().picture.astype(np.float32) / 255
            picture[0, :2] = (0, 1)  # the whole range, so that the scale is 1/255
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


# ---- Measuring -------------------------------------------------------------------------------------


def iou(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    w, h = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = max(w, 0) * max(h, 0)
    areas = np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])
    return float(both / max(areas - both, 1e-9))


def letterbox(picture: Gray, size: int, fill: int) -> tuple[Gray, float, int, int]:
    """Fits a picture into a square; returns it with the scale and the left and top bars."""
    height, width = picture.shape
    scale = min(size / width, size / height)
    fit = (max(round(width * scale), 1), max(round(height * scale), 1))
    left, top = (size - fit[0]) // 2, (size - fit[1]) // 2
    canvas = Image.new("L", (size, size), fill)
    canvas.paste(Image.fromarray(picture).resize(fit, Image.Resampling.BILINEAR), (left, top))
    return np.asarray(canvas), scale, left, top


def decode_grid(
    grid: Floats, threshold: float = 0.5, limit: float = 0.4, most: int = 50
) -> npt.NDArray[np.float64]:
    """What the blob's `grid` head computes for this model.

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
    """The int8 model under LiteRT's reference kernels: pictures in, boxes in their pixels out."""

    def __init__(self, model: bytes, fill: int = 0) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        reference = OpResolverType.BUILTIN_REF
        self.fill = fill
        self.net = Interpreter(model_content=model, experimental_op_resolver_type=reference)
        self.net.allocate_tensors()

    def __call__(self, picture: Gray) -> npt.NDArray[np.float64]:
        """Boxes float64 [N, 5] (x0, y0, x1, y1 in pixels, score) of a picture uint8 [H, W]."""
        image, scale, left, top = letterbox(picture, INPUT, self.fill)
        (source,), (sink,) = self.net.get_input_details(), self.net.get_output_details()
        self.net.set_tensor(source["index"], image[None, :, :, None])
        self.net.invoke()
        step, zero = sink["quantization"]
        grid = np.float32(step) * (self.net.get_tensor(sink["index"])[0].astype(np.float32) - zero)
        found = decode_grid(grid)
        found[:, :4] = (found[:, :4] * INPUT - (left, top, left, top)) / scale
        return found


class Score(NamedTuple):
    """Counts of one part of the photograph, at an overlap of 0.5."""

    part: str
    coins: int
    found: int
    wrong: int
    overlap: float

    def line(self) -> str:
        """A row of the report."""
        precision = self.found / max(self.found + self.wrong, 1)
        recall = self.found / self.coins
        return (
            f"{self.part:16s}{self.coins:6d}{self.found:7d}{self.wrong:7d}"
            f"{precision:11.3f}{recall:8.3f}{self.overlap:10.3f}"
        )


def score(part: str, boxes: npt.NDArray[np.float64], coins: tuple[tuple[int, ...], ...]) -> Score:
    """Matches boxes to coins, best score first, each coin once."""
    left = [np.array(coin, dtype=np.float64) for coin in coins]
    overlaps: list[float] = []
    for box in boxes:
        best = max(range(len(left)), key=lambda i: iou(box[:4], left[i]), default=None)
        if best is not None and iou(box[:4], left[best]) >= 0.5:
            overlaps.append(iou(box[:4], left.pop(best)))
    mean = float(np.mean(overlaps)) if overlaps else 0.0
    return Score(part, len(coins), len(overlaps), len(boxes) - len(overlaps), mean)


def report(model: bytes) -> str:
    """The table of precision and recall, and what is found where no coin is."""
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
    for name in ("chelsea", "astronaut", "rocket", "text"):
        picture = np.asarray(Image.fromarray(getattr(pictures, name)()).convert("L"))
        lines.append(f"no coin in '{name}': {len(detect(picture))} found")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path, default=MODEL_PATH, help="written, then measured")
    parser.add_argument("--evaluate-only", action="store_true", help="measure only; no TensorFlow")
    parser.add_argument("--scenes", type=int, default=6000, help="training pictures to paint")
    parser.add_argument("--epochs", type=int, default=24)
    args = parser.parse_args()
    if not args.evaluate_only:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(2)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        keras.utils.set_random_seed(SEED)
        rng = np.random.default_rng(SEED)
        model = train(rng, args.scenes, args.epochs)
        args.model.write_bytes(export(model, rng))
    content = args.model.read_bytes()
    print(f"{args.model.name}: {len(content)} bytes")
    print(report(content))


if __name__ == "__main__":
    main()
