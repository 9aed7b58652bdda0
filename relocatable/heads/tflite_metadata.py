"""Take labels and normalisation from the metadata that a .tflite may carry.

They are a flatbuffer of metadata_schema.fbs in one of the model's buffers, and a zip at the end of
the file with the label files. Both are untrusted: every place is checked before it is read, what is
unpacked is bounded, and metadata that are damaged count as absent, as LiteRT takes them.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from relocatable.graph.graph import Graph, Tensor
from relocatable.ops import result_of

_IDENTIFIER = b"M001"
_MOST_ITEMS, _MOST_NAME = 1000, 200
_MOST_FILE_BYTES = 1 << 18  # of labels: they are held in the blob
_AXIS_LABELS, _VALUE_LABELS = 2, 3  # AssociatedFileType
_NORMALIZATION = 1  # ProcessUnitOptions
_LEAST_STD, _MOST_NUMBER = 1e-30, 1e30
_ROUNDED = 1.5  # steps by which a normalisation may miss the pixels that it means


@dataclass(frozen=True)
class _Table:
    """A table of a flatbuffer; fields are numbered as in the schema."""

    data: bytes
    at: int

    @staticmethod
    def root(data: bytes) -> _Table:
        """Find the first table."""
        return _Table(data, struct.unpack_from("<I", data)[0])

    def table(self, field: int) -> _Table | None:
        """Read a field that is a table."""
        place = self._place(field)
        return _Table(self.data, place + self._read("<I", place)) if place else None

    def tables(self, field: int) -> list[_Table]:
        """Read a field that is a vector of tables."""
        places = self._items(field, 4)
        return [_Table(self.data, at + self._read("<I", at)) for at in places]

    def floats(self, field: int) -> list[float]:
        """Read a field that is a vector of float32."""
        return [self._read("<f", at) for at in self._items(field, 4)]

    def text(self, field: int) -> str:
        """Read a field that is a string; a long one is cut."""
        places = self._items(field, 1, 1 << 20)
        return self.data[places.start : places.stop].decode("utf-8", "replace")

    def byte(self, field: int) -> int:
        """Read a field that is a number of one byte; 0 if it is absent."""
        place = self._place(field)
        return self._read("<B", place) if place else 0

    def _items(self, field: int, width: int, most: int = _MOST_ITEMS) -> range:
        """Find the places of a vector's items."""
        place = self._place(field)
        if not place:
            return range(0)
        at = place + self._read("<I", place)
        count, start = self._read("<I", at), at + 4
        if count > most or count * width > len(self.data) - start:
            raise ValueError(f"vector of {count} items")
        return range(start, start + count * width, width)

    def _place(self, field: int) -> int:
        """Find a field; 0 if it is absent."""
        vtable = self.at - self._read("<i", self.at)
        slot = 4 + 2 * field
        if slot + 2 > self._read("<H", vtable):
            return 0
        offset = self._read("<H", vtable + slot)
        return self.at + offset if offset else 0

    def _read(self, layout: str, at: int) -> Any:
        if at < 0:
            raise ValueError(f"place {at}")
        return struct.unpack_from(layout, self.data, at)[0]


def head_of_metadata(model: bytes, metadata: bytes, graph: Graph) -> Mapping[str, Any]:
    """Describe what follows the network, as a head's TOML file would.

    Args:
        model: the .tflite.
        metadata: its buffer TFLITE_METADATA.
        graph: the network.

    Returns:
        `head`, `labels`, `classify` and `image`, as far as the metadata say; without `head` if no
        head suits.
    """
    try:
        return _describe(model, metadata, graph)
    except (ValueError, struct.error, OverflowError):
        return {}


def _describe(model: bytes, metadata: bytes, graph: Graph) -> dict[str, Any]:
    if metadata[4:8] != _IDENTIFIER:
        return {}
    subgraphs = _Table.root(metadata).tables(3)
    if not subgraphs:
        return {}
    inputs, outputs = subgraphs[0].tables(2), subgraphs[0].tables(3)
    described: dict[str, Any] = {}
    if inputs:
        described |= _image(inputs[0], graph.tensors[graph.inputs[0]])
    for index, (port, tensor) in enumerate(zip(outputs, graph.outputs, strict=False)):
        found = _labels(model, port, index, graph, tensor)
        if "head" in found or (found and "labels" not in described):
            described |= found
        if "head" in found:
            break
    return described


