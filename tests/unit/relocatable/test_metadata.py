"""Metadata that no compiler of ours wrote gives a sentence, whatever is in it."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relocatable import report
from relocatable.blob.blob import Blob, Entry, Io, Variant
from relocatable.errors import BlobError

TENSOR = {"name": "x", "shape": [1, 16], "dtype": "int8", "offset": 0}
PORT = {"name": "x", "shape": [1, 16], "dtype": "int8", "tensor": 0}
STEP = {"name": "x", "op": "ADD", "macs": 0, "weights": 0, "outputs": [1]}
LAYER = {"name": "x", "op": "ADD", "macs": 0, "shape": [1, 16], "dtype": "int8", "output": 1}
FIELD = {"name": "x", "dtype": "float32", "offset": 4, "count": 1, "role": "value"}
GOOD: dict[str, Any] = {
    "name": "m",
    "tool": "t",
    "targets": ["cortex-m3"],
    "tensors": [TENSOR, {**TENSOR, "offset": 16}],
    "inputs": [PORT],
    "outputs": [{**PORT, "name": "y", "tensor": 1}],
    "steps": [STEP],
}


def packed(metadata: dict[str, Any]) -> bytes:
    variant = Variant(1, 70, 0, b"\x70\x47\x00\xbf", b"", (0,), 32, 32)
    return Blob((variant,), (Io(0, 16),), (Io(16, 16),), (Entry(0, 1),), metadata).pack()


def described(**changes: object) -> dict[str, Any]:
    """Make metadata in which a field of a result differs."""
    return {"results": [{"item_bytes": 8, "fields": [{**FIELD, **changes}]}]}


def test_the_compiler_s_own_is_taken() -> None:
    assert report(packed(GOOD)).steps[0].output == "int8 [1, 16]"
    layers = [{**LAYER, "output": None}, LAYER]
    [step] = report(packed({**GOOD, "steps": [{**STEP, "layers": layers}]})).steps
    assert [x.output for x in step.layers] == ["int8 [1, 16], streamed", "int8 [1, 16]"]
    report(packed({**GOOD, **described()}))
    report(packed({**GOOD, "results": [None]}))
    report(packed({**GOOD, "labels": ["café", "\N{WOMAN}\u200d\N{ROCKET}"]}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "name must be text without control characters; is None"),
        ({"name": "\x1b[2J"}, r"name must be text without control characters; is '\\x1b\[2J'"),
        ({"targets": []}, "targets must be a list of 1"),
        ({"tensors": [{**TENSOR, "dtype": "object"}]}, r"tensors\[0\].dtype must be one of"),
        ({"tensors": [{**TENSOR, "shape": [-1]}]}, r"tensors\[0\].shape must be a whole number"),
        ({"tensors": [{**TENSOR, "offset": 33}]}, r"offset must be in \[0, 16\]; is 33"),
        ({"inputs": [{**PORT, "tensor": 2}]}, r"inputs\[0\].tensor must be below 2; is 2"),
        ({"outputs": [PORT, PORT]}, "outputs must be a list of 1"),
        ({"steps": []}, "steps must be one for each of 1 steps; is 0"),
        ({"steps": [{**STEP, "macs": True}]}, r"steps\[0\].macs must be a whole number"),
        ({"steps": [{**STEP, "outputs": [9]}]}, r"steps\[0\].outputs must be indices below 2"),
        ({"steps": [{**STEP, "layers": 3}]}, r"steps\[0\].layers must be a list"),
        ({"steps": [{**STEP, "layers": [{**LAYER, "op": "\n"}]}]}, r"layers\[0\].op must be text"),
        ({"steps": [{**STEP, "layers": [{**LAYER, "macs": -1}]}]}, r"layers\[0\].macs must be"),
        ({"steps": [{**STEP, "layers": [{**LAYER, "shape": [None]}]}]}, r"layers\[0\].shape must"),
        ({"steps": [{**STEP, "layers": [{**LAYER, "dtype": "x"}]}]}, r"layers\[0\].dtype must"),
        ({"steps": [{**STEP, "layers": [{**LAYER, "output": 0}]}]}, "one of the step's outputs"),
        ({"labels": ["\x07"]}, "labels must be text"),
        ({"labels": "ab"}, "labels must be a list"),
        ({"results": []}, "results must be a list of 1"),
        ({"results": [3]}, r"results\[0\] must be a map; is 3"),
        ({"results": [{"fields": [FIELD]}]}, r"results\[0\].item_bytes must be a whole number"),
        ({"results": [{"item_bytes": 8}]}, r"results\[0\].fields must be a list; is None"),
        (
            {"results": [{"item_bytes": 8, "fields": [1]}]},
            r"results\[0\].fields\[0\] must be a map",
        ),
        (described(name="\n"), r"fields\[0\].name must be text"),
        (described(dtype="float64"), r"fields\[0\].dtype must be one of int8"),
        (described(role=None), r"fields\[0\].role must be one of value, label, points; is None"),
        (described(offset=-4), r"fields\[0\].offset must be a whole number"),
        (described(count=1.5), r"fields\[0\].count must be a whole number"),
        (described(count=2), "field 'x' of a result must lie in the 8 bytes of an item"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BlobError, match=message):
        report(packed({**GOOD, **changes}))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=3) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@settings(max_examples=100)
@given(key=st.sampled_from(sorted(LAYER)), value=VALUES)
def test_any_other_layer_is_a_blob_error(key: str, value: object) -> None:
    step = {**STEP, "layers": [{**LAYER, key: value}]}
    with contextlib.suppress(BlobError):
        report(packed({**GOOD, "steps": [step]}))


@settings(max_examples=200)
@given(key=st.sampled_from(sorted(FIELD)), value=VALUES, item_bytes=VALUES)
def test_any_other_field_is_a_blob_error(key: str, value: object, item_bytes: object) -> None:
    fields = [{**FIELD, key: value}]
    for size in (8, item_bytes):
        with contextlib.suppress(BlobError):
            report(packed({**GOOD, "results": [{"item_bytes": size, "fields": fields}]}))


@settings(max_examples=200)
@given(key=st.sampled_from([*sorted(GOOD), "labels", "results"]), value=VALUES)
def test_anything_else_is_a_blob_error(key: str, value: object) -> None:
    with contextlib.suppress(BlobError):
        report(packed({**GOOD, key: value}))
