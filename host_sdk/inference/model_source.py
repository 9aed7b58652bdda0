"""A blob for a board from a file or bytes: checked here before a byte is sent."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import relocatable
from host_sdk.display.progress import late_progress
from host_sdk.errors import (
    BlobCpuError,
    CompileError,
    InputError,
    ModelFileError,
    ToolMissingError,
)
from host_sdk.inference.guess_head import AUTO, settle_guess
from host_sdk.link.board_info import BoardInfo
from relocatable.blob.blob import Blob, is_blob
from relocatable.errors import RelocatableError, ToolchainError

ModelSource: TypeAlias = "str | os.PathLike[str] | bytes"
HeadSource: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"

Optimize = Literal["speed", "size", "ram"]

_TFLITE_MARK = b"TFL3"


@dataclass(frozen=True)
class ModelFile:
    """A model to upload.

    Attributes:
        name: for the store, when no other is given.
        data: the blob.
        tflite: what it was compiled from; None if a blob was given.
    """

    name: str
    data: bytes
    tflite: bytes | None = None


def read_model_file(source: ModelSource) -> tuple[str | None, bytes]:
    """Read a model: the stem of its file's name, None for bytes; and the contents.

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
    source: ModelSource,
    head: HeadSource | None,
    board: BoardInfo,
    show: bool = False,
    *,
    optimize: Optimize = "speed",
    max_ram: int | None = None,
    ops: str | None = None,
) -> ModelFile:
    """Make a blob that the board can run.

    Args:
        source: a blob or a .tflite, which is compiled for the board's CPU.
        head: post-processing for a .tflite (docs/HEADS.md): a TOML or C file, a mapping, or "auto"
            to have it guessed; None: the .toml file beside it, if any.
        board: what it is for.
        show: show a bar if compiling takes long.
        optimize: see `compile_tflite`.
        max_ram: see `compile_tflite`.
        ops: see `compile_tflite`.

    Raises:
        ModelFileError: neither a blob nor a .tflite, or damaged.
        CompileError: the compiler refused.
        BlobCpuError: the blob holds no code for the board's CPU.
        ToolMissingError: the compiler is not installed.
    """
    stem, data = read_model_file(source)
    tflite = data if is_tflite(data) else None
    if tflite is not None:
        how = (source, head, board.cpu, optimize)
        data = compile_tflite(*how, max_ram=max_ram, ops=ops, show=show)
    elif not is_blob(data):
        raise ModelFileError(
            f"model must be a blob ('XPNB') or a .tflite; {_place(source)} starts with {data[:8]!r}"
        )
    elif head is not None:
        raise InputError("head must be given when a .tflite is compiled; this is a blob already")
    elif optimize != "speed" or max_ram is not None or ops is not None:
        raise InputError("optimize, max_ram and ops are for a .tflite; this is a blob already")
    blob = _unpack(source, data)
    _check_cpu(blob, board)
    return ModelFile(stem or str(blob.metadata.get("name") or "model"), data, tflite)


def compile_tflite(
    source: ModelSource,
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
        source: file or bytes.
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
    model = source if isinstance(source, bytes) else Path(source)
    named = head if head is None or isinstance(head, Mapping) else Path(head)
    cpus = target if isinstance(target, str) else ", ".join(target)
    try:
        if head == AUTO:
            named = settle_guess(model, ops)
        with late_progress(show, f"compiling for {cpus}") as progress:
            return relocatable.compile_model(
                model,
                target=target,
                head=named,
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
        raise CompileError(f"{_place(source)} cannot be compiled for {cpus}:\n{error}") from error


def _unpack(source: ModelSource, data: bytes) -> Blob:
    try:
        return Blob.unpack(data)
    except RelocatableError as error:
        raise ModelFileError(f"{_place(source)} is a damaged blob: {error}") from error


def _check_cpu(blob: Blob, board: BoardInfo) -> None:
    for v in blob.variants:
        same = v.family == board.family and v.level <= board.level
        if same and v.features & ~board.features == 0:
            return
    targets = ", ".join(map(str, blob.metadata.get("targets", ()))) or "another CPU"
    raise BlobCpuError(
        f"the blob is for {targets}, the board has a {board.cpu}", method="load_model"
    )


def _place(source: ModelSource) -> str:
    return "the given data" if isinstance(source, bytes) else str(source)
