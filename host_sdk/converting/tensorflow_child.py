"""The program of the child in which TensorFlow converts (`run_converter.py`).

python -m host_sdk.converting.tensorflow_child KIND PATH OUTPUT PLACE [--trust] [NAME]...

KIND is "keras", "hdf5" or "saved_model"; PLACE names the model in errors; NAMEs are those of
inputs, in their order. What it has to say is described in `children/replies.py`. Stages are
TensorFlow imported, the model loaded, made a function, converted.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile
from collections.abc import Sequence
from importlib import import_module
from typing import IO, Any

from host_sdk.converting.batch_of_one import (
    model_function,
    owner_of_variables,
    signature_function,
)
from host_sdk.converting.children.replies import (
    WORDS,
    RefusedModelError,
    Tell,
    find_missing,
    limit_memory,
    open_replies,
)
from host_sdk.converting.children.tflite_names import give_names
from host_sdk.converting.hdf5_check import check_hdf5, read_text
from host_sdk.converting.keras_config import read_config
from host_sdk.errors import ModelFileError, UnsafeModelError


def main() -> None:
    """Convert what the arguments name."""
    tell = open_replies()
    kind, path, output, place, *more = sys.argv[1:]
    trust, names = "--trust" in more, [name for name in more if name != "--trust"]
    if missing := find_missing(("tensorflow", "h5py")):
        tell(missing=missing)
        return
    limit_memory()
    try:
        version = "" if kind == "saved_model" else _check(kind, path, place, trust)
        tflite = _convert(kind, path, trust, version, names, tell)
    except UnsafeModelError as error:
        tell(unsafe=[error.place, error.rule, error.found])
    except ModelFileError as error:
        tell(refused=str(error))
    except RefusedModelError as error:
        tell(refused=f"{place}: {error}")
    except Exception as error:  # whatever TensorFlow raises
        tell(failed=f"{type(error).__name__}: {error}"[:WORDS])
    else:
        with open(output, "xb") as file:
            file.write(tflite)
        tell(done=True)


def _check(kind: str, path: str, place: str, trust: bool) -> str:
    """Refuse what a file should not hold; give the Keras that wrote it."""
    if kind == "keras":
        with zipfile.ZipFile(path) as archive:
            version = str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
            if not trust:
                with archive.open("model.weights.h5") as member, _open(member, place) as weights:
                    check_hdf5(weights, f"{place}, model.weights.h5")
        return version
    with _open(path, place) as file:
        if not trust:
            check_hdf5(file, place)
        config = read_text(file, "model_config", place)
        if config is None:
            raise RefusedModelError(
                "it holds weights alone, no model: save the whole model, by model.save(...)"
            )
        if not trust:
            read_config(config, place)
        return read_text(file, "keras_version", place) or ""


def _open(source: str | IO[bytes], place: str) -> Any:
    h5py: Any = import_module("h5py")
    try:
        return h5py.File(source, "r")
    except OSError as error:
        raise ModelFileError(f"{place} must be a whole HDF5 file; {error}") from error


def _convert(
    kind: str, path: str, trust: bool, version: str, names: Sequence[str], tell: Tell
) -> bytes:
    tell(stage=0)
    import tensorflow as tf

    tell(stage=1)
    if kind == "saved_model":
        owner = model = tf.saved_model.load(path)
        tell(stage=2)
        function, inputs, outputs = signature_function(tf, model, names)
    else:
        model = _load_keras(path, trust, version)
        tell(stage=2)
        function, inputs, outputs = model_function(tf, model)
        owner = owner_of_variables(tf, model)
    tell(stage=3)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], owner)
    tflite = _named(converter.convert(), inputs, outputs)
    tell(stage=4)
    return tflite


def _load_keras(path: str, trust: bool, version: str) -> Any:
    """Load a model to infer with; one of Keras 2 by Keras 2, if it must be."""
    import keras

    try:
        return keras.models.load_model(path, compile=False, safe_mode=not trust)
    except Exception as error:
        if not version.startswith("2."):
            raise
        if importlib.util.find_spec("tf_keras") is None:
            raise RefusedModelError(
                f"Keras {version} wrote it, and Keras {keras.__version__} cannot read it. Install "
                f"Keras 2 beside it: pip install tf_keras\n{type(error).__name__}: {error}"[:WORDS]
            ) from error
    tf_keras: Any = import_module("tf_keras")
    return tf_keras.models.load_model(path, compile=False, safe_mode=not trust)


def _named(tflite: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Give a .tflite the model's order of inputs, and its names of inputs and outputs.

    The converter sorts inputs by their names, and names them after its own signature.
    """
    tools: Any = import_module("tensorflow.lite.tools.flatbuffer_utils")
    model = tools.read_model_from_bytearray(bytearray(tflite))
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    by_name = {bytes(m.name).decode(): m.tensorIndex for m in signature.inputs}
    if set(inputs) == set(by_name) and len(inputs) == len(graph.inputs):
        graph.inputs = [by_name[name] for name in inputs]
    by_output = {bytes(m.name).decode(): m.tensorIndex for m in signature.outputs}
    graph.outputs = [by_output[name] for name in sorted(by_output)]
    give_names(graph, inputs, outputs)
    return bytes(tools.convert_object_to_bytearray(model))


if __name__ == "__main__":
    main()
