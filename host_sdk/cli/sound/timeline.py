"""Draw scores over time, above the sound that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from host_sdk.cli.sound.scene import RATE, Sound

_WIDTH, _HEIGHT = 440, 150  # of a track's panel, pixels
_COLUMNS = 2
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 12, 24, 20  # of the plot within it
_TITLE = 34
_INK, _FAINT, _SOUND = "#222222", "#BBBBBB", "#C9DCEB"
# Of those that differ for the colour-blind too (Okabe and Ito).
_SCORE, _FIRED, _LIMIT = "#0072B2", "#D55E00", "#009E73"
_FULL = 16_384.0  # a sound of this height fills the panel


@dataclass(frozen=True)
class Track:
    """A sound and what was heard.

    Attributes:
        name: a few words.
        sound: int16, 16 kHz.
        scores: 0..1, one behind each run.
        fired: runs in which it fired.
    """

    name: str
    sound: Sound
    scores: Sequence[float]
    fired: Sequence[int]


def draw_timeline(
    title: str, tracks: Sequence[Track], threshold: float, hop_ms: int
) -> Image.Image:
    """Draw a panel for each track.

    Args:
        title: of all.
        tracks: two beside each other.
        threshold: 0..1, a line in every panel.
        hop_ms: from a run to the next.

    Returns:
        A picture of few colours.
    """
    rows = -(-len(tracks) // _COLUMNS)
    picture = Image.new("RGB", (_COLUMNS * _WIDTH, _TITLE + rows * _HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((10, 9), title, _INK, ImageFont.load_default(size=15))
    for at, track in enumerate(tracks):
        row, column = divmod(at, _COLUMNS)
        _Panel(draw, column * _WIDTH, _TITLE + row * _HEIGHT, track).draw(threshold, hop_ms)
    return picture.quantize(48, dither=Image.Dither.NONE)


class _Panel:
    """A track's panel; x in milliseconds, y from 0 to 1."""

    def __init__(self, draw: ImageDraw.ImageDraw, left: int, top: int, track: Track) -> None:
        self._draw = draw
        self._track = track
        self._x0, self._x1 = left + _LEFT, left + _WIDTH - _RIGHT
        self._y0, self._y1 = top + _TOP, top + _HEIGHT - _BOTTOM
        self._ms = 1000 * len(track.sound) / RATE
        self._font = ImageFont.load_default(size=11)

    def draw(self, threshold: float, hop_ms: int) -> None:
        """Draw sound, scale, threshold, scores, and where it fires."""
        self._sound()
        self._scale()
        limit = self._y(threshold)
        for x in range(self._x0, self._x1, 8):
            self._draw.line((x, limit, min(x + 4, self._x1), limit), _LIMIT)
        points = [
            (self._x((at + 1) * hop_ms), self._y(score))
            for at, score in enumerate(self._track.scores)
        ]
        self._draw.line(points, _SCORE, 2)
        for at in self._track.fired:
            self._fired((at + 1) * hop_ms)

    def _sound(self) -> None:
        columns = self._x1 - self._x0
        middle, half = (self._y0 + self._y1) / 2, (self._y1 - self._y0) / 2
        for at, part in enumerate(np.array_split(self._track.sound.astype(float), columns)):
            high, low = (min(1.0, max(-1.0, float(v) / _FULL)) for v in (part.max(), part.min()))
            x = self._x0 + at
            self._draw.line((x, middle - high * half, x, middle - low * half), _SOUND)

    def _scale(self) -> None:
        draw, font = self._draw, self._font
        draw.rectangle((self._x0, self._y0, self._x1, self._y1), outline=_FAINT)
        draw.text((self._x0, self._y0 - 16), f"noise: {self._track.name}", _INK, font)
        for share in (0.0, 0.5, 1.0):
            draw.text((self._x0 - 5, self._y(share)), f"{share:g}", _INK, font, anchor="rm")
        for ms in range(0, int(self._ms) + 1, 500):
            x = self._x(ms)
            draw.line((x, self._y1, x, self._y1 + 3), _FAINT)
            draw.text((x, self._y1 + 4), f"{ms / 1000:g} s", _INK, font, anchor="ma")

    def _fired(self, ms: int) -> None:
        x = self._x(ms)
        self._draw.line((x, self._y0, x, self._y1), _FIRED, 2)
        self._draw.polygon([(x - 5, self._y0 - 7), (x + 5, self._y0 - 7), (x, self._y0)], _FIRED)
        self._draw.text((x + 8, self._y0 - 16), f"fires at {ms} ms", _FIRED, self._font)

    def _x(self, ms: float) -> float:
        return self._x0 + (self._x1 - self._x0) * ms / self._ms

    def _y(self, share: float) -> float:
        return self._y1 - (self._y1 - self._y0) * share
