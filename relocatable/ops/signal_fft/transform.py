"""Transforms of real signals as KISS FFT 1.3.0 computes them: tables, and NumPy.

A signal of N values is taken as N / 2 complex ones, which are transformed by stages of radix 2 to
5; then the two halves of their spectrum are divided into those of even and odd values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from relocatable.ops.operator import Array


def stages(count: int) -> list[tuple[int, int]]:
    """Divide a transform of `count` values into stages.

    Returns:
        Radix, and values of each of the smaller transforms that it joins, largest first; [] if
        there is a factor beyond 5.
    """
    found, radix, rest, root = [], 4, count, math.isqrt(count)
    while rest > 1:
        while rest % radix:
            radix = {4: 2, 2: 3}.get(radix, radix + 2)
            if radix > root:
                radix = rest
        rest //= radix
        found.append((radix, rest))
    return found if all(radix <= 5 for radix, _ in found) else []


@dataclass(frozen=True)
class Complex:
    """Complex numbers of any of the types, whose parts are computed like there."""

    re: Array
    im: Array

    def __add__(self, other: Complex) -> Complex:
        return Complex(self.re + other.re, self.im + other.im)

    def __sub__(self, other: Complex) -> Complex:
        return Complex(self.re - other.re, self.im - other.im)

    def __getitem__(self, at: Any) -> Complex:
        return Complex(self.re[at], self.im[at])

    def reshape(self, *shape: int) -> Complex:
        """Give both parts another shape."""
        return self.apply(lambda x: x.reshape(shape))

    def apply(self, function: Callable[[Array], Array]) -> Complex:
        """Apply a function to both parts."""
        return Complex(function(self.re), function(self.im))

    @property
    def conjugate(self) -> Complex:
        """The same with the other sign of the imaginary part."""
        return Complex(self.re, -self.im)

    @property
    def turned(self) -> Complex:
        """The product with -i."""
        return Complex(self.im, -self.re)


@dataclass(frozen=True)
class Transform:
    """A transform of signals of one length.

    Attributes:
        dtype: of the values: "int16", "int32" or "float32".
        length: values of a signal.
        is_inverse: from spectra to signals.
    """

    dtype: str
    length: int
    is_inverse: bool

    @property
    def half(self) -> int:
        """Complex values that a signal is taken as."""
        return self.length // 2

    @cached_property
    def stages(self) -> list[tuple[int, int]]:
        """See the function."""
        return stages(self.half)

    @cached_property
    def radixes(self) -> Array:
        """Radixes in the order of the stages: smallest transforms first."""
        return np.array([radix for radix, _ in reversed(self.stages)], np.uint8)

    @cached_property
    def places(self) -> Array:
        """Where each value is put before the first stage."""
        sources: Array = np.arange(self.half)
        for radix, rest in self.stages:
            sources = sources.reshape(-1, rest, radix).swapaxes(1, 2)
        places = np.empty(self.half, np.uint16)
        places[sources.reshape(-1)] = np.arange(self.half)
        return places

    @cached_property
    def turns(self) -> Array:
        """Roots of unity [half, 2]."""
        return self._table([-2 * math.pi * i / self.half for i in range(self.half)])

    @cached_property
    def half_turns(self) -> Array:
        """Factors by which even and odd values are told apart [half / 2, 2]."""
        places = range(1, self.half // 2 + 1)
        return self._table([-math.pi * (i / self.half + 0.5) for i in places])

    def _table(self, phases: list[float]) -> Array:
        sign = -1 if self.is_inverse else 1
        turns = [(math.cos(sign * phase), math.sin(sign * phase)) for phase in phases]
        if self.dtype == "float32":
            return np.array(turns, np.float32)
        most = np.iinfo(self.dtype).max
        return np.array([[math.floor(0.5 + most * v) for v in turn] for turn in turns], self.dtype)

    # Arithmetic

    def _round(self, products: Array) -> Array:
        if self.dtype == "float32":
            return products
        bits = np.iinfo(self.dtype).bits - 1
        return ((products + (1 << (bits - 1))) >> bits).astype(self.dtype)

    def _scale(self, values: Array, factors: Array) -> Array:
        wide = np.float32 if self.dtype == "float32" else np.int64
        return self._round(values.astype(wide) * factors.astype(wide))

    def _times(self, a: Complex, b: Complex) -> Complex:
        wide = np.float32 if self.dtype == "float32" else np.int64
        a, b = a.apply(lambda x: x.astype(wide)), b.apply(lambda x: x.astype(wide))
        products = Complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
        return products.apply(self._round)

    def _divide(self, values: Complex, by: int) -> Complex:
        if self.dtype == "float32":
            return values
        factor = np.asarray(np.iinfo(self.dtype).max // by)
        return values.apply(lambda x: self._scale(x, factor))

    def _halve(self, values: Array) -> Array:
        return values * np.float32(0.5) if self.dtype == "float32" else values >> 1

    # Transforms

    def spectra(self, rows: Array) -> Array:
        """Transform signals [rows, values]; what they lack is 0."""
        padded = np.zeros((len(rows), self.length), self.dtype)
        padded[:, : rows.shape[1]] = rows
        values = self._whole(Complex(padded[:, 0::2], padded[:, 1::2]))
        made = np.zeros((len(rows), self.half + 1, 2), self.dtype)
        ends = self._divide(values[:, :1], 2)
        made[:, :1, 0], made[:, self.half :, 0] = ends.re + ends.im, ends.re - ends.im
        at = np.arange(1, self.half // 2 + 1)
        one = self._divide(values[:, at], 2)
        other = self._divide(values[:, self.half - at].conjugate, 2)
        odd = self._times(one - other, _complex(self.half_turns))
        wide = np.float32 if self.dtype == "float32" else np.int32
        even, odd = (v.apply(lambda x: x.astype(wide)) for v in (one + other, odd))
        made[:, at, 0] = self._halve(even.re + odd.re)
        made[:, at, 1] = self._halve(even.im + odd.im)
        made[:, self.half - at, 0] = self._halve(even.re - odd.re)
        made[:, self.half - at, 1] = self._halve(odd.im - even.im)
        return made.reshape(len(rows), -1)

    def signals(self, rows: Array) -> Array:
        """Transform spectra [rows, parts] back."""
        spectrum = _complex(rows.reshape(len(rows), -1, 2))
        first, last = spectrum.re[:, 0], spectrum.re[:, self.half]
        made = np.zeros((len(rows), self.half, 2), self.dtype)
        ends = self._divide(Complex(first + last, first - last), 2)
        made[:, 0, 0], made[:, 0, 1] = ends.re, ends.im
        at = np.arange(1, self.half // 2 + 1)
        one = self._divide(spectrum[:, at], 2)
        other = self._divide(spectrum[:, self.half - at].conjugate, 2)
        odd = self._times(one - other, _complex(self.half_turns))
        even = one + other
        for places, values in ((at, even + odd), (self.half - at, (even - odd).conjugate)):
            made[:, places, 0], made[:, places, 1] = values.re, values.im
        values = self._whole(_complex(made))
        signals = np.stack([values.re, values.im], axis=2).reshape(len(rows), -1)
        return signals / np.float32(self.length) if self.dtype == "float32" else signals

    def _whole(self, values: Complex) -> Complex:
        """Transform complex values [rows, half]."""
        order = np.argsort(self.places)
        values = values[:, order]
        for radix, count in reversed(self.stages):
            parts = self._divide(values.reshape(len(values.re), -1, radix, count), radix)
            every = np.arange(count) * (self.half // (radix * count))
            turned = [parts[:, :, 0]]
            for k in range(1, radix):
                turned.append(self._times(parts[:, :, k], _complex(self.turns)[every * k]))
            joined = self._join(turned, self.half // radix)
            values = Complex(
                np.stack([v.re for v in joined], 2), np.stack([v.im for v in joined], 2)
            )
            values = values.reshape(len(values.re), -1)
        return values

    def _join(self, x: list[Complex], root_at: int) -> list[Complex]:
        """Make the sums of one stage; `root_at`: place of its first root."""
        if len(x) == 2:
            return [x[0] + x[1], x[0] - x[1]]
        if len(x) == 4:
            even, between = x[0] + x[2], x[0] - x[2]
            odd, turned = x[1] + x[3], (x[1] - x[3]).turned
            if self.is_inverse:
                turned = x[3].turned - x[1].turned
            return [even + odd, between + turned, even - odd, between - turned]
        root = _complex(self.turns)
        if len(x) == 3:
            both, apart = x[1] + x[2], x[1] - x[2]
            middle = Complex(x[0].re - self._halve(both.re), x[0].im - self._halve(both.im))
            apart = apart.apply(lambda v: self._scale(v, root.im[root_at])).turned
            return [x[0] + both, middle - apart, middle + apart]
        outer, inner = x[1] + x[4], x[2] + x[3]
        outer_apart, inner_apart = x[1] - x[4], x[2] - x[3]
        a, b = root[root_at], root[2 * root_at]

        def times(values: Complex, factor: Array) -> Complex:
            return values.apply(lambda v: self._scale(v, factor))

        near = x[0] + times(outer, a.re) + times(inner, b.re)
        near_apart = (times(outer_apart, a.im) + times(inner_apart, b.im)).turned
        far = x[0] + times(outer, b.re) + times(inner, a.re)
        far_apart = (times(inner_apart, a.im) - times(outer_apart, b.im)).turned
        whole = x[0] + (outer + inner)
        return [whole, near - near_apart, far + far_apart, far - far_apart, near + near_apart]


def _complex(values: Array) -> Complex:
    return Complex(values[..., 0], values[..., 1])
