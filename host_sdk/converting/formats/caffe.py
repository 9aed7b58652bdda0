"""Caffe: a text of layers (.prototxt), and their weights (.caffemodel)."""

from __future__ import annotations

import re

from host_sdk.converting.source_format import Beginning, SourceFormat

_LAYERS = re.compile(rb'^\s*layers?\s*\{|^\s*input(_dim|_shape)?\s*[:{]|^\s*name\s*:\s*"', re.M)


def _is_caffe(beginning: Beginning) -> bool:
    if beginning.suffix == ".caffemodel":
        return True
    return beginning.suffix == ".prototxt" and _LAYERS.search(beginning.start) is not None


FORMAT = SourceFormat(
    "a Caffe network",
    _is_caffe,
    way_out="write the network in Keras, set its weights from the .caffemodel, and give the .keras",
)
