"""Schemes of ai-edge-quantizer."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError, ToolMissingError
from host_sdk.inference.tensor import Array
from host_sdk.quantizing import recipe_child
from host_sdk.quantizing.float_model import SIGNATURE, FloatModel

__all__ = ["by_recipe"]

_SECONDS = 1800.0


def by_recipe(
    model: FloatModel,
    x: Array,
    config: str,
    values: Mapping[str, object],
    *,
    float_io: bool = False,
) -> bytes:
    """Quantise a model by ai-edge-quantizer.

    Args:
        model: of one input.
        x: samples to calibrate with, float32 [N, ...], without the batch.
        config: the quantizer's kind of recipe: "add_static_config".
        values: that recipe's values; enumerations by name.
        float_io: leave inputs and outputs floats.

    Raises:
        ToolMissingError: ai-edge-quantizer is not installed.
        ModelFileError: it fails on this model; says its last words.
    """
    if importlib.util.find_spec("ai_edge_quantizer") is None:
        raise ToolMissingError("ai-edge-quantizer", "pip install 'xipnet[quantize]'")
    request = {
        "config": config,
        "values": dict(values),
        "float_io": float_io,
        "signature": SIGNATURE,
        "input": model.name(model.inputs[0]),
    }
    with tempfile.TemporaryDirectory(prefix="xipnet-") as name:
        folder = Path(name)
        (folder / "request.json").write_text(json.dumps(request))
        (folder / "model.tflite").write_bytes(model.signed())
        np.save(folder / "samples.npy", x)
        command = [sys.executable, "-P", recipe_child.__file__, name]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise ModelFileError(f"ai-edge-quantizer took more than {_SECONDS:g} s") from error
        out = folder / "out.tflite"
        if done.returncode != 0 or not out.exists():
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise ModelFileError(f"ai-edge-quantizer: {plain_line(lines[-1])}")
        return out.read_bytes()
