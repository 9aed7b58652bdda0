"""Scenes to train the coin detector, painted from a part of the photograph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from coin_photo import TRAIN_COINS, TRAIN_WINDOWS, Box, Gray, coin_masks, iou, train_mask
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage
from skimage import data as pictures

INPUT = 160  # pixels, both ways
GRID = 20  # cells, both ways

# Pictures without coins that training may see; `train_coin_detector.py` measures on others.
OTHERS = ("brick", "grass", "gravel", "camera", "page", "astronaut", "coffee", "moon", "clock")

Floats = npt.NDArray[np.float32]


class Scene(NamedTuple):
    """A training picture and its boxes.

    Attributes:
        picture: uint8 [INPUT, INPUT].
        boxes: float32 [N, 4] (cx, cy, w, h; 0..1).
    """

    picture: Gray
    boxes: Floats


class Painter:
    """A painter of scenes: cut-out coins, bare background, pictures without coins."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        photo = pictures.coins()
        photo = np.where(train_mask(photo.shape), photo, 0).astype(np.uint8)
        masks = coin_masks(photo)
        self.photo = Image.fromarray(photo)
        self.coins = [_cut_out(photo, masks, box) for box in TRAIN_COINS]
        self.bare = self._without_coins(photo, masks).crop(TRAIN_WINDOWS[0])
        self.others = [Image.fromarray(getattr(pictures, name)()).convert("L") for name in OTHERS]

    def scene(self) -> Scene:
        """Paint one scene: a view of the photograph, pasted coins, or no coin at all."""
        canvas, kind = self._background(), self.rng.random()
        if kind < 0.2:
            return self._finish(canvas, self._paste_view(canvas))
        self._paste_decoys(canvas)
        return self._finish(canvas, self._paste_coins(canvas) if kind < 0.85 else [])

    def _without_coins(self, photo: Gray, masks: npt.NDArray[np.bool_]) -> Image.Image:
        """Return the photograph without its coins and without what training may not see."""
        known = train_mask(photo.shape) & ~ndimage.binary_dilation(masks, iterations=3)
        total = ndimage.gaussian_filter(np.where(known, photo, 0).astype(np.float32), 14)
        smooth = total / np.maximum(ndimage.gaussian_filter(known.astype(np.float32), 14), 1e-3)
        grain = self.rng.normal(0, (photo - smooth)[known].std(), photo.shape)
        bare = np.where(known, photo, np.clip(smooth + grain, 0, 255))
        return Image.fromarray(bare.astype(np.uint8))

    def _background(self) -> Image.Image:
        """Bare background of the photograph, a picture without coins, or a plain gradient."""
        kind = self.rng.random()
        if kind < 0.8:
            source = self.bare if kind < 0.4 else self.others[self.rng.integers(len(self.others))]
            side = int(self.rng.uniform(0.3, 1.0) * min(source.size))
            turned = self._crop(source, side, side).rotate(90 * int(self.rng.integers(4)))
            return turned.resize((INPUT, INPUT), Image.Resampling.BILINEAR)
        ramp = np.linspace(-1, 1, INPUT)
        plane = self.rng.uniform(0, 255) + self.rng.uniform(-60, 60) * ramp[:, None]
        plane = plane + self.rng.uniform(-60, 60) * ramp[None, :]
        plane = plane + self.rng.normal(0, self.rng.uniform(0, 12), plane.shape)
        return Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8))

    def _crop(self, source: Image.Image, width: int, height: int) -> Image.Image:
        """Cut a random window out of it."""
        x = int(self.rng.integers(0, source.width - width + 1))
        y = int(self.rng.integers(0, source.height - height + 1))
        return source.crop((x, y, x + width, y + height))

    def _paste_view(self, canvas: Image.Image) -> list[Box]:
        """Paste a square window of the photograph as it is: real edges, real neighbours."""
        left, top, right, bottom = TRAIN_WINDOWS[self.rng.integers(len(TRAIN_WINDOWS))]
        side = int(self.rng.integers(120, min(right - left, bottom - top) + 1))
        x = int(self.rng.integers(left, right - side + 1))
        y = int(self.rng.integers(top, bottom - side + 1))
        size = int(self.rng.uniform(0.5, 1) * INPUT)
        at_x, at_y = (int(v) for v in self.rng.integers(0, INPUT - size + 1, 2))
        view = self.photo.crop((x, y, x + side, y + side))
        canvas.paste(view.resize((size, size), Image.Resampling.BILINEAR), (at_x, at_y))
        boxes: list[Box] = []
        for x0, y0, x1, y1 in TRAIN_COINS:
            cut = np.array([max(x0, x), max(y0, y), min(x1, x + side), min(y1, y + side)])
            shown = np.prod(np.maximum(cut[2:] - cut[:2], 0)) / ((x1 - x0) * (y1 - y0))
            if shown > 0.4:
                placed = (cut - (x, y, x, y)) * (size / side) + (at_x, at_y, at_x, at_y)
                boxes.append((placed[0], placed[1], placed[2], placed[3]))
        return boxes

    def _paste_decoys(self, canvas: Image.Image) -> None:
        """Paste what is not a coin: plain or textured shapes (of coins too), and lines."""
        for _ in range(self.rng.integers(0, 6)):
            x, y = (int(v) for v in self.rng.integers(-10, INPUT, 2))
            width, height = (int(v) for v in self.rng.integers(5, 45, 2))
            shape = Image.new("L", (width, height))
            draw = ImageDraw.Draw(shape)
            match self.rng.integers(4):
                case 0:
                    draw.rectangle((0, 0, width, height), fill=255)
                case 1:
                    draw.line((0, 0, width, height), fill=255, width=2)
                case 2:
                    corners = self.rng.uniform(0, 1, (3, 2)) * (width, height)
                    draw.polygon([tuple(c) for c in corners], fill=255)
                case _:
                    draw.ellipse((0, 0, width, height), fill=255)
                    shape = shape.filter(ImageFilter.GaussianBlur(max(width, height) / 4))
            canvas.paste(self._decoy_texture(width, height), (x, y), shape)

    def _decoy_texture(self, width: int, height: int) -> Image.Image:
        match self.rng.integers(3):
            case 0:
                return Image.new("L", (width, height), int(self.rng.integers(0, 256)))
            case 1:
                inner = self.coins[self.rng.integers(len(self.coins))].getchannel("L")
                inner = inner.crop((8, 8, inner.width - 8, inner.height - 8))
                return inner.resize((width, height), Image.Resampling.BILINEAR)
            case _:
                other = self.others[self.rng.integers(len(self.others))]
                return self._crop(other, width, height)

    def _paste_coins(self, canvas: Image.Image) -> list[Box]:
        """Paste coins that hardly overlap and that stand out from what is under them."""
        boxes: list[Box] = []
        usual = self.rng.uniform(14, 36)
        for _ in range(self.rng.integers(1, 40)):
            coin, outline = self._coin(float(np.clip(usual * self.rng.uniform(0.75, 1.35), 11, 46)))
            x = int(self.rng.integers(-coin.width // 4, INPUT - 3 * coin.width // 4))
            y = int(self.rng.integers(-coin.height // 4, INPUT - 3 * coin.height // 4))
            box = (x + outline[0], y + outline[1], x + outline[2], y + outline[3])
            if any(iou(np.array(box), np.array(other)) > 0.02 for other in boxes):
                continue
            below = np.asarray(canvas.crop((x, y, x + coin.width, y + coin.height)))
            light, alpha = (np.asarray(coin.getchannel(c), dtype=np.float32) for c in "LA")
            if abs(float(((light - below) * alpha).sum() / alpha.sum())) < 25:
                continue
            canvas.paste(coin.getchannel("L"), (x, y), coin.getchannel("A"))
            x0, y0, x1, y1 = (float(min(max(v, 0), INPUT)) for v in box)
            boxes.append((x0, y0, x1, y1))
        return boxes

    def _coin(self, diameter: float) -> tuple[Image.Image, tuple[int, int, int, int]]:
        """Turn, mirror, scale, squeeze and relight a cut-out; return it and its box."""
        coin = self.coins[self.rng.integers(len(self.coins))]
        if self.rng.random() < 0.5:
            coin = coin.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        margin = 30
        roomy = Image.new("LA", (coin.width + 2 * margin, coin.height + 2 * margin))
        roomy.paste(coin, (margin, margin))
        turned = roomy.rotate(self.rng.uniform(0, 360), Image.Resampling.BILINEAR)
        squeeze = self.rng.uniform(0.88, 1.0, 2) * diameter / max(coin.size)
        size = (int(turned.width * squeeze[0]), int(turned.height * squeeze[1]))
        small = turned.resize(size, Image.Resampling.BILINEAR)
        gain, lift = self.rng.uniform(0.65, 1.25), self.rng.uniform(-45, 35)
        tone = [int(np.clip(v * gain + lift, 0, 255)) for v in range(256)]
        alpha = small.getchannel("A")
        outline = alpha.point([0] * 128 + [255] * 128).getbbox() or (0, 0, *size)
        return Image.merge("LA", (small.getchannel("L").point(tone), alpha)), outline

    def _finish(self, canvas: Image.Image, boxes: list[Box]) -> Scene:
        """Blurs, lights, adds noise and bars, mirrors and turns the whole scene."""
        if self.rng.random() < 0.3:
            canvas = canvas.filter(ImageFilter.GaussianBlur(self.rng.uniform(0.3, 1.0)))
        values = np.asarray(canvas, dtype=np.float64)
        values = (values - 128) * self.rng.uniform(0.6, 1.3) + 128 + self.rng.uniform(-35, 35)
        values = values + self.rng.normal(0, self.rng.uniform(0, 6), values.shape)
        corners = np.array(boxes, dtype=np.float32).reshape(-1, 4)
        if self.rng.random() < 0.4:
            corners = self._paint_bars(values, corners)
        if self.rng.random() < 0.5:
            values, corners = values.T, corners[:, [1, 0, 3, 2]]
        if self.rng.random() < 0.5:
            values, corners = values[:, ::-1], corners[:, [2, 1, 0, 3]]
            corners[:, [0, 2]] = INPUT - corners[:, [0, 2]]
        centres = (corners[:, :2] + corners[:, 2:]) / 2
        sized = np.concatenate([centres, corners[:, 2:] - corners[:, :2]], axis=1) / INPUT
        return Scene(np.clip(values, 0, 255).astype(np.uint8), sized.astype(np.float32))

    def _paint_bars(self, values: npt.NDArray[np.float64], corners: Floats) -> Floats:
        """Paint plain bars as a letterbox has them, over coins that they touch too."""
        bar = int(self.rng.integers(1, INPUT // 4))
        shade = self.rng.choice([0.0, 0.0, 128.0, 255.0, self.rng.uniform(0, 255)])
        values[:bar] = values[INPUT - bar :] = shade
        whole = (corners[:, 1] >= bar) & (corners[:, 3] <= INPUT - bar)
        for x0, y0, x1, y1 in corners[~whole].astype(int):
            values[max(y0 - 1, 0) : y1 + 2, max(x0 - 1, 0) : x1 + 2] = shade
        return corners[whole]


def _cut_out(photo: Gray, masks: npt.NDArray[np.bool_], box: tuple[int, ...]) -> Image.Image:
    """Cut out one coin with its outline as the alpha channel."""
    x0, y0, x1, y1 = box
    alpha = (masks[y0:y1, x0:x1] * 255).astype(np.uint8)
    return Image.fromarray(np.dstack([photo[y0:y1, x0:x1], alpha]), "LA")


def grid_target(boxes: Floats) -> Floats:
    """Return boxes as the grid that the model learns.

    Returns:
        [GRID, GRID, 5] (cx, cy in the cell, w, h, conf).
    """
    target = np.zeros((GRID, GRID, 5), dtype=np.float32)
    for cx, cy, w, h in boxes:
        col, row = min(int(cx * GRID), GRID - 1), min(int(cy * GRID), GRID - 1)
        target[row, col] = (cx * GRID - col, cy * GRID - row, w, h, 1)
    return target
