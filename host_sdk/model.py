"""The active model as the host sees it: the board's figures and the blob's metadata."""

from __future__ import annotations

from dataclasses import dataclass

from host_sdk.client import Client
from host_sdk.errors import NoHeadError, ProtocolError
from host_sdk.fields import Fields
from host_sdk.messages import Value, unpack_value
from host_sdk.tensor import TensorInfo
from host_sdk.upload import pieces

TENSORS, DETECTIONS, CLASSES = 0, 1, 2
_HEADS = {DETECTIONS: ("detections", "grid"), CLASSES: ("classes", "classify")}


@dataclass(frozen=True)
class StepInfo:
    """A step of the program: its tensor's name, its operator, its multiply-accumulates."""

    name: str
    op: str
    macs: int


@dataclass(frozen=True)
class Normalisation:
    """real input = (pixel - mean) / std, pixels 0..255; one number, or one for each channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Model:
    """A model on a board.

    Attributes:
        name: in the store.
        version: counts the uploads of that name.
        sha256: of the blob.
        arena_bytes: RAM that it works in.
        stack_bytes: upper bound of what a step uses.
        entries: kind of result (TENSORS, DETECTIONS, CLASSES) of each entry.
        inputs: in the model's order.
        outputs: in the model's order.
        steps: the network's, then the head's.
        labels: names of classes; empty where the model has none.
        image: how pixels become inputs; None where the model does not say.
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

    def entry(self, result: int) -> int:
        """The entry that gives a kind of result.

        Raises:
            NoHeadError: the model has none.
        """
        if result in self.entries:
            return self.entries.index(result)
        what, head = _HEADS[result]
        raise NoHeadError(
            f"model '{self.name}' gives no {what}: compile it with head = \"{head}\" in the TOML "
            "file beside it (docs/HEADS.md)"
        )

    def label(self, index: int) -> str:
        """The name of a class; its number where it has none."""
        return self.labels[index] if 0 <= index < len(self.labels) else str(index)


class ModelReader:
    """Reads the active model; its metadata once for each blob.

    Args:
        client: the session.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._last: Model | None = None

    def read(self) -> Model:
        """The active model.

        Raises:
            NoModelError: none is active.
        """
        fields = Fields(self._client.call("model"), "model")
        name, version = fields.text("name"), fields.integer("version")
        sha256, last = fields.data("sha256"), self._last
        if last and (last.name, last.version, last.sha256) == (name, version, sha256):
            return last
        self._last = self._read_new(fields, name)
        return self._last

    def _read_new(self, fields: Fields, name: str) -> Model:
        match fields.integers("metadata"):
            case (offset, size):
                raw = read_object(self._client, name, offset, size)
            case _:
                raise fields.wrong("metadata", "[offset, size]")
        place = f"metadata of '{name}'"
        metadata = Fields(unpack_value(raw, place), place)
        tensors = metadata.maps("tensors")
        return Model(
            name=name,
            version=fields.integer("version"),
            sha256=fields.data("sha256"),
            arena_bytes=fields.integer("arena"),
            stack_bytes=fields.integer("stack"),
            entries=tuple(e.integer("result") for e in fields.maps("entries")),
            inputs=_pick(tensors, metadata, "inputs"),
            outputs=_pick(tensors, metadata, "outputs"),
            steps=tuple(
                StepInfo(s.text("name"), s.text("op"), s.integer("macs"))
                for s in metadata.maps("steps")
            ),
            labels=metadata.texts("labels") if "labels" in metadata else (),
            image=_normalisation(metadata.map("image")) if "image" in metadata else None,
        )


def read_object(client: Client, name: str, offset: int, size: int) -> bytes:
    """Bytes of an object in the store."""
    calls = ((name, offset + at, wanted) for at, wanted in pieces(client, size))
    parts = client.stream("get", calls)
    data = b"".join(part for part in parts if isinstance(part, bytes))
    if len(data) != size:
        raise ProtocolError(f"get '{name}': must give {size} bytes at {offset}; gave {len(data)}")
    return data


def _pick(tensors: list[Fields], metadata: Fields, key: str) -> tuple[TensorInfo, ...]:
    indices = metadata.integers(key)
    if any(not 0 <= i < len(tensors) for i in indices):
        raise metadata.wrong(key, f"indices below {len(tensors)}")
    return tuple(TensorInfo.read(tensors[i]) for i in indices)


def _normalisation(fields: Fields) -> Normalisation:
    mean, std = _numbers(fields, "mean"), _numbers(fields, "std")
    if 0.0 in std:
        raise fields.wrong("std", "other than 0")
    return Normalisation(mean, std)


def _numbers(fields: Fields, key: str) -> tuple[float, ...]:
    value: Value = fields.value(key)
    numbers = value if isinstance(value, list) else [value]
    floats = tuple(float(n) for n in numbers if isinstance(n, (int, float)))
    if not floats or len(floats) != len(numbers):
        raise fields.wrong(key, "a number, or a list of numbers")
    return floats
