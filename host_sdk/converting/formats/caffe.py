"""Caffe: a text of layers (.prototxt), and their weights (.caffemodel) beside it."""

from __future__ import annotations

import re
from pathlib import Path

from host_sdk.converting.source_format import Beginning, SourceFormat
from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError

_LAYERS = re.compile(rb'^\s*layers?\s*\{|^\s*input(_dim|_shape)?\s*[:{]|^\s*name\s*:\s*"', re.M)
_WEIGHTS = (".caffemodel", ".caffemodel.h5", ".h5")


def _is_caffe(beginning: Beginning) -> bool:
    if beginning.suffix == ".caffemodel":
        return True
    return beginning.suffix == ".prototxt" and _LAYERS.search(beginning.start) is not None


def find_files(path: Path) -> tuple[Path, Path]:
    """Find the description and the weights by one of them.

    The other has the same stem, or is the only one of its kind in the folder.

    Raises:
        ModelFileError: there is none, or there are several.
    """
    if path.suffix == ".caffemodel":
        return _beside(path, (".prototxt",), "a description"), path
    return path, _beside(path, _WEIGHTS, "weights")


def _beside(path: Path, endings: tuple[str, ...], what: str) -> Path:
    for ending in endings:
        if path.with_suffix(ending).is_file():
            return path.with_suffix(ending)
    others = sorted(path.parent.glob(f"*{endings[0]}"))
    if len(others) == 1:
        return others[0]
    wanted = " or ".join(plain_line(path.with_suffix(ending).name) for ending in endings)
    raise ModelFileError(
        f"{plain_line(str(path))} needs {what} beside it, {wanted}, or the only "
        f"*{endings[0]} there; there are {len(others)}"
    )


def _convert(path: Path) -> bytes:
    from host_sdk.converting.caffe import convert_caffe

    return convert_caffe(*find_files(path)).tflite


FORMAT = SourceFormat("a Caffe network", _is_caffe, convert=_convert)
