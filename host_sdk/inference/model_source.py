"""A model from wherever it comes, and a blob of it, checked before it is sent."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import relocatable
from host_sdk.converting.convert import (
    LiveModel,
    beginning_of,
    convert_file,
    convert_live,
    convert_live_torch,
    form_of_bytes,
    is_live,
    live_name,
)
from host_sdk.converting.formats import find_format
from host_sdk.converting.live_torch import LiveTorch, is_live_torch, live_torch_name
from host_sdk.display.plain import plain_line, plain_list
from host_sdk.display.progress import late_progress
from host_sdk.errors import (
    BlobCpuError,
    CompileError,
    InputError,
    ModelFileError,
    ToolMissingError,
)
from host_sdk.inference.guess_head import AUTO, settle_guess
from host_sdk.inference.weights_files import WeightsFile, find_weights, join_files
from host_sdk.link.board_info import BoardInfo
from relocatable.blob.blob import Blob, Need, Variant, is_blob
from relocatable.blob.separate import separate_weights
from relocatable.errors import RelocatableError, ToolchainError

FileSource: TypeAlias = "str | os.PathLike[str] | bytes"
ModelSource: TypeAlias = "FileSource | LiveModel | LiveTorch"
HeadSource: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"

Optimize = Literal["speed", "size", "ram"]
Weights = Literal["inside", "separate"]

_TFLITE_MARK = b"TFL3"
_KINDS = (
    "a blob ('XPNB'), a .tflite, a Keras model (.keras, .h5, a SavedModel's folder), an ONNX model "
    "(.onnx), one of torch.export (.pt2) or a Caffe network (.prototxt)"
)


@dataclass(frozen=True)
class ModelFile:
    """A model to upload.

    Attributes:
        name: for the store, when no other is given.
        data: the blob.
        tflite: what it was compiled from; None if a blob was given.
        need: the weights that it needs beside itself on the board that it is for; None: none.
        weights: these, if they are known.
        note: what its user should know, or "".
    """

    name: str
    data: bytes
    tflite: bytes | None = None
    need: Need | None = None
    weights: WeightsFile | None = None
    note: str = ""


@dataclass(frozen=True)
class OpenedModel:
    """A model that was read, and converted if it was another tool's.

    Attributes:
        place: where it comes from, for errors.
        name: the stem of its file, or a live model's name; None for bytes.
        data: a blob or a .tflite.
        path: of its file, beside which a TOML file may describe its head; None: there is none.
        weights: what a blob needs beside itself, as far as it was found beside the file.
        note: what its user should know of what it was converted to, or "".
    """

    place: str
    name: str | None
    data: bytes
    path: Path | None = None
    weights: tuple[WeightsFile, ...] = ()
    note: str = ""

    @property
    def is_tflite(self) -> bool:
        """Whether it must be compiled; otherwise it is a blob."""
        return is_tflite(self.data)

    def whole(self) -> bytes:
        """Return a .tflite as it is, a blob with all weights that it needs in it.

        Raises:
            ModelFileError: the blob is damaged, or weights that it needs are not beside it.
        """
        return self.data if self.is_tflite else join_files(self.place, self.data, self.weights)


def open_model(
    source: ModelSource | OpenedModel, trust: bool = False, show: bool = False
) -> OpenedModel:
    """Read a model; make a .tflite of what is another tool's.

    Args:
        source: a file, a folder, bytes, or a live model of Keras or PyTorch.
        trust: take another tool's file unseen; it may run code on this computer.
        show: show a bar if converting takes long.

    Raises:
        ModelFileError: it cannot be read, or is no model that is taken.
        UnsafeModelError: it could run code, and is not trusted.
        ConvertError: its converter failed.
        ToolMissingError: its converter is not installed.
    """
    if isinstance(source, OpenedModel):
        return source
    if isinstance(source, bytes):
        return _open_bytes(source)
    if isinstance(source, (str, os.PathLike)):
        return _open_file(Path(source), trust, show)
    if is_live_torch(source):
        converted = convert_live_torch(cast("LiveTorch", source), show)
        name = live_torch_name(source)
    elif is_live(source):
        converted = convert_live(cast("LiveModel", source), show)
        name = live_name(source)
    else:
        raise InputError(
            f"model must be {_KINDS}, bytes, or a live Keras or PyTorch model; is a "
            f"{type(source).__name__}"
        )
    return OpenedModel("the live model", name, converted.tflite, note=converted.note)


def _open_bytes(data: bytes) -> OpenedModel:
    place = "the given data"
    if not is_tflite(data) and not is_blob(data):
        if form := form_of_bytes(data):
            way_out = form.way_out or "write it to a file, and give its path"
            raise ModelFileError(f"{place} is {form.name}: {way_out}")
        raise ModelFileError(f"model must be {_KINDS}; {place} starts with {data[:8]!r}")
    return OpenedModel(place, None, data)


def _open_file(path: Path, trust: bool, show: bool) -> OpenedModel:
    place = str(path)
    beginning = beginning_of(path)
    if is_tflite(beginning.start) or is_blob(beginning.start):
        stem, data = read_model_file(path)
        return OpenedModel(place, stem, data, path, _weights_beside(path, data))
    form = find_format(beginning)
    if form is None:
        start = beginning.start[:8]
        seen = "is a folder without one" if path.is_dir() else f"starts with {start!r}"
        raise ModelFileError(f"model must be {_KINDS}; {plain_line(place)} {seen}")
    name = path.name if path.is_dir() else path.stem
    converted = convert_file(path, form, trust, show)
    return OpenedModel(place, name, converted.tflite, path, note=converted.note)


def _weights_beside(path: Path, data: bytes) -> tuple[WeightsFile, ...]:
    if not is_blob(data):
        return ()
    try:
        return find_weights(Blob.unpack(data).needs, path)
    except RelocatableError:
        return ()  # a damaged blob is refused, in words, by who uses it


def read_model_file(source: FileSource) -> tuple[str | None, bytes]:
    """Read a file as it is: the stem of its name, None for bytes; and the contents.

    Raises:
        ModelFileError: the file cannot be read.
    """
    if isinstance(source, bytes):
        return None, source
    path = Path(source)
    try:
        return path.stem, path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"model {path} cannot be read: {error.strerror}") from error


def is_tflite(data: bytes) -> bool:
    """Say whether the bytes start as a .tflite does."""
    return data[4:8] == _TFLITE_MARK


def prepare_blob(
    source: ModelSource | OpenedModel,
    head: HeadSource | None,
    board: BoardInfo,
    show: bool = False,
    *,
    optimize: Optimize = "speed",
    max_ram: int | None = None,
    ops: str | None = None,
    weights: Weights = "inside",
    trust: bool = False,
) -> ModelFile:
    """Make a blob that the board can run.

    Args:
        source: a blob, or a model that is compiled for the board's CPU, see `open_model`.
        head: post-processing for what is compiled (docs/HEADS.md): a TOML or C file, a mapping, or
            "auto" to have it guessed; None: the .toml file beside it, if any.
        board: what it is for.
        show: show a bar if converting or compiling takes long.
        optimize: see `compile_tflite`.
        max_ram: see `compile_tflite`.
        ops: see `compile_tflite`.
        weights: "separate": what is compiled gets its weights as an object of its own.
        trust: see `open_model`.

    Raises:
        ModelFileError, ConvertError: see `open_model`; or it is a damaged blob.
        CompileError: the compiler refused.
        BlobCpuError: the blob holds no code for the board's CPU.
        ToolMissingError: the compiler or a converter is not installed.
    """
    model = open_model(source, trust, show)
    tflite = model.data if model.is_tflite else None
    data = model.data
    if tflite is not None:
        how = (model, head, board.cpu, optimize)
        data = compile_tflite(*how, max_ram=max_ram, ops=ops, show=show)
    elif head is not None:
        raise InputError("head must be given when a .tflite is compiled; this is a blob already")
    elif (optimize, max_ram, ops, weights) != ("speed", None, None, "inside"):
        raise InputError(
            "optimize, max_ram, ops and weights are for a .tflite; this is a blob already"
        )
    if weights == "separate":
        separated = separate_weights(data)
        data = separated.blob
        model = replace(model, weights=tuple(map(WeightsFile, separated.weights)))
    blob = _unpack(model.place, data)
    need = _variant_for(blob, board).need
    name = model.name or str(blob.metadata.get("name") or "model")
    return ModelFile(name, data, tflite, need, _pick(model.weights, need), model.note)


def _pick(weights: Sequence[WeightsFile], need: Need | None) -> WeightsFile | None:
    return next((w for w in weights if need == Need(sha256(w.data).digest(), len(w.data))), None)


def compile_tflite(
    model: OpenedModel,
    head: HeadSource | None,
    target: str | Sequence[str],
    optimize: Optimize = "speed",
    *,
    max_ram: int | None = None,
    whole_tensors: bool = False,
    ops: str | None = None,
    show: bool = False,
) -> bytes:
    """Compile a .tflite, with the SDK's errors for the compiler's.

    Args:
        model: what `open_model` gave.
        head: see `prepare_blob`.
        target: a CPU of `relocatable.TARGETS`; several make one blob that runs on each.
        optimize: "speed", "size" or "ram", see `relocatable.compile_model`.
        max_ram: bytes that the arena may have.
        whole_tensors: every tensor whole in memory, see `relocatable.compile_model`.
        ops: folder of operators of your own, likewise.
        show: show a bar if it takes long.

    Raises:
        CompileError: the compiler refused; its own error is the cause.
        ToolMissingError: the compiler is not installed.
    """
    cpus = target if isinstance(target, str) else ", ".join(target)
    try:
        if head == AUTO:
            head = settle_guess(model.data, model.path, ops)
        with late_progress(show, f"compiling for {cpus}") as progress:
            return relocatable.compile_model(
                model.data,
                target=target,
                head=head_file(model, head),
                name=model.name,
                optimize=optimize,
                max_ram=max_ram,
                whole_tensors=whole_tensors,
                ops=ops,
                progress=progress,
            )
    except ImportError as error:
        raise ToolMissingError(
            f"the compiler ({error.name})", "pip install 'xipnet[compile]'"
        ) from error
    except ToolchainError as error:
        if not error.command:
            raise ToolMissingError("the compiler", "pip install 'xipnet[compile]'") from error
        raise CompileError(str(error)) from error
    except RelocatableError as error:
        raise CompileError(f"{model.place} cannot be compiled for {cpus}:\n{error}") from error


def head_file(model: OpenedModel, head: HeadSource | None) -> Path | Mapping[str, Any] | None:
    """Find what describes a model's head: what is named, else the TOML file beside it."""
    if head is None:
        beside = model.path.with_suffix(".toml") if model.path is not None else None
        return beside if beside is not None and beside.exists() else None
    return head if isinstance(head, Mapping) else Path(head)


def _unpack(place: str, data: bytes) -> Blob:
    try:
        return Blob.unpack(data)
    except RelocatableError as error:
        raise ModelFileError(f"{place} is a damaged blob: {error}") from error


def _variant_for(blob: Blob, board: BoardInfo) -> Variant:
    for v in blob.variants:
        same = v.family == board.family and v.level <= board.level
        if same and v.features & ~board.features == 0:
            return v
    named = plain_list(blob.metadata.get("targets", ()))
    targets = named or "another CPU"
    raise BlobCpuError(
        f"the blob is for {targets}, the board has a {board.cpu}", method="load_model"
    )
