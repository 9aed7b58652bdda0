"""The program of the child in which TensorFlow converts (`run_converter.py`).

python -m host_sdk.converting.tensorflow_child KIND PATH OUTPUT PLACE [--trust] [NAME]...

KIND is "keras", "hdf5" or "saved_model"; PLACE names the model in errors; NAMEs are those of
inputs, in their order. What it has to say are lines of JSON on its standard output: {"stage": 1},
... and at last one with "done", "unsafe", "refused", "failed" or "missing". Stages are TensorFlow
imported, the model loaded, made a function, converted. What TensorFlow prints goes to the standard
error.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import zipfile
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import IO, Any

from host_sdk.converting.hdf5_check import check_hdf5, read_text
from host_sdk.converting.keras_config import read_config
from host_sdk.errors import ModelFileError, UnsafeModelError

_MEMORY_BYTES = 8 << 30
_WORDS = 4000  # characters of what went wrong
_SERVING = "serving_default"

Tell = Callable[..., None]


class _RefusedModelError(Exception):
    """A model that cannot be converted, with our words for it."""


def main() -> None:
    """Convert what the arguments name."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what TensorFlow prints is no reply
    kind, path, output, place, *more = sys.argv[1:]
    trust, names = "--trust" in more, [name for name in more if name != "--trust"]

    def tell(**reply: Any) -> None:
        print(json.dumps(reply), file=replies, flush=True)

    missing = [name for name in ("tensorflow", "h5py") if importlib.util.find_spec(name) is None]
    if missing:
        tell(missing=missing[0])
        return
    _limit_memory()
    try:
        version = "" if kind == "saved_model" else _check(kind, path, place, trust)
        tflite = _convert(kind, path, trust, version, names, tell)
    except UnsafeModelError as error:
        tell(unsafe=[error.place, error.rule, error.found])
    except ModelFileError as error:
        tell(refused=str(error))
    except _RefusedModelError as error:
        tell(refused=f"{place}: {error}")
    except Exception as error:  # whatever TensorFlow raises
        tell(failed=f"{type(error).__name__}: {error}"[:_WORDS])
    else:
        with open(output, "xb") as file:
            file.write(tflite)
        tell(done=True)


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows; a lower limit holds
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Not of addresses: threads and malloc reserve more of them than they use.
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))


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
            raise _RefusedModelError(
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
        function, inputs, outputs = _signature_function(tf, model, names)
    else:
        model = _load_keras(path, trust, version)
        tell(stage=2)
        function, inputs, outputs = _model_function(tf, model)
        owner = tf.Module()  # the converter keeps constants of TensorFlow's variables alone
        owner.variables_of_model = [
            v if isinstance(v, tf.Variable) else v.value for v in model.variables
        ]
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
            raise _RefusedModelError(
                f"Keras {version} wrote it, and Keras {keras.__version__} cannot read it. Install "
                f"Keras 2 beside it: pip install tf_keras\n{type(error).__name__}: {error}"[:_WORDS]
            ) from error
    tf_keras: Any = import_module("tf_keras")
    return tf_keras.models.load_model(path, compile=False, safe_mode=not trust)


def _model_function(tf: Any, model: Any) -> tuple[Any, list[str], list[str]]:
    """Make the function that the converter takes of a Keras model, for a batch of one.

    Returns:
        It, and the names of its inputs and outputs.
    """
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise _RefusedModelError(
            "the model must know the shape of its input: begin it with keras.Input(shape), or call "
            "it once before it is saved"
        )
    specs = [_spec(tf, _name(x), x.shape, x.dtype) for x in inputs]
    nested = getattr(model, "_inputs_struct", getattr(model, "_nested_inputs", None))

    def run(*values: Any) -> Any:
        packed = values if len(values) > 1 else values[0]
        if nested is not None:
            packed = tf.nest.pack_sequence_as(nested, list(values))
        return _numbered(tf.nest.flatten(model(packed, training=False)))

    function = tf.function(run).get_concrete_function(*specs)
    names = [spec.name for spec in specs]
    return function, names, [str(name) for name in getattr(model, "output_names", None) or ()]


def _signature_function(
    tf: Any, model: Any, names: Sequence[str]
) -> tuple[Any, list[str], list[str]]:
    """Make the function of a SavedModel; see `_model_function`."""
    signatures = dict(model.signatures)
    if len(signatures) == 1 or _SERVING in signatures:
        served = signatures.get(_SERVING) or next(iter(signatures.values()))
    else:
        raise _RefusedModelError(
            f"it must have one signature, or '{_SERVING}'; has {sorted(signatures) or 'none'}: "
            "save it with model.export(folder)"
        )
    wanted = served.structured_input_signature[1]
    if sorted(names) != sorted(wanted):
        names = list(wanted)
    specs = [_spec(tf, name, wanted[name].shape, wanted[name].dtype) for name in names]

    def run(*values: Any) -> Any:
        found = served(**dict(zip(names, values, strict=True)))
        return _numbered([found[name] for name in outputs])

    outputs = sorted(served.structured_outputs, key=_by_number)
    function = tf.function(run).get_concrete_function(*specs)
    return function, list(names), outputs


def _by_number(name: str) -> tuple[str, int]:
    """Sort names as people count: output_10 behind output_9."""
    digits = len(name) - len(name.rstrip("0123456789"))
    return name[: len(name) - digits], int(name[len(name) - digits :] or 0)


def _numbered(values: Sequence[Any]) -> dict[str, Any]:
    """Name outputs by numbers: the converter sorts them by their names."""
    return {f"output_{i:04}": value for i, value in enumerate(values)}


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
    taken = {bytes(tensor.name or b"") for tensor in graph.tensors}
    for indexes, names in ((graph.inputs, inputs), (graph.outputs, outputs)):
        for index, name in zip(indexes, names, strict=False):
            if (new := name.encode()) not in taken:
                graph.tensors[index].name = new
                taken.add(new)
    return bytes(tools.convert_object_to_bytearray(model))


def _name(tensor: Any) -> str:
    """Name an input as its layer is named."""
    history = getattr(tensor, "_keras_history", None)
    layer = getattr(history, "operation", getattr(history, "layer", None))
    return str(getattr(layer, "name", None) or getattr(tensor, "name", "input"))


def _spec(tf: Any, name: str, shape: Any, dtype: Any) -> Any:
    sizes = list(shape)
    if sizes and sizes[0] is None:
        sizes[0] = 1
    if None in sizes:
        raise _RefusedModelError(
            f"input '{name}' must have a fixed shape, but for the batch; has {list(shape)}: give "
            "its sizes where the model is made"
        )
    return tf.TensorSpec(sizes, dtype, name=name)


if __name__ == "__main__":
    main()
