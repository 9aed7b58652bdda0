"""What an ONNX file names, read before onnx2tf: operators, files of its values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from host_sdk.converting.protobuf import ProtobufReader
from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError, UnsafeModelError

_MOST_FIELDS = 20_000_000
_MOST_DEPTH = 32  # of graphs in graphs
_MOST_FILES = 64
_OWN_DOMAINS = frozenset(["", "ai.onnx"])
_LOCATION = "location"

# Numbers of fields, by message.
_GRAPH, _TRAINING, _FUNCTIONS = 7, 20, 25  # ModelProto
_TRAINING_GRAPHS = (1, 2)  # TrainingInfoProto
_NODES, _SPARSE = 1, 15  # GraphProto
_INITIALIZERS = 5  # GraphProto
_FUNCTION_NODES, _FUNCTION_DOMAIN, _FUNCTION_DEFAULTS = 7, 10, 11  # FunctionProto
_OPERATION, _ATTRIBUTES, _DOMAIN = 4, 5, 7  # NodeProto
_TENSORS, _GRAPHS, _SPARSE_TENSORS = (5, 10), (6, 11), (22, 23)  # AttributeProto
_SPARSE_PARTS = (1, 2)  # SparseTensorProto
_EXTERNAL = 13  # TensorProto
_KEY, _VALUE = 1, 2  # StringStringEntryProto


@dataclass
class _Named:
    """What a model names.

    Attributes:
        operators: (domain, kind).
        domains: of functions that it defines.
        files: that hold values.
    """

    operators: set[tuple[str, str]] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


def find_external_files(data: bytes, place: str) -> list[str]:
    """Look a model through.

    Args:
        data: the .onnx.
        place: the file, for errors.

    Returns:
        Names of files that hold values: relative paths below the model's folder.

    Raises:
        ModelFileError: it is damaged, or has operators that are not ONNX's.
        UnsafeModelError: it asks for a file from elsewhere.
    """
    named = _Named()
    try:
        _read_model(named, ProtobufReader(_MOST_FIELDS), memoryview(data))
    except ModelFileError as error:
        raise ModelFileError(f"{place}: its message {error}") from error
    allowed = _OWN_DOMAINS | named.domains
    other = sorted(
        f"{kind} of {domain}" for domain, kind in named.operators if domain not in allowed
    )
    if other:
        shown = plain_line(", ".join(other), 200)
        raise ModelFileError(f"{place}: operators must be ONNX's own; found {shown}")
    for name in sorted(named.files):
        if not _is_below(name):
            rule = "values in other files must be below the model's folder"
            raise UnsafeModelError(place, rule, plain_line(name, 200))
    if len(named.files) > _MOST_FILES:
        raise ModelFileError(
            f"{place} must have its values in at most {_MOST_FILES} files; has {len(named.files)}"
        )
    return sorted(named.files)


def is_inside(path: Path, folder: Path) -> bool:
    """Say whether a path is below a folder once symbolic links are followed."""
    return path.resolve().is_relative_to(folder.resolve())


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    unsafe = "\\" in name or ":" in name or "\0" in name or path.is_absolute()
    return not unsafe and bool(path.parts) and ".." not in path.parts


def _read_model(named: _Named, reader: ProtobufReader, data: memoryview) -> None:
    for number, value in reader.fields(data):
        if number == _GRAPH:
            _read_graph(named, reader, value, 0)
        elif number == _TRAINING:
            for inner, graph in reader.fields(value):
                if inner in _TRAINING_GRAPHS:
                    _read_graph(named, reader, graph, 0)
        elif number == _FUNCTIONS:
            named.domains.update(reader.texts(value, _FUNCTION_DOMAIN))
            for inner, part in reader.fields(value):
                if inner == _FUNCTION_NODES:
                    _read_node(named, reader, part, 0)
                elif inner == _FUNCTION_DEFAULTS:
                    _read_attribute(named, reader, part, 0)


def _read_graph(named: _Named, reader: ProtobufReader, data: memoryview, depth: int) -> None:
    if depth > _MOST_DEPTH:
        raise ModelFileError(f"must nest graphs at most {_MOST_DEPTH} deep")
    for number, value in reader.fields(data):
        if number == _NODES:
            _read_node(named, reader, value, depth)
        elif number == _INITIALIZERS:
            named.files.update(_locations(reader, value))
        elif number == _SPARSE:
            _read_sparse(named, reader, value)


def _read_node(named: _Named, reader: ProtobufReader, data: memoryview, depth: int) -> None:
    kinds = list(reader.texts(data, _OPERATION)) or [""]
    for domain in list(reader.texts(data, _DOMAIN)) or [""]:
        named.operators.update((domain, kind) for kind in kinds)
    for attribute in reader.messages(data, _ATTRIBUTES):
        _read_attribute(named, reader, attribute, depth)


def _read_attribute(named: _Named, reader: ProtobufReader, data: memoryview, depth: int) -> None:
    for number, value in reader.fields(data):
        if number in _TENSORS:
            named.files.update(_locations(reader, value))
        elif number in _GRAPHS:
            _read_graph(named, reader, value, depth + 1)
        elif number in _SPARSE_TENSORS:
            _read_sparse(named, reader, value)


def _read_sparse(named: _Named, reader: ProtobufReader, data: memoryview) -> None:
    for number, value in reader.fields(data):
        if number in _SPARSE_PARTS:
            named.files.update(_locations(reader, value))


def _locations(reader: ProtobufReader, tensor: memoryview) -> Iterator[str]:
    """Yield the files that a tensor names, whatever it says of where its values are."""
    for entry in reader.messages(tensor, _EXTERNAL):
        if _LOCATION in reader.texts(entry, _KEY):
            yield from list(reader.texts(entry, _VALUE)) or [""]
