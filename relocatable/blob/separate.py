"""Weights as objects of their own: taken out of a blob, put back into it.

separated = separate_weights(blob)      # a blob without its weights, and the objects that it needs
blob = join_weights(separated.blob, separated.weights)      # the same blob again
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256

from relocatable.blob.blob import Blob, Need, Variant
from relocatable.errors import WeightsError


@dataclass(frozen=True)
class Separated:
    """A blob whose weights are objects of their own.

    Attributes:
        blob: its bytes.
        weights: the objects' bytes, each once, in the order of the programs that need them first.
    """

    blob: bytes
    weights: tuple[bytes, ...]


def separate_weights(data: bytes) -> Separated:
    """Take the weights out of a blob.

    Programs whose weights are equal, of one blob or of several, need the same object: it is named
    by its content alone. A program without weights needs none.

    Args:
        data: a blob. One that was separated already stays so; then its objects are not returned.

    Raises:
        BlobError: the blob is damaged.
    """
    blob = Blob.unpack(data)
    weights = dict.fromkeys(v.weights for v in blob.variants if v.weights)
    variants = tuple(_without(variant) for variant in blob.variants)
    return Separated(replace(blob, variants=variants).pack(), tuple(weights))


def _without(variant: Variant) -> Variant:
    if not variant.weights:
        return variant
    need = Need(sha256(variant.weights).digest(), len(variant.weights))
    return replace(variant, weights=b"", need=need, need_span=(0, need.size_bytes))


def join_weights(data: bytes, weights: Iterable[bytes]) -> bytes:
    """Put the weights that a blob needs into it.

    Args:
        data: a blob; one that needs nothing is returned as it is.
        weights: the objects that it needs, in any order; others are passed over.

    Raises:
        BlobError: the blob is damaged.
        WeightsError: an object that it needs is not there.
    """
    blob = Blob.unpack(data)
    return with_weights(blob, weights).pack() if blob.needs else data


def with_weights(blob: Blob, weights: Iterable[bytes]) -> Blob:
    """Put the weights that an unpacked blob needs into it; see `join_weights`."""
    if not blob.needs:
        return blob
    known = {Need(sha256(data).digest(), len(data)): data for data in weights}
    return replace(blob, variants=tuple(_joined(variant, known) for variant in blob.variants))


def _joined(variant: Variant, known: dict[Need, bytes]) -> Variant:
    need, (offset, size) = variant.need, variant.need_span
    if need is None:
        return variant
    if need not in known:
        raise WeightsError(
            f"blob needs weights of {need.size_bytes} bytes with SHA-256 {need.sha256.hex()}; "
            "they are not given"
        )
    weights = known[need][offset : offset + size]
    return replace(variant, weights=weights, need=None, need_span=(0, 0))
