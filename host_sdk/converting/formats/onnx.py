"""ONNX: protobuf that begins with its format's version, and names who made it."""

from __future__ import annotations

import re
from pathlib import Path

from host_sdk.converting.converter import Converter
from host_sdk.converting.environments.environment import read_environment
from host_sdk.converting.onnx_check import find_external_files, is_inside
from host_sdk.converting.private_copy import copy_file
from host_sdk.converting.source_format import Beginning, SourceFormat
from host_sdk.display.plain import plain_line
from host_sdk.errors import UnsafeModelError

# ModelProto: field 1, a small number; then producer (2), its version (3), domain (4), the model's
# version (5), a text (6), graph (7) or operators' versions (8).
_START = re.compile(rb"\x08[\x01-\x7f][\x12\x1a\x22\x28\x32\x3a\x42]")


def _is_onnx(beginning: Beginning) -> bool:
    return _START.match(beginning.start) is not None and b"onnx" in _told(beginning)


def _told(beginning: Beginning) -> bytes:
    return beginning.start.lower() + beginning.suffix.encode()


def _prepare(path: Path, folder: Path, trust: bool) -> list[str]:
    """Copy the model, and the files beside it that hold its values."""
    if trust:  # with whatever files it names
        return [str(path.resolve())]
    to = folder / "model.onnx"
    copy_file(path, to)
    place = plain_line(str(path))
    for name in find_external_files(to.read_bytes(), place):
        source = path.parent / name
        if not is_inside(source, path.parent):
            rule = "values in other files must be below the model's folder"
            raise UnsafeModelError(place, rule, plain_line(name, 200))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy_file(source, folder / name)
    return [str(to)]


_ENVIRONMENT = read_environment("onnx")

FORMAT = SourceFormat(
    "an ONNX model",
    _is_onnx,
    _prepare,
    converter=Converter(
        "onnx2tf", lambda: _ENVIRONMENT.command("onnx_child"), _ENVIRONMENT.install, True
    ),
)
