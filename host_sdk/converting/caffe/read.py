"""Read a `.prototxt` and its weights: layers in order, each value given once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host_sdk.converting.caffe.schema import V1_TYPES, network_class
from host_sdk.converting.hdf5_check import HDF5_MARK, check_hdf5
from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError, ToolMissingError

__all__ = ["Layer", "Network", "read_network"]

TEXT_LIMIT = 4 << 20  # bytes; networks of a thousand layers have a tenth of it
WEIGHTS_LIMIT = 1 << 30
# Layers of training alone, and those that only copy.
_DROPPED = frozenset({"Accuracy", "Silence"})


@dataclass(frozen=True)
class Layer:
    """A layer that computes.

    Attributes:
        name: as the file calls it.
        type: as today's files call it: "Convolution".
        inputs: numbers of the values it takes.
        outputs: numbers of the values it gives; no other layer gives them.
        parameters: protobuf's message of the layer.
        blobs: its weights, in Caffe's order and shapes.
    """

    name: str
    type: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    parameters: Any
    blobs: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Network:
    """What a network computes.

    Attributes:
        name: as the file calls it.
        inputs: number and shape of each value that a caller gives; shapes as Caffe has them,
            C x H x W or N, without the batch.
        layers: in the order in which they compute.
        outputs: numbers of the values that no layer takes.
        names: what the file calls each value.
        notes: what a user should know.
    """

    name: str
    inputs: tuple[tuple[int, tuple[int, ...]], ...]
    layers: tuple[Layer, ...]
    outputs: tuple[int, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]


def read_network(prototxt: Path, weights: Path) -> Network:
    """Read a network and its weights.

    Args:
        prototxt: the description, best the one for deployment; of one for training the layers of
            the phase TEST are taken.
        weights: a `.caffemodel`, or an `.h5` that Caffe wrote.

    Raises:
        ModelFileError: a file breaks a rule; says which and where.
        ToolMissingError: a package that reads it is not installed.
    """
    network = _parse_text(prototxt)
    blobs = _h5_blobs(weights) if _is_h5(weights) else _caffemodel_blobs(weights)
    return _link(network, blobs, prototxt)


# ---- Files ---------------------------------------------------------------------------------------


def _message() -> Any:
    try:
        return network_class()()
    except ImportError as error:
        raise ToolMissingError("protobuf", "pip install 'xipnet[compile]'") from error


def _read(path: Path, limit: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit:
            raise ModelFileError(f"{path}: {size:,} bytes, more than {limit:,}")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}") from error


def _parse_text(path: Path) -> Any:
    from google.protobuf import text_format

    network = _message()
    data = _read(path, TEXT_LIMIT)
    try:
        text_format.Parse(data.decode(), network, allow_unknown_field=True)
    except (text_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        why = plain_line(str(error))[:200]
        raise ModelFileError(f"{path} is no description of a Caffe network: {why}") from error
    return network


def _is_h5(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(HDF5_MARK)) == HDF5_MARK
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}") from error


def _caffemodel_blobs(path: Path) -> dict[str, tuple[np.ndarray, ...]]:
    from google.protobuf.message import DecodeError

    network = _message()
    try:
        network.ParseFromString(_read(path, WEIGHTS_LIMIT))
    except DecodeError as error:
        raise ModelFileError(f"{path} is no .caffemodel: {plain_line(str(error))}") from error
    found = {}
    for layer in (*network.layers, *network.layer):
        if layer.blobs:
            name = _text(layer.name)
            place = f"{path}: weights of layer {plain_line(name)}"
            found[name] = tuple(_array(blob, place) for blob in layer.blobs)
    if not found:
        raise ModelFileError(f"{path} is no .caffemodel, or one without weights")
    return found


def _text(value: str | bytes) -> str:
    """Return a string of a message; protobuf gives bytes for one that is no UTF-8."""
    return value if isinstance(value, str) else value.decode(errors="replace")


def _array(blob: Any, place: str) -> np.ndarray:
    data = blob.double_data if blob.double_data else blob.data
    values = np.asarray(data, np.float32)
    old = (blob.num, blob.channels, blob.height, blob.width)
    shape = tuple(blob.shape.dim) if blob.HasField("shape") else old
    if any(n < 1 for n in shape) or int(np.prod(shape, dtype=object)) != values.size:
        raise ModelFileError(f"{place}: shape {list(shape)}, but {values.size} values")
    return values.reshape(shape)


def _h5_blobs(path: Path) -> dict[str, tuple[np.ndarray, ...]]:
    try:
        import h5py
    except ImportError as error:
        raise ToolMissingError("h5py, which reads .h5,", "pip install h5py") from error
    found = {}
    try:
        with h5py.File(path, "r") as file:
            check_hdf5(file, str(path))
            group = file["data"]
            for name in group:
                sets = group[name]
                order = sorted(sets, key=int)
                if order:
                    found[name] = tuple(np.asarray(sets[key], np.float32) for key in order)
    except (OSError, KeyError, ValueError, AttributeError) as error:
        why = plain_line(str(error))
        raise ModelFileError(f"{path} holds no weights as Caffe writes them: {why}") from error
    return found


# ---- Layers --------------------------------------------------------------------------------------


def _link(network: Any, blobs: dict[str, tuple[np.ndarray, ...]], path: Path) -> Network:
    """Give each value a number; a layer that works in place gives a new one."""
    names: list[str] = []
    now: dict[str, int] = {}
    notes: list[str] = []
    taken: set[int] = set()

    def give(name: str) -> int:
        names.append(name)
        now[name] = len(names) - 1
        return now[name]

    inputs = [(give(name), shape) for name, shape in _old_inputs(network, path)]
    layers: list[Layer] = []
    for message in (*network.layers, *network.layer):
        kind = _type_of(message, path)
        if not _is_of_test(message) or kind in _DROPPED:
            continue
        given = _input_shapes(message, kind, blobs, path, notes)
        if given is not None:
            inputs += [(give(name), shape) for name, shape in zip(message.top, given, strict=False)]
            continue
        bottoms = message.bottom[:1] if kind == "SoftmaxWithLoss" else message.bottom
        missing = [name for name in bottoms if name not in now]
        if missing or not bottoms:
            wants = (
                f"takes {plain_line(missing[0])}, which nothing gives" if missing else "no bottom"
            )
            raise ModelFileError(f"{path}: layer {plain_line(message.name)}: {wants}")
        takes = tuple(now[name] for name in bottoms)
        gives = tuple(give(name) for name in message.top)
        taken.update(takes)
        layer = (message.name, kind, takes, gives, message, blobs.get(message.name, ()))
        layers.append(Layer(*layer))
    if not inputs or not layers:
        raise ModelFileError(f"{path}: no input, or no layer that computes")
    used = [(value, shape) for value, shape in inputs if value in taken]
    outputs = [v for layer in layers for v in layer.outputs if v not in taken]
    title = plain_line(network.name or path.stem)
    return Network(title, tuple(used), tuple(layers), tuple(outputs), tuple(names), tuple(notes))


def _type_of(message: Any, path: Path) -> str:
    if isinstance(message.type, str):
        return message.type
    numbers = message.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number
    old = numbers[message.type].name
    if old not in V1_TYPES:
        name = plain_line(message.name)
        raise ModelFileError(f"{path}: layer {name}: type {old} is not converted")
    return V1_TYPES[old]


def _is_of_test(message: Any) -> bool:
    test = 1
    if any(rule.HasField("phase") and rule.phase == test for rule in message.exclude):
        return False
    asked = [rule.phase for rule in message.include if rule.HasField("phase")]
    return not asked or test in asked


def _old_inputs(network: Any, path: Path) -> list[tuple[str, tuple[int, ...]]]:
    shapes = [tuple(shape.dim) for shape in network.input_shape]
    dims = list(network.input_dim)
    shapes += [tuple(dims[i : i + 4]) for i in range(0, len(dims), 4)]
    if len(shapes) != len(network.input):
        given = f"{len(network.input)} inputs, {len(shapes)} shapes"
        raise ModelFileError(f"{path}: {given}")
    return [
        (name, _without_batch(shape, name, path))
        for name, shape in zip(network.input, shapes, strict=True)
    ]


def _without_batch(shape: Sequence[int], name: str, path: Path) -> tuple[int, ...]:
    rest = tuple(shape[1:])
    if len(rest) not in (1, 3) or any(not 0 < n <= 1 << 16 for n in rest):
        where = f"{path}: input {plain_line(name)}"
        raise ModelFileError(f"{where}: must be batch x C x H x W or batch x N; is {list(shape)}")
    return rest


def _input_shapes(
    message: Any,
    kind: str,
    blobs: dict[str, tuple[np.ndarray, ...]],
    path: Path,
    notes: list[str],
) -> list[tuple[int, ...]] | None:
    """Return the shapes of what a layer of data gives; None: it is another layer."""
    name = plain_line(message.name)
    if kind not in ("Input", "Data", "ImageData", "MemoryData", "HDF5Data"):
        return None
    turn = message.transform_param
    if message.HasField("transform_param") and (
        turn.scale != 1 or turn.mean_value or turn.mean_file
    ):
        mean = ", ".join(f"{value:g}" for value in turn.mean_value) or plain_line(turn.mean_file)
        notes.append(
            f"layer {name} prepares its pictures: less {mean or 'nothing'}, times {turn.scale:g};"
            " the network gets them prepared"
        )
    if kind == "Input":
        shapes = [tuple(shape.dim) for shape in message.input_param.shape]
        return [_without_batch(shape, name, path) for shape in shapes]
    if kind == "MemoryData":
        data = message.memory_data_param
        return [_without_batch((1, data.channels, data.height, data.width), name, path)]
    channels = next((b[0].shape[1] for b in blobs.values() if b[0].ndim == 4), 0)
    side = turn.crop_size
    if not side or not channels:
        raise ModelFileError(
            f"{path}: layer {name}: the shape of its pictures is in its database; put in "
            "its place, with your numbers: layer { name: 'data' type: 'Input' top: 'data' "
            "input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }"
        )
    return [_without_batch((1, channels, side, side), name, path)]
