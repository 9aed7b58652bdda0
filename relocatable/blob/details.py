"""A blob's metadata and details: one map for readers, two sections in the blob.

The metadata are what a board reads at each run; the details are what people and tools read, and
lie packed (docs/SPEC-blob.md section 7).
"""

from __future__ import annotations

import zlib
from typing import Any

import msgpack

from relocatable.errors import BlobError

DETAIL_KEYS = ("tool", "targets", "tensors", "steps")

# A host reads no more: unpacked they take up to a hundred times as much memory.
MOST_METADATA_BYTES = 1 << 20
MOST_DETAILS_BYTES = 1 << 22  # when inflated
_MOST_BYTES = 1 << 24  # of the format: of the details when inflated


def split_metadata(metadata: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return what a board reads, and the details or b"", as msgpack."""
    details = {key: metadata[key] for key in DETAIL_KEYS if key in metadata}
    plain = {key: value for key, value in metadata.items() if key not in details}
    return msgpack.packb(plain), msgpack.packb(details) if details else b""


def check_unpacked(size: int) -> None:
    """Check the stated length of the unpacked details, as a board does.

    Raises:
        BlobError: the format has no such length.
    """
    _check(1 <= size <= _MOST_BYTES, f"details must have 1 to {_MOST_BYTES} bytes", size)


def inflate(packed: bytes, size: int) -> bytes:
    """Unpack the details.

    Raises:
        BlobError: they are not raw deflate of exactly that many bytes.
    """
    check_unpacked(size)
    rule = f"details must have at most {MOST_DETAILS_BYTES} bytes to be read"
    _check(size <= MOST_DETAILS_BYTES, rule, size)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        details = inflater.decompress(packed, size + 1)
    except zlib.error as error:
        raise BlobError(f"details must be raw deflate; {error}") from error
    whole = inflater.eof and not inflater.unused_data and len(details) == size
    _check(whole, f"details must inflate to {size} bytes, with nothing behind", len(details))
    return details


def join_metadata(plain: bytes, details: bytes) -> dict[str, Any]:
    """Read metadata and details as one map, with Ports also of format 1.0.

    Raises:
        BlobError: one is no msgpack map, or both have the same key.
    """
    rule = f"metadata must have at most {MOST_METADATA_BYTES} bytes"
    _check(len(plain) <= MOST_METADATA_BYTES, rule, len(plain))
    metadata = _unpack_map("metadata", plain)
    if details:
        more = _unpack_map("details", details)
        both = sorted(metadata.keys() & more.keys())
        _check(not both, "metadata and details must have different keys", both)
        metadata |= more
    for key in ("inputs", "outputs"):
        if key in metadata:
            metadata[key] = _ports(metadata[key], metadata.get("tensors"))
    return metadata


def _ports(ports: Any, tensors: Any) -> Any:
    """Make Ports of a 1.0 blob's indices; leave what is no index."""
    if not isinstance(ports, list) or not isinstance(tensors, list):
        return ports
    known = {i: t for i, t in enumerate(tensors) if isinstance(t, dict)}
    return [
        {k: v for k, v in known[p].items() if k != "offset"} | {"tensor": p}
        if isinstance(p, int) and p in known
        else p
        for p in ports
    ]


def _unpack_map(what: str, data: bytes) -> dict[str, Any]:
    try:
        unpacked = msgpack.unpackb(data)
    except Exception as error:  # msgpack raises many kinds; all mean the same here
        raise BlobError(f"{what} must be msgpack; {type(error).__name__}: {error}") from error
    _check(isinstance(unpacked, dict), f"{what} must be a map", type(unpacked).__name__)
    return dict(unpacked)


def _check(ok: bool, rule: str, seen: object) -> None:
    if not ok:
        raise BlobError(f"{rule}; is {seen}")
