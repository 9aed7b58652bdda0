"""A model on a board: the board's figures and the blob's metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy.typing as npt

from host_sdk.display.plain import plain_list
from host_sdk.errors import InputError, NoHeadError, ProtocolError, ShapeError
from host_sdk.inference.tensor import Array, TensorInfo
from host_sdk.link.board_info import MOST_ARENA_BYTES
from host_sdk.link.wire_map import WireMap
from relocatable.blob.metadata import result_record
from relocatable.blob.ports import Outputs, in_order
from relocatable.blob.record import KNOWN_RECORDS, Record
from relocatable.errors import BlobError, RunError

Named: TypeAlias = "Mapping[str, npt.ArrayLike]"
Inputs: TypeAlias = "Sequence[npt.ArrayLike | Named] | Named"

TENSORS, DETECTIONS, CLASSES = 0, 1, 2
_MOST_MACS = (1 << 63) - 1
_LEAST_STD, _MOST_NUMBER = 1e-30, 1e30  # pixels stay float32
_NOUNS = {DETECTIONS: "detections", CLASSES: "classes"}
# What a record must hold to be one of detections: role and number of values, by name.
_DETECTION = {"label": ("label", 1), "score": ("value", 1), "box": ("points", 4)}


@dataclass(frozen=True)
class LayerInfo:
    """A layer of a step that makes several together, some rows of each in turn.

    Attributes:
        op: operator.
        macs: multiply-accumulates.
        tensor: what it computes.
        output: index into the model's `tensors`; None: streamed, at no time whole in memory.
    """

    op: str
    macs: int
    tensor: TensorInfo
    output: int | None


@dataclass(frozen=True)
class StepInfo:
    """A step of the program.

    Attributes:
        name: of the tensor that it computes.
        op: operator; of several layers the first and the last.
        macs: multiply-accumulates.
        outputs: indices into the model's `tensors`: those that are whole when it is done.
        layers: of a step that makes several.
    """

    name: str
    op: str
    macs: int
    outputs: tuple[int, ...] = ()
    layers: tuple[LayerInfo, ...] = ()


@dataclass(frozen=True)
class ArenaTensor:
    """A tensor in the arena, there from the step that writes it until its last use.

    Attributes:
        info: name, shape, dtype, scale.
        offset: of its first byte in the arena.
    """

    info: TensorInfo
    offset: int


@dataclass(frozen=True)
class Normalisation:
    """A normalisation (pixel - mean) / std of pixels 0..255.

    Each is one number, or one by channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, repr=False)
class Model:
    """A model on a board.

    Attributes:
        name: in the store.
        version: counts the uploads of that name.
        sha256: of the blob.
        arena_bytes: RAM that it works in.
        stack_bytes: upper bound of what a step uses.
        state_bytes: of RAM that it keeps from run to run; 0: each run stands alone.
        entries: kind of result (TENSORS, DETECTIONS, CLASSES) of each entry.
        inputs: in the model's order.
        outputs: in the model's order.
        steps: the network's, then the head's.
        labels: names of classes; empty if the model has none.
        image: how pixels become inputs; None if the model does not say.
        tensors: all tensors in the arena.
        records: how the items of each entry's result are read; None if it has none.
    """

    name: str
    version: int
    sha256: bytes
    arena_bytes: int
    stack_bytes: int
    entries: tuple[int, ...]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    steps: tuple[StepInfo, ...]
    labels: tuple[str, ...]
    image: Normalisation | None
    tensors: tuple[ArenaTensor, ...] = ()
    records: tuple[Record | None, ...] = ()
    state_bytes: int = 0

    def __repr__(self) -> str:
        inputs, outputs = (plain_list(ts) for ts in (self.inputs, self.outputs))
        return (
            f"<Model {self.name} version {self.version}: {inputs} -> {outputs}, "
            f"{len(self.steps)} steps, {self.arena_bytes:,} bytes of RAM>"
        )

    def entry(self, result: int) -> int:
        """Find the entry that gives a kind of result.

        Raises:
            NoHeadError: the model has none.
        """
        if result in self.entries:
            return self.entries.index(result)
        raise NoHeadError(
            f"model '{self.name}' gives no {_NOUNS[result]}: name a head that does in the TOML "
            "file beside it, or have it guessed by head='auto' (--head auto), and compile it again "
            "(docs/HEADS.md)"
        )

    def detector(self) -> tuple[int, Record]:
        """Find the entry whose items have a label, a score and a box, whatever else.

        Raises:
            NoHeadError: the model has none.
        """
        for entry, record in enumerate(self.records):
            if record is not None and _is_detection(record):
                return entry, record
        return self.entry(DETECTIONS), KNOWN_RECORDS[DETECTIONS]

    def head(self) -> tuple[int, Record]:
        """Find the entry with the model's head, and how its items are read.

        Raises:
            NoHeadError: the model has none, or does not say how its result is read.
        """
        for entry, record in reversed(list(enumerate(self.records))):
            if record is not None:
                return entry, record
        raise NoHeadError(
            f"model '{self.name}' has no head that says what it finds: compile it with one in the "
            "TOML file beside it (docs/HEADS.md)"
        )

    def label(self, index: int) -> str:
        """Give the name of a class; its number if it has none."""
        return self.labels[index] if 0 <= index < len(self.labels) else str(index)

    def in_order(self, inputs: Inputs) -> list[npt.ArrayLike]:
        """Bring values into the order of the inputs.

        Args:
            inputs: by position, or one mapping by name, which may be the only item.

        Raises:
            InputError: a name is unknown or missing.
            ShapeError: their number is another.
        """
        try:
            values = in_order(inputs, [t.name for t in self.inputs])
        except RunError as error:
            raise InputError(f"model '{self.name}': {error}") from error
        if len(values) != len(self.inputs):
            names = plain_list(f"'{t.name}' {t}" for t in self.inputs)
            raise ShapeError(
                f"model '{self.name}' must get {len(self.inputs)} inputs ({names}); "
                f"got {len(values)}"
            )
        return values

    def fit(self, inputs: Inputs) -> list[Array]:
        """Fit values to the inputs: see `in_order` and `TensorInfo.fit`.

        Raises:
            InputError: a name is unknown or missing.
            ShapeError, DtypeError: an input does not fit, or their number is another.
        """
        pairs = zip(self.inputs, self.in_order(inputs), strict=True)
        return [tensor.fit(values) for tensor, values in pairs]

    def read_outputs(self, data: bytes) -> Outputs:
        """Read the outputs, in the model's dtypes, from the bytes of a run of entry 0.

        Raises:
            ProtocolError: the number of bytes is another.
        """
        outputs, at = [], 0
        for tensor in self.outputs:
            outputs.append(tensor.read_values(data[at : at + tensor.size_bytes]))
            at += tensor.size_bytes
        return Outputs(outputs, (tensor.name for tensor in self.outputs))


