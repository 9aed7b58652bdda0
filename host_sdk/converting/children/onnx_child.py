"""Converts ONNX by onnx2tf, which writes .tflites without TensorFlow.

start.py onnx_child PATH OUTPUT PLACE [--trust]

PATH is of a copy in the working folder, or of the file itself if that is trusted. Stages are
onnx2tf imported, the model loaded, made one for a batch of one, converted.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from .contained import contain
from .replies import RefusedModelError, Tell, answer
from .tflite_names import refuse_unfinished

_PICTURE = 4  # dimensions, whose order changes


def main() -> None:
    """Convert what the arguments name."""
    answer(_convert, ("onnx", "onnx2tf"))


def _convert(tell: Tell) -> tuple[bytes, str]:
    path, output, _, *more = sys.argv[1:]
    folder = Path(output).parent
    tell(stage=0)
    onnx: Any = import_module("onnx")
    onnx2tf: Any = import_module("onnx2tf")
    inliner: Any = import_module("onnx.inliner")
    tell(stage=1)
    if "--trust" not in more:
        contain(str(folder))
    model = inliner.inline_local_functions(onnx.load(path))
    tell(stage=2)
    given = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in given]
    for value in inputs:
        _check_input(onnx, value)
    for value in [*inputs, *model.graph.output]:
        _close_batch(value)
    del model.graph.value_info[:]  # may still tell of an open batch
    model = onnx.shape_inference.infer_shapes(model)
    closed = folder / "closed"
    closed.mkdir()
    onnx.save(model, str(closed / "model.onnx"))
    tell(stage=3)
    kept = [v.name for v in inputs if len(_sizes(v)) != _PICTURE]
    onnx2tf.convert(
        input_onnx_file_path=str(closed / "model.onnx"),
        output_folder_path=str(folder / "written"),
        not_use_onnxsim=True,  # a program that it would start
        copy_onnx_input_output_names_to_tflite=True,
        keep_shape_absolutely_input_names=kept or None,
        non_verbose=True,
    )
    tflite = (folder / "written" / "model_float32.tflite").read_bytes()
    refuse_unfinished(tflite, "onnx2tf", "ONNX_")
    tell(stage=4)
    return tflite, _note([v for v in inputs if len(_sizes(v)) == _PICTURE])


def _sizes(value: Any) -> list[int | str]:
    """List an input's sizes; one that is open by its name, or ""."""
    dims = value.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") else d.dim_param for d in dims]


def _check_input(onnx: Any, value: Any) -> None:
    name = value.name
    if not value.type.HasField("tensor_type"):
        raise RefusedModelError(f"input '{name}' must be a tensor")
    sizes = _sizes(value)
    if any(isinstance(size, str) for size in sizes[1:]):
        raise RefusedModelError(
            f"input '{name}' must have a fixed shape, but for the batch; has {sizes}: give its "
            "sizes where the model is exported"
        )
    if value.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE:
        raise RefusedModelError(
            f"input '{name}' must be float32 or an integer; is float64: export the model in float32"
        )


def _close_batch(value: Any) -> None:
    dims = value.type.tensor_type.shape.dim
    if len(dims) > 0 and not dims[0].HasField("dim_value"):
        dims[0].dim_value = 1


def _note(pictures: list[Any]) -> str:
    if not pictures:
        return ""
    told = []
    for value in pictures:
        batch, channels, height, width = (size or 1 for size in _sizes(value))
        told.append(
            f"input '{value.name}' is [{batch}, {height}, {width}, {channels}] on the board"
        )
    return f"{', '.join(told)}: channels last, as NumPy's and cameras' pictures are (docs/ONNX.md)"


if __name__ == "__main__":
    main()
