"""A SavedModel's graph: read by bounds, and only operations that compute."""

from __future__ import annotations

import random

import pytest

from host_sdk import ModelFileError, UnsafeModelError
from host_sdk.converting import graph_check
from host_sdk.converting.graph_check import check_saved_model, harmless_operations
from host_sdk.converting.protobuf import ProtobufReader
from tests.unit.host_sdk.converting.graphs import (
    SAVE,
    SERVE,
    field,
    function,
    honest,
    node,
    saved_model,
)


def test_what_keras_exports_is_taken() -> None:
    check_saved_model(honest(), "m")


def test_no_operation_of_files_is_harmless() -> None:
    names = harmless_operations()
    assert {"MatMul", "Conv2D", "StatefulPartitionedCall"} <= names
    hostile = (
        "ReadFile WriteFile PyFunc EagerPyFunc PyFuncStateless SaveV2 RestoreV2 ImmutableConst"
    )
    assert not names & set(hostile.split())


@pytest.mark.parametrize("operation", ["PyFuncStateless", "ImmutableConst", "PrintV2", "Unheard"])
def test_the_operation_and_its_place_are_named(operation: str) -> None:
    with pytest.raises(UnsafeModelError) as caught:
        check_saved_model(honest(inside=[node(operation)]), "m")
    assert caught.value.found == operation
    assert SERVE in caught.value.rule


def test_an_older_one_is_told_what_to_do() -> None:
    old = b"\x08\x01" + field(2, field(2, field(1, node("Relu"))))
    with pytest.raises(ModelFileError, match="load an older one in TensorFlow and save it again"):
        check_saved_model(old, "m")


def test_every_occurrence_counts() -> None:
    bad = field(1, field(1, node("WriteFile")))
    twice = b"\x08\x01" + field(2, field(2, bad[2:]) + honest()[4:])
    with pytest.raises(ModelFileError):
        check_saved_model(twice, "m")
    two_names = field(2, "Relu") + field(2, "WriteFile") + field(2, "Relu")
    with pytest.raises(UnsafeModelError, match="WriteFile"):
        check_saved_model(honest(inside=[two_names]), "m")


def test_a_function_without_a_name_counts() -> None:
    with pytest.raises(UnsafeModelError, match="WriteFile"):
        check_saved_model(honest(more=[field(3, node("WriteFile"))]), "m")


def test_a_function_of_the_outermost_graphs_name() -> None:
    data = honest(outside=[node("ReadFile")], more=[function("the outermost graph", [])])
    with pytest.raises(UnsafeModelError, match="ReadFile"):
        check_saved_model(data, "m")


def test_saving_may_do_no_more_than_save() -> None:
    data = saved_model([], [function(SAVE, [node("SaveV2"), node("PyFunc")])], [SERVE])
    with pytest.raises(UnsafeModelError) as caught:
        check_saved_model(data, "m")
    assert caught.value.found == "PyFunc"


def test_a_function_deep_in_arguments_counts() -> None:
    value = field(10, field(1, SAVE))
    for _ in range(5):
        value = field(10, field(1, "f") + field(2, field(1, "g") + field(2, value)))
    deep = field(2, "PartitionedCall") + field(5, field(1, "f") + field(2, value))
    with pytest.raises(UnsafeModelError, match="SaveV2"):
        check_saved_model(honest(inside=[deep]), "m")
    for _ in range(20):
        value = field(10, field(1, "f") + field(2, field(1, "g") + field(2, value)))
    deep = field(2, "PartitionedCall") + field(5, field(1, "f") + field(2, value))
    with pytest.raises(ModelFileError, match="at most 16 deep"):
        check_saved_model(honest(inside=[deep]), "m")


def test_every_cut_is_an_error() -> None:
    whole = honest()
    for end in range(len(whole)):
        with pytest.raises(ModelFileError):
            check_saved_model(whole[:end], "m")


def test_damage_never_leaves_another_error() -> None:
    draw, whole = random.Random(14), honest()
    refused = 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            check_saved_model(bytes(data), "m")
        except ModelFileError:
            refused += 1
    assert refused > 1000


def test_too_many_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_check, "_MOST_FIELDS", 1000)
    check_saved_model(honest(), "m")
    with pytest.raises(ModelFileError, match="must have at most 1,000 fields"):
        check_saved_model(honest(inside=[node("Relu")] * 400), "m")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x0a", "a number of a message must end within it"),
        (b"\xff" * 11, "after at most 10 bytes"),
        (
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "must have the 18446744073709551615 bytes",
        ),
        (b"\x0a\x02x", "field 1 must have the 2 bytes"),
        (b"\x09\x00", "field 1 must have the 8 bytes"),
        (b"\x0b", "wire type must be 0, 1, 2 or 5; is 3"),
        (b"\x02\x00", "field 0 must"),
    ],
)
def test_what_is_no_message(data: bytes, sentence: str) -> None:
    with pytest.raises(ModelFileError, match=sentence):
        list(ProtobufReader(10).fields(memoryview(data)))
