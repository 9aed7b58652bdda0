"""Prove that integers round a product as LiteRT's double does.

A double is an integer of 53 bits and a power of two. So a sum times a factor is known exactly, and
rounding it once, halves away from zero, takes two multiplications. LiteRT's product of doubles is
rounded before: the results differ only if a product is so close below a half that the double next
to it is the half. Whether one of the sums that can occur has such a product is found by Euclid's
algorithm, not by trying.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from relocatable.ops._shared.fixed_point import Ints

_MOST = (1 << 15) + 1  # products beyond are clamped
_NEAR = 38  # bits: half the distance of doubles near _MOST is below 2^-38


@dataclass(frozen=True, eq=False)
class Fractions:
    """Factors as integers over 2^(64 + shift).

    Attributes:
        numerators: in [0, 2^64), one for each factor.
        shift: in [1, 31].
    """

    numerators: list[int]
    shift: int


def fractions_of(factors: list[float], reach: Ints) -> Fractions | None:
    """Write the factors of 16-bit outputs as fractions that round as doubles do.

    Args:
        factors: one for each channel, or one for all.
        reach: largest magnitude of each channel's sum.

    Returns:
        None if there is no such shift for all, or a sum that would be rounded otherwise.
    """
    shift = min(31, min(-math.frexp(f)[1] for f in factors))
    if shift < 1 or min(factors) <= 0.0 or reach.max() >= 1 << 31:
        return None
    numerators = []
    for i, factor in enumerate(factors):
        most = int(reach.max() if len(factors) == 1 else reach[i])
        top, bottom = factor.as_integer_ratio()
        whole, rest = divmod(top << (64 + shift), bottom)
        if rest or _has_close_product(top, bottom, min(most, int(_MOST / factor) + 1)):
            return None
        numerators.append(whole)
    return Fractions(numerators, shift)


def _has_close_product(top: int, bottom: int, most: int) -> bool:
    """Tell whether a number up to `most` times a fraction is just below a half."""
    if bottom < 1 << (_NEAR + 1):  # products that are no halves keep their distance
        return False
    half = bottom // 2
    first = first_in_range(top, bottom, half - (bottom >> _NEAR), half - 1)
    return first is not None and first <= most


def first_in_range(factor: int, modulus: int, low: int, high: int) -> int | None:
    """Find the least x >= 0 with factor * x mod modulus in [low, high]; None if none.

    It takes about as many steps as the modulus has bits.
    """
    factor %= modulus
    if low == 0:
        return 0
    if factor == 0:
        return None
    if 2 * factor > modulus:
        return first_in_range(modulus - factor, modulus, modulus - high, modulus - low)
    first = -(-low // factor)
    if factor * first <= high:
        return first
    turns = first_in_range(modulus % factor, factor, -high % factor, -low % factor)
    return None if turns is None else -(-(low + modulus * turns) // factor)
