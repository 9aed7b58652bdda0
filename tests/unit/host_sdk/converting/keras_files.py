"""Keras's files, written without Keras."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

KERAS = "keras.layers"
WEIGHTS = b"\x89HDF\r\n\x1a\n and the rest, which the converter reads"


def layer(kind: str, module: str | None = KERAS, /, **config: Any) -> dict[str, Any]:
    """Describe an object as Keras 3 does."""
    about = {"name": f"my_{kind.lower()}", **config}
    return {"module": module, "class_name": kind, "config": about, "registered_name": None}


def model(*layers: Any) -> dict[str, Any]:
    """Describe a Sequential of layers."""
    return layer(
        "Sequential", "keras", layers=[layer("InputLayer", batch_shape=[None, 4]), *layers]
    )


PLAIN = model(
    layer("Dense", units=3, kernel_initializer=layer("GlorotUniform", "keras.initializers"))
)


def write_keras(
    path: Path, config: Any = PLAIN, weights: bytes = WEIGHTS, **members: bytes
) -> Path:
    """Write a .keras.

    Args:
        path: where.
        config: of the model; bytes are written as they are.
        weights: the file of them.
        members: more of them, by name.
    """
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", text)
        archive.writestr("model.weights.h5", weights)
        for name, contents in members.items():
            archive.writestr(name, contents)
    return path
