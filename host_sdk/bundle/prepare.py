"""A bundle for a board, or for CPUs: from a pipeline.toml, a file or bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from host_sdk.bundle.bundle import Member, pack_bundle, unpack_bundle
from host_sdk.bundle.pipeline import Pipeline, PipelineModel, read_pipeline
from host_sdk.errors import BundleFileError
from host_sdk.inference.model_source import (
    ModelFile,
    compile_tflite,
    open_model,
    prepare_blob,
    read_model_file,
)
from host_sdk.link.board_info import BoardInfo
from host_sdk.store.files import BLOB, is_bundle
from relocatable.blob.blob import Blob
from relocatable.errors import RelocatableError

BundleSource: TypeAlias = "str | os.PathLike[str] | bytes"

PIPELINE_SUFFIX = ".toml"


@dataclass(frozen=True)
class BundleFile:
    """A bundle to upload.

    Attributes:
        name: for the store, when no other is given.
        data: its bytes.
        tflites: SHA-256 of a member -> what that was compiled from.
    """

    name: str
    data: bytes
    tflites: dict[bytes, bytes] = field(default_factory=dict)


def is_pipeline(path: str | os.PathLike[str]) -> bool:
    """Tell by its name whether a file says what a bundle is made of."""
    return Path(path).suffix == PIPELINE_SUFFIX


def prepare_bundle(source: BundleSource, board: BoardInfo, show: bool = False) -> BundleFile:
    """Make a bundle whose models a board can run.

    Args:
        source: a pipeline.toml, whose .tflite are compiled for the board's CPU; or a bundle.
        board: what it is for.
        show: show a bar if compiling takes long.

    Raises:
        BundleFileError, ModelFileError, CompileError, BlobCpuError, ToolMissingError.
    """
    if isinstance(source, bytes) or not is_pipeline(source):
        name, data = _read_bundle(source)
        for member in unpack_bundle(data):
            if member.kind == BLOB and prepare_blob(member.data, None, board).need is not None:
                raise BundleFileError(
                    f"models of a bundle must hold their weights; '{member.name}' needs them "
                    "beside itself: name its blob in a pipeline.toml, which puts them in"
                )
        return BundleFile(name or "bundle", data)
    tflites: dict[bytes, bytes] = {}

    def make(model: PipelineModel) -> bytes:
        opened = open_model(model.path, show=show)
        made: ModelFile = prepare_blob(
            *(replace(opened, data=opened.whole()), model.head, board, show),
            optimize=model.optimize,
            max_ram=model.max_ram,
            ops=model.ops,
        )
        if made.tflite is not None:
            tflites[hashlib.sha256(made.data).digest()] = made.tflite
        return made.data

    pipeline = read_pipeline(Path(source))
    return BundleFile(pipeline.name, _pack(pipeline, make), tflites)


def build_bundle(path: Path, targets: Sequence[str], show: bool = False) -> BundleFile:
    """Make a bundle of a pipeline.toml for some CPUs.

    Args:
        path: of the pipeline.toml.
        targets: CPUs, names of `relocatable.TARGETS`; several make blobs that run on each.
        show: show a bar if it takes long.

    Raises:
        BundleFileError, ModelFileError, CompileError, ToolMissingError.
    """

    def make(model: PipelineModel) -> bytes:
        opened = open_model(model.path, show=show)
        if not opened.is_tflite:
            return opened.whole()
        return compile_tflite(
            *(opened, model.head, targets, model.optimize),
            max_ram=model.max_ram,
            ops=model.ops,
            show=show,
        )

    pipeline = read_pipeline(path)
    return BundleFile(pipeline.name, _pack(pipeline, make))


def _pack(pipeline: Pipeline, make: Callable[[PipelineModel], bytes]) -> bytes:
    models = [Member(model.name, _check(model, make(model))) for model in pipeline.models]
    files = [Member(name, path.read_bytes()) for name, path in pipeline.files.items()]
    return pack_bundle([*models, *files])


def _check(model: PipelineModel, data: bytes) -> bytes:
    """Refuse a file that is no whole blob, whose board would say less."""
    try:
        Blob.unpack(data)
    except RelocatableError as error:
        raise BundleFileError(f"model {model.path} must be a .tflite or a blob: {error}") from error
    return data


def _read_bundle(source: BundleSource) -> tuple[str | None, bytes]:
    name, data = read_model_file(source)
    if not is_bundle(data):
        place = "the given data" if isinstance(source, bytes) else source
        raise BundleFileError(
            f"a bundle is a pipeline.toml, or what `xipnet build` made of one; {place} starts with "
            f"{data[:8]!r}"
        )
    return name, data
