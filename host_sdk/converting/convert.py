"""A model of another tool as a .tflite: checked here, converted in a child."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from host_sdk.converting.batch_of_one import SERVING, model_function, owner_of_variables
from host_sdk.converting.children.replies import RefusedModelError
from host_sdk.converting.converter import Converter
from host_sdk.converting.formats import find_format
from host_sdk.converting.formats.torch import CONVERTER as LITERT_TORCH
from host_sdk.converting.live_torch import LiveTorch, live_torch_name, write_live_torch
from host_sdk.converting.pt2_check import rebuild_pt2
from host_sdk.converting.run_converter import TENSORFLOW, run_converter
from host_sdk.converting.source_format import Beginning, SourceFormat
from host_sdk.display.plain import plain_line, plain_text
from host_sdk.display.progress import late_progress
from host_sdk.errors import ConvertError, ModelFileError

_LIVE_NAME = "model"
_TFLITE_MARK = b"TFL3"


@runtime_checkable
class LiveModel(Protocol):
    """A `keras.Model` of this process."""

    name: Any

    def export(self, filepath: str) -> Any:
        """Write a SavedModel."""


@dataclass(frozen=True)
class Converted:
    """A model that was converted.

    Attributes:
        tflite: what it became.
        note: what its user should know, or "".
    """

    tflite: bytes
    note: str = ""


def convert_file(
    path: Path, form: SourceFormat, trust: bool = False, show: bool = False
) -> Converted:
    """Convert a file or a folder.

    Args:
        path: of the model.
        form: what it is, by `find_format`.
        trust: take it unseen; it may run code.
        show: show a bar if it takes long.

    Raises:
        ModelFileError: it is damaged, or of a format that is not converted here.
        UnsafeModelError: it could run code, and is not trusted.
        ConvertError: the converter failed.
        ToolMissingError: the converter is not installed.
    """
    place = plain_line(str(path))
    if form.convert is not None:
        return Converted(form.convert(path))
    if form.prepare is None:
        raise ModelFileError(f"{place} is {form.name}, which is not converted here: {form.way_out}")
    with tempfile.TemporaryDirectory(prefix="xipnet-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        arguments = form.prepare(path, folder, trust)
        options = ["--trust"] if trust else []
        return _run(arguments, options, place, folder, show, form.converter)


def convert_live(model: LiveModel, show: bool = False) -> Converted:
    """Convert a model of this process by way of a SavedModel, which keeps any layer.

    Raises: see `convert_file`.
    """
    place = plain_line(live_name(model))
    with tempfile.TemporaryDirectory(prefix="xipnet-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        written = folder / "written"
        try:
            names = _export(model, str(written))
        except RefusedModelError as error:
            raise ModelFileError(f"{place}: {error}") from error
        except Exception as error:  # whatever Keras and TensorFlow raise
            raise ConvertError(f"{place} cannot be exported: {plain_text(str(error))}") from error
        return _run(["saved_model", str(written)], names, place, folder, show, TENSORFLOW)


def convert_live_torch(model: LiveTorch, show: bool = False) -> Converted:
    """Convert a PyTorch model of this process by way of a .pt2.

    Raises: see `convert_file` and `write_live_torch`.
    """
    place = plain_line(live_torch_name(model))
    with tempfile.TemporaryDirectory(prefix="xipnet-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        LITERT_TORCH.command()  # before an export that may take long
        write_live_torch(model, folder / "written.pt2")
        rebuild_pt2(folder / "written.pt2", folder / "model.pt2")
        return _run([str(folder / "model.pt2")], [], place, folder, show, LITERT_TORCH)


def _export(model: LiveModel, folder: str) -> list[str]:
    """Write a SavedModel; give the names of its inputs in their order."""
    tensorflow = sys.modules.get("tensorflow")
    inputs = getattr(model, "inputs", None) or ()
    if tensorflow is None or not inputs:  # Keras works with JAX or PyTorch; a class of one's own
        with contextlib.redirect_stdout(io.StringIO()):  # Keras tells where it wrote what
            model.export(folder)
        return [str(getattr(x, "name", "")) for x in inputs]
    function, names, _ = model_function(tensorflow, model)
    owner = owner_of_variables(tensorflow, model)
    tensorflow.saved_model.save(owner, folder, signatures={SERVING: function})
    return names


def _run(
    what: Sequence[str],
    options: list[str],
    place: str,
    folder: Path,
    show: bool,
    converter: Converter,
) -> Converted:
    output = folder / "converted.tflite"
    with late_progress(show, f"converting {place}") as progress:
        arguments = [*what, str(output), place, *options]
        note = run_converter(arguments, place, folder, progress, converter=converter)
    data = output.read_bytes() if output.is_file() else b""
    if data[4:8] != _TFLITE_MARK:
        raise ConvertError(f"{place}: the converter must write a .tflite; wrote {data[:8]!r}")
    return Converted(data, note)


def is_live(source: object) -> bool:
    """Tell whether an object's class, or one that it is made from, is Keras's Model."""
    kinds = [(kind.__module__.partition(".")[0], kind.__name__) for kind in type(source).__mro__]
    return any(kind in (("keras", "Model"), ("tf_keras", "Model")) for kind in kinds)


def live_name(model: object) -> str:
    """Name a model of this process."""
    return str(getattr(model, "name", None) or _LIVE_NAME)


def beginning_of(path: Path) -> Beginning:
    """Read what a file or a folder is told by.

    Raises:
        ModelFileError: it cannot be read.
    """
    try:
        return Beginning.of(path)
    except OSError as error:
        raise ModelFileError(f"model {path} cannot be read: {error.strerror}") from error


def form_of_file(path: Path) -> SourceFormat | None:
    """Tell what a file or a folder is; None: none of the formats that are known here.

    Raises:
        ModelFileError: it cannot be read.
    """
    return find_format(beginning_of(path))


def form_of_bytes(data: bytes) -> SourceFormat | None:
    """Tell what bytes are; None: none of the formats that are known here."""
    return find_format(Beginning(data[:4096]))
