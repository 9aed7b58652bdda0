"""Labels and normalisation that a .tflite carries in its own metadata."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers
import numpy as np
import pytest

from relocatable.blob.blob import Blob
from relocatable.blob.host import HostModel
from relocatable.compile import compile_model, lower
from relocatable.graph.graph import Quant
from relocatable.heads.tflite_metadata import head_of_metadata
from relocatable.read_tflite import read_metadata, read_tflite
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite, schema

LABELS = ("cat", "dog", "bird", "fish")
SCORES = Quant((1 / 256,), (-128,))


class Writer:
    """Writes metadata by field numbers of metadata_schema.fbs."""

    def __init__(self) -> None:
        self.b = flatbuffers.Builder(256)

    def table(self, fields: dict[int, int], bytes_: dict[int, int] | None = None) -> int:
        self.b.StartObject(8)
        for field, offset in fields.items():
            self.b.PrependUOffsetTRelativeSlot(field, offset, 0)
        for field, value in (bytes_ or {}).items():
            self.b.PrependByteSlot(field, value, 0)
        return int(self.b.EndObject())

    def vector(self, offsets: Sequence[int]) -> int:
        self.b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.b.PrependUOffsetTRelative(offset)
        return int(self.b.EndVector())

    def floats(self, values: Sequence[float]) -> int:
        self.b.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.b.PrependFloat32(value)
        return int(self.b.EndVector())

    def file(self, name: str, kind: int, locale: str = "") -> int:
        fields = {0: self.b.CreateString(name)}
        if locale:
            fields[3] = self.b.CreateString(locale)
        return self.table(fields, {2: kind})

    def port(self, files: Sequence[int] = (), norm: Any = None) -> int:
        fields = {6: self.vector(files)} if files else {}
        if norm:
            options = self.table({0: self.floats(norm[0]), 1: self.floats(norm[1])})
            fields[4] = self.vector([self.table({1: options}, {0: 1})])
        return self.table(fields)

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        sub = self.table({2: self.vector(inputs), 3: self.vector(outputs)})
        self.b.Finish(self.table({3: self.vector([sub])}), b"M001")
        return bytes(self.b.Output())


def classifier(
    norm: Any = ([127.5], [127.5]), kind: int = 2, softmax: bool = True, locales: bool = False
) -> tuple[GraphBuilder, int, bytes]:
    """Make a graph of a picture to four scores, and its metadata."""
    b = GraphBuilder()
    x = b.input(1, 4, 4, 3, quant=Quant((1 / 64,), (0,)))
    weights = b.constant(np.arange(4 * 48).reshape(4, 48) % 7, "int8", Quant((0.05,), (0,)))
    flat = b.op("RESHAPE", (x, b.constant([1, 48])), b.tensor(1, 48, quant=Quant((1 / 64,), (0,))))
    y = b.op(
        *("FULLY_CONNECTED", (flat, weights), b.tensor(1, 4)),
        fused_activation_function="NONE",
        keep_num_dims=False,
        weights_format="DEFAULT",
    )
    if softmax:
        y = b.op("SOFTMAX", (y,), b.tensor(1, 4, quant=SCORES), beta=1.0)
    w = Writer()
    files = [w.file("de.txt", kind, "de")] * locales + [w.file("labels.txt", kind)]
    return b, y, w.finish([w.port(norm=norm)], [w.port(files)])


def written(
    b: GraphBuilder, y: int, metadata: bytes, files: dict[str, bytes] | None = None
) -> bytes:
    def add(model: Any) -> None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(metadata, np.uint8)
        entry = schema.MetadataT()
        entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers)
        model.buffers.append(buffer)
        model.metadata = [entry]

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (files or {"labels.txt": "\n".join(LABELS).encode() + b"\n\n"}).items():
            archive.writestr(name, text)
    return make_tflite(b.graph(y), add) + packed.getvalue()


def described(model: bytes) -> Any:
    return head_of_metadata(model, read_metadata(model), lower(read_tflite(model, "test")))


def test_labels_make_a_classifier() -> None:
    model = written(*classifier())
    assert described(model) == {
        "head": "classify",
        "labels": list(LABELS),
        "classify": {"output": 0, "softmax": False},
        "image": {"mean": [127.5], "std": [127.5]},
    }
    blob = compile_model(model, target="host")
    metadata = Blob.unpack(blob).metadata
    assert (metadata["labels"], metadata["head"]["kind"]) == (list(LABELS), "classify")
    assert metadata["image"] == {"mean": [127.5], "std": [127.5]}
    with HostModel(blob) as loaded:
        loaded.write_inputs([np.full((1, 4, 4, 3), 9, np.int8)])
        loaded.run(1)
        scores = loaded.outputs()[0].reshape(-1)
        assert loaded.items(1)[0][0] == LABELS[int(scores.argmax())]


def test_a_description_of_the_user_wins() -> None:
    model = written(*classifier())
    mine = {"head": "classify", "classify": {}, "labels": ["a", "b", "c", "d"]}
    metadata = Blob.unpack(compile_model(model, target="host", head=mine, golden=False)).metadata
    assert (metadata["labels"], "image" in metadata) == (["a", "b", "c", "d"], False)


def test_logits_get_a_softmax() -> None:
    assert described(written(*classifier(softmax=False)))["classify"]["softmax"]
    b, y, metadata = classifier()
    real = b.op("DEQUANTIZE", (y,), b.tensor(1, 4, dtype="float32"))
    assert not described(written(b, real, metadata))["classify"]["softmax"]
    real = b.op("LOG", (real,), b.tensor(1, 4, dtype="float32"))
    assert described(written(b, real, metadata))["classify"]["softmax"]


def test_labels_of_values_are_labels_alone() -> None:
    model = written(*classifier(kind=3))
    assert set(described(model)) == {"labels", "image"}
    blob = Blob.unpack(compile_model(model, target="host", golden=False))
    assert blob.metadata["labels"] == list(LABELS)
    assert len(blob.entries) == 1
    assert "head" not in blob.metadata


def test_the_file_without_a_locale_comes_first() -> None:
    files = {"de.txt": b"Katze\nHund\nVogel\nFisch", "labels.txt": "\n".join(LABELS).encode()}
    assert described(written(*classifier(locales=True), files))["labels"] == list(LABELS)


@pytest.mark.parametrize(
    ("norm", "dtype", "quant", "taken"),
    [
        (([127.5], [127.5]), "int8", Quant((1 / 128,), (0,)), False),  # undone by quantisation
        (([127.5], [127.5]), "uint8", Quant((0.0078125,), (128,)), False),
        (([0.0], [255.0]), "int8", Quant((1 / 255,), (-128,)), False),
        (([0.0], [1.0]), "uint8", Quant((1 / 255,), (0,)), True),
        (([1.0, 2.0, 3.0], [4.0]), "float32", None, True),
        (([1.0, 2.0], [4.0]), "float32", None, False),
        (([1.0], [0.0]), "float32", None, False),
        (([float("nan")], [1.0]), "float32", None, False),
        (([], []), "float32", None, False),
    ],
)
def test_a_normalisation_is_taken_unless_it_is_undone(
    norm: Any, dtype: str, quant: Quant | None, taken: bool
) -> None:
    b = GraphBuilder()
    x = b.input(1, 4, 4, 3, dtype=dtype, quant=quant)
    y = b.op("RELU", (x,), b.tensor(1, 4, 4, 3, dtype=dtype, quant=quant))
    w = Writer()
    model = written(b, y, w.finish([w.port(norm=norm)], [w.port()]))
    expected = {"image": {"mean": list(norm[0]), "std": list(norm[1])}} if taken else {}
    assert described(model) == expected
    metadata = Blob.unpack(compile_model(model, target="host", golden=False)).metadata
    assert ("image" in metadata) == taken


@pytest.mark.parametrize(
    "files",
    [
        {"other.txt": b"a"},
        {"labels.txt": b"a\nb"},
        {"labels.txt": bytes(1 << 19)},  # packs to 600 bytes
        {"labels.txt": b""},
    ],
)
def test_odd_label_files_are_left_out(files: dict[str, bytes]) -> None:
    assert set(described(written(*classifier(), files))) == {"image"}


def test_a_zip_that_lies_about_a_size_is_left_out() -> None:
    model = bytearray(written(*classifier(), {"labels.txt": b"a\n" * (1 << 18)}))
    at = model.rindex(b"PK\x01\x02")
    model[at + 24 : at + 28] = struct.pack("<I", 10)
    assert "labels" not in described(bytes(model))


def test_control_characters_are_not_shown() -> None:
    found = described(written(*classifier(), {"labels.txt": b"a\x1b[2J\nb\xff\nc\nd"}))
    assert found["labels"] == ["a?[2J", "b\ufffd", "c", "d"]


def truncated(metadata: bytes, rng: np.random.Generator) -> bytes:
    return metadata[: int(rng.integers(8, len(metadata)))]


def changed(metadata: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(metadata)
    for _ in range(int(rng.integers(1, 6))):
        data[int(rng.integers(8, len(data)))] = int(rng.integers(0, 256))
    return bytes(data)


@pytest.mark.parametrize("damage", [truncated, changed])
def test_damaged_metadata_never_refuse_a_model(
    damage: Callable[[bytes, np.random.Generator], bytes],
) -> None:
    b, y, metadata = classifier()
    model = written(b, y, metadata)
    graph, rng = lower(read_tflite(model, "test")), np.random.default_rng(3)
    for _ in range(300):
        head_of_metadata(model, damage(metadata, rng), graph)


def test_a_damaged_zip_never_refuses_a_model() -> None:
    model = written(*classifier())
    graph, metadata = lower(read_tflite(model, "test")), read_metadata(model)
    start, rng = model.index(b"PK\x03\x04"), np.random.default_rng(4)
    for _ in range(300):
        data = bytearray(model)
        for _ in range(int(rng.integers(1, 4))):
            data[int(rng.integers(start, len(data)))] = int(rng.integers(0, 256))
        head_of_metadata(bytes(data[: int(rng.integers(start, len(data) + 1))]), metadata, graph)