def _is_detection(record: Record) -> bool:
    fields = {field.name: field for field in record.fields}
    shapes = {name: (field.role, field.count) for name, field in fields.items()}
    return shapes.items() >= _DETECTION.items() and fields["score"].dtype == "float32"


def make_model(fields: WireMap, metadata: WireMap) -> Model:
    """Make a model from the reply to `model` and the blob's metadata.

    Raises:
        ProtocolError: something in them is not what the SPEC says.
    """
    arena_bytes = fields.count("arena", MOST_ARENA_BYTES)
    tensors = metadata.maps("tensors")
    steps = tuple(_step(s, len(tensors)) for s in metadata.maps("steps"))
    entries = tuple(e.count("result") for e in fields.maps("entries"))
    return Model(
        name=fields.text("name"),
        version=fields.count("version"),
        sha256=fields.digest("sha256"),
        arena_bytes=arena_bytes,
        stack_bytes=fields.count("stack"),
        entries=entries,
        inputs=_ports(metadata, "inputs", arena_bytes),
        outputs=_ports(metadata, "outputs", arena_bytes),
        steps=steps,
        labels=metadata.texts("labels") if "labels" in metadata else (),
        image=_normalisation(metadata.map("image")) if "image" in metadata else None,
        tensors=tuple(_arena_tensor(t, arena_bytes) for t in tensors),
        records=_records(metadata, entries),
        state_bytes=fields.count("state") if "state" in fields else 0,
    )


def _ports(metadata: WireMap, key: str, arena_bytes: int) -> tuple[TensorInfo, ...]:
    ports = tuple(TensorInfo.read(port) for port in metadata.maps(key))
    if not ports or any(port.size_bytes > arena_bytes for port in ports):
        raise metadata.wrong(key, f"at least one, each of at most {arena_bytes} bytes")
    return ports


def _arena_tensor(fields: WireMap, arena_bytes: int) -> ArenaTensor:
    tensor = TensorInfo.read(fields)
    if tensor.size_bytes > arena_bytes:
        raise fields.wrong("shape", f"of at most the arena's {arena_bytes} bytes")
    return ArenaTensor(tensor, fields.count("offset", arena_bytes - tensor.size_bytes))


def _records(metadata: WireMap, entries: tuple[int, ...]) -> tuple[Record | None, ...]:
    described = {"results": metadata.items("results")} if "results" in metadata else {}
    try:
        return tuple(result_record(described, entries, i) for i in range(len(entries)))
    except BlobError as error:
        raise ProtocolError(str(error)) from error


def _step(fields: WireMap, tensors: int) -> StepInfo:
    outputs = fields.integers("outputs") if "outputs" in fields else ()
    if any(not 0 <= i < tensors for i in outputs):
        raise fields.wrong("outputs", f"indices below {tensors}")
    layers = fields.maps("layers") if "layers" in fields else []
    return StepInfo(
        name=fields.text("name"),
        op=fields.text("op"),
        macs=fields.count("macs", _MOST_MACS),
        outputs=outputs,
        layers=tuple(_layer(layer, outputs) for layer in layers),
    )


def _layer(fields: WireMap, outputs: tuple[int, ...]) -> LayerInfo:
    output = fields.integer("output") if "output" in fields else None
    if output is not None and output not in outputs:
        raise fields.wrong("output", "one of the step's outputs")
    return LayerInfo(
        fields.text("op"), fields.count("macs", _MOST_MACS), TensorInfo.read(fields), output
    )


def _normalisation(fields: WireMap) -> Normalisation:
    mean, std = _numbers(fields, "mean"), _numbers(fields, "std")
    if any(abs(n) < _LEAST_STD for n in std):
        raise fields.wrong("std", "other than 0")
    return Normalisation(mean, std)


def _numbers(fields: WireMap, key: str) -> tuple[float, ...]:
    is_list = isinstance(fields.value(key), list)
    numbers = fields.numbers(key) if is_list else (fields.number(key),)
    if not numbers or any(abs(n) > _MOST_NUMBER for n in numbers):
        raise fields.wrong(key, "a float32, or a list of them")
    return numbers
