"""ONNX's messages, written without ONNX."""

from __future__ import annotations

from pathlib import Path

from tests.unit.host_sdk.converting.graphs import field


def node(kind: str = "Relu", domain: str = "", *attributes: bytes) -> bytes:
    """Write a step."""
    parts = field(1, "x") + field(2, "y") + field(4, kind)
    return (
        parts
        + b"".join(field(5, one) for one in attributes)
        + (field(7, domain) if domain else b"")
    )


def tensor(*locations: str) -> bytes:
    """Write values, in other files if locations are given."""
    parts = b"\x08\x04\x10\x01" + field(8, "w")
    for location in locations:
        parts += field(13, field(1, "offset") + field(2, "0"))
        parts += field(13, field(1, "location") + field(2, location))
    return parts + (b"\x70\x01" if locations else field(9, bytes(16)))


def graph(*parts: bytes, nodes: tuple[bytes, ...] = (node(),)) -> bytes:
    """Write a graph; parts are fields of it."""
    return b"".join(field(1, one) for one in nodes) + field(2, "onnx_graph") + b"".join(parts)


def model(inner: bytes, *parts: bytes) -> bytes:
    """Write a model; parts are fields of it."""
    return b"\x08\x08" + field(2, "onnx") + field(7, inner) + b"".join(parts)


def write_onnx(path: Path, data: bytes | None = None) -> Path:
    """Write a .onnx."""
    path.write_bytes(model(graph(field(5, tensor()))) if data is None else data)
    return path
