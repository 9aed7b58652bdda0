"""The front end before a network: its features, and what it is refused for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relocatable.blob.blob import Blob
from relocatable.compile import compile_model
from relocatable.errors import HeadError
from relocatable.front_ends import with_front_end
from relocatable.graph.graph import Graph, Quant
from relocatable.heads import load_head
from tests.make_graph import GraphBuilder
from tests.numeric.microfrontend import VECTORS, features_of_blob
from tests.variables import streaming_model

DESCRIPTION: dict[str, Any] = {"head": "audio", "audio": {}, "sound": {"front_end": "micro"}}


def input_graph(*shape: int, dtype: str = "int8", quant: Quant | None = None) -> Graph:
    """Make a network that gives out its input."""
    b = GraphBuilder()
    return b.graph(b.input(*shape, dtype=dtype, quant=quant))


def test_every_feature_is_that_of_the_package() -> None:
    with np.load(VECTORS) as vectors:
        sound, expected = vectors["sound"], vectors["features"]
    assert len(np.unique(expected)) > 100
    np.testing.assert_array_equal(features_of_blob(sound), expected)


def test_sound_is_the_first_input() -> None:
    blob = Blob.unpack(
        compile_model(streaming_model(features=40), target="host", head=DESCRIPTION, golden=False)
    )
    (samples,) = blob.metadata["inputs"]
    assert (samples["name"], samples["dtype"], samples["shape"]) == ("samples", "int16", [480])
    assert blob.metadata["head"]["front_end"] == "micro"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, r"\[sound\] front_end must be given; is missing"),
        ({"front_end": "mel"}, r"\[sound\] front_end must be one of micro; is 'mel'"),
        ({"front_end": "micro", "step": 20}, r"\[sound\] step must be one of"),
    ],
)
def test_a_wrong_table_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(HeadError, match=message):
        load_head({**DESCRIPTION, "sound": table})


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (Graph("none", (), (), (), ()), "must be for a model with an input; has none"),
        (input_graph(1, 3, 32, quant=Quant((0.1,), (-128,))), r"input of 40 features of 1 to 8"),
        (input_graph(1, 360, quant=Quant((0.1,), (-128,))), r"features of 1 to 8 windows; 't0' is"),
        (input_graph(1, 3, 40, dtype="float32"), "must be for an int8 input .* is float32, no"),
        (input_graph(1, 3, 40), "must be for an int8 input with one scale; .* int8, no scale"),
    ],
)
def test_an_input_of_something_else_is_refused(graph: Graph, message: str) -> None:
    with pytest.raises(HeadError, match=message):
        with_front_end(graph)