# ---- Labels --------------------------------------------------------------------------------------


def _labels(model: bytes, port: _Table, index: int, graph: Graph, output: int) -> dict[str, Any]:
    """Describe the labels of an output's values, or of its elements."""
    tensor = graph.tensors[output]
    for file in sorted(port.tables(6), key=lambda file: file.text(3) != ""):  # without locale first
        kind = file.byte(2)
        if kind not in (_AXIS_LABELS, _VALUE_LABELS):
            continue
        labels = _read_labels(model, file.text(0))
        if not labels or kind == _VALUE_LABELS:
            return {"labels": labels} if labels else {}
        if len(labels) != tensor.count or max(tensor.shape, default=0) != tensor.count:
            return {}
        classify = {"output": index, "softmax": not result_of(graph, output)}
        return {
            "labels": labels,
            **({"head": "classify", "classify": classify} if _gives_scores(tensor) else {}),
        }
    return {}


def _gives_scores(tensor: Tensor) -> bool:
    if tensor.dtype == "float32":
        return True
    return tensor.dtype in ("int8", "uint8") and tensor.quant is not None


def _read_labels(model: bytes, name: str) -> list[str]:
    """Read a label file of the zip at the model's end: a label a line."""
    lines = _read_packed(model, name).decode("utf-8", "replace").splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    return [_printable(line.strip()) for line in lines]


def _read_packed(model: bytes, name: str) -> bytes:
    """Read a file of the zip; what is absent, damaged or too long is empty."""
    try:
        with zipfile.ZipFile(io.BytesIO(model)) as packed:
            info = packed.getinfo(name)
            plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            if not plain or info.flag_bits & 1 or info.file_size > _MOST_FILE_BYTES:
                return b""
            with packed.open(info) as file:
                raw = file.read(_MOST_FILE_BYTES + 1)
                return raw if len(raw) <= _MOST_FILE_BYTES else b""
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        KeyError,
        NotImplementedError,
        OSError,
        RuntimeError,
        ValueError,
    ):
        return b""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_MOST_NAME])


# ---- Normalisation -------------------------------------------------------------------------------


def _image(port: _Table, tensor: Tensor) -> dict[str, Any]:
    """Describe how pixels become an input that is a picture."""
    if len(tensor.shape) != 4 or tensor.shape[0] != 1 or tensor.shape[3] not in (1, 3):
        return {}
    for mean, std in _normalisations(port):
        numbers = (*mean, *std)
        if not all(math.isfinite(n) and abs(n) <= _MOST_NUMBER for n in numbers):
            continue
        if min(map(abs, std), default=0.0) < _LEAST_STD:
            continue
        if len(mean) not in (1, tensor.shape[3]) or len(std) not in (1, tensor.shape[3]):
            continue
        if _are_pixels(mean, std, tensor):
            return {}
        return {"image": {"mean": mean, "std": std}}
    return {}


def _normalisations(port: _Table) -> Iterator[tuple[list[float], list[float]]]:
    for unit in port.tables(4):
        options = unit.table(1)
        if unit.byte(0) == _NORMALIZATION and options is not None:
            yield options.floats(0), options.floats(1)


def _are_pixels(mean: list[float], std: list[float], tensor: Tensor) -> bool:
    """Tell whether the quantisation undoes the normalisation."""
    first = {"uint8": 0, "int8": -128}.get(tensor.dtype)
    if first is None or tensor.quant is None:
        return False
    scale, zero_point = tensor.quant.scale[0], tensor.quant.zero_point[0]
    return all(
        abs((pixel - m) / s / scale + zero_point - (pixel + first)) < _ROUNDED
        for pixel in (0, 255)
        for m in mean
        for s in std
    )
