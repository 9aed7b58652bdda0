"""A model as a function of TensorFlow for a batch of one, to be converted.

A board plans its memory before, and loops over time need fixed shapes when they are traced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from host_sdk.converting.children.replies import RefusedModelError

SERVING = "serving_default"


def model_function(tf: Any, model: Any) -> tuple[Any, list[str], list[str]]:
    """Make the function that the converter takes of a Keras model, for a batch of one.

    Returns:
        It, and the names of its inputs and outputs.
    """
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise RefusedModelError(
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


def signature_function(
    tf: Any, model: Any, names: Sequence[str]
) -> tuple[Any, list[str], list[str]]:
    """Make the function of a SavedModel; see `model_function`."""
    signatures = dict(model.signatures)
    if len(signatures) == 1 or SERVING in signatures:
        served = signatures.get(SERVING) or next(iter(signatures.values()))
    else:
        raise RefusedModelError(
            f"it must have one signature, or '{SERVING}'; has {sorted(signatures) or 'none'}: "
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
    """Name outputs by numbers of one width: the converter sorts them by their names."""
    width = len(str(len(values) - 1))
    return {f"output_{i:0{width}}": value for i, value in enumerate(values)}


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
        raise RefusedModelError(
            f"input '{name}' must have a fixed shape, but for the batch; has {list(shape)}: give "
            "its sizes where the model is made"
        )
    return tf.TensorSpec(sizes, dtype, name=name)


def owner_of_variables(tf: Any, model: Any) -> Any:
    """Make what holds a Keras model's variables as TensorFlow's.

    Of such alone the converter makes constants.
    """
    owner = tf.Module()
    owner.variables_of_model = [
        v if isinstance(v, tf.Variable) else v.value for v in model.variables
    ]
    return owner
