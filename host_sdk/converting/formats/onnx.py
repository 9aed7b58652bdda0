"""ONNX: protobuf that begins with its format's version, and names who made it."""

from __future__ import annotations

import re

from host_sdk.converting.source_format import Beginning, SourceFormat

# ModelProto: field 1, a small number; then producer (2), its version (3) or graph (7), texts.
_START = re.compile(rb"\x08[\x01-\x7f][\x12\x1a\x3a]")


def _is_onnx(beginning: Beginning) -> bool:
    return _START.match(beginning.start) is not None and b"onnx" in _told(beginning)


def _told(beginning: Beginning) -> bytes:
    return beginning.start.lower() + beginning.suffix.encode()


FORMAT = SourceFormat(
    "an ONNX model",
    _is_onnx,
    way_out="convert it with onnx2tf (`onnx2tf -i MODEL.onnx`) in an environment of its own, and "
    "give the .tflite or the SavedModel that it writes",
)
