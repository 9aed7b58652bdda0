"""Head `audio`: its description, and compiled C against NumPy, over many runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from relocatable.blob.blob import Blob
from relocatable.blob.host import HostModel
from relocatable.compile import build_blob, compile_model, schedule
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Quant
from relocatable.heads import head_calls, load_head
from relocatable.heads.audio import AudioHead
from relocatable.targets import TARGETS
from tests.make_graph import GraphBuilder
from tests.variables import streaming_model

LABELS = ("noise", "yes", "no")
Array = np.ndarray[Any, Any]


def audio(labels: tuple[str, ...] = LABELS, **table: Any) -> dict[str, Any]:
    """Describe a head."""
    return {"head": "audio", "labels": labels, "audio": table}


def output_graph(count: int, dtype: str = "float32", quant: Quant | None = None) -> Graph:
    """Make a network whose output is its input: the head alone is at work."""
    b = GraphBuilder()
    return b.graph(b.input(1, count, dtype=dtype, quant=quant))


@contextmanager
def compiled(description: dict[str, Any], graph: Graph) -> Iterator[HostModel]:
    """Compile a head for this machine."""
    program = schedule(graph, load_head(description), [TARGETS["host"]])
    with HostModel(build_blob("test", program, "size").pack()) as model:
        yield model


def hear(model: HostModel, stored: Array) -> list[tuple[Any, ...]]:
    """Run the head once for each row."""
    heard = []
    for row in stored:
        model.write_inputs([row[None]])
        model.run(1)
        (item,) = model.items(1)
        heard.append(item)
    return heard


class Twin:
    """The head in NumPy and in double precision."""

    def __init__(self, head: AudioHead) -> None:
        self.head = head
        self.scores: list[Array] = []
        self.quiet_until = 0

    def run(self, values: Array) -> tuple[str, float, int]:
        head = self.head
        if head.softmax:
            finite = np.where(np.isnan(values), -np.inf, values)
            powers = np.where(finite == finite.max(), 1.0, np.exp(finite - finite.max()))
            values = np.where(np.isnan(values), 0, powers / powers.sum())
        self.scores.append(np.clip(np.nan_to_num(values, nan=0.0, posinf=1, neginf=0), 0, 1))
        window = np.array(self.scores[-head.window :])
        mean = window.mean(0)
        best = int(mean.argmax())
        thresholds = np.broadcast_to(np.array(head.threshold, np.float32), mean.shape)
        ready = len(self.scores) > self.quiet_until and len(window) >= head.minimum_count
        fires = ready and np.float32(mean[best]) > thresholds[best]
        if fires:
            self.quiet_until = len(self.scores) + head.refractory
        return head.labels[best] if head.labels else str(best), mean[best], int(fires)


def test_defaults() -> None:
    assert load_head(audio()) == AudioHead(LABELS, None, 0, 5, (0.5,), 50, 5, False)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"window": 0}, r"\[audio\] window must be a whole number in \[1, 1000\]; is 0"),
        ({"threshold": 1.5}, r"\[audio\] threshold must be in \[0, 1\]; is \[1.5\]"),
        ({"threshold": []}, r"\[audio\] threshold must be a finite number or a list"),
        ({"refractory": -1}, r"\[audio\] refractory must be a whole number"),
        ({"window": 3, "minimum_count": 4}, r"minimum_count must be a whole number in \[1, 3\]"),
        ({"softmax": 1}, r"\[audio\] softmax must be true or false"),
        ({"hop": 1}, r"\[audio\] hop must be one of"),
    ],
)
def test_a_wrong_description_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(HeadError, match=message):
        load_head(audio(**table))


@pytest.mark.parametrize(
    ("description", "graph", "message"),
    [
        (audio(), output_graph(2), r"labels must be as many as values .* \(2\); are 3"),
        (audio(threshold=[0.1, 0.2]), output_graph(3), r"threshold must be as many .* are 2"),
        (audio(output=1), output_graph(3), "output must be below 1, the model's; is 1"),
        (audio(()), output_graph(10_001), "must have at most 10000 values; 't0' has 10001"),
        (audio(("a",), softmax=True), output_graph(1), "softmax must be false for an output"),
        (audio(), output_graph(3, "int32"), "must be int8, uint8, float32; is int32"),
        (audio(), output_graph(3, "int8"), "must have a scale; has none"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(
    description: dict[str, Any], graph: Graph, message: str
) -> None:
    with pytest.raises(HeadError, match=message):
        head_calls(load_head(description), graph)


def test_a_head_that_keeps_nothing_adds_no_state() -> None:
    plain = {"head": "classify", "labels": LABELS, "classify": {}}
    graph, (call,), *_ = head_calls(load_head(plain), output_graph(3))
    assert (graph.states, len(call.outputs)) == ((), 1)


def test_it_hears_as_numpy_does() -> None:
    # Speech that comes and goes, with ties, and what is no number.
    rng = np.random.default_rng(7)
    scores = np.repeat(rng.random((30, 3)), 7, 0).astype(np.float32)
    scores[:40] = np.round(scores[:40] * 2) / 2
    odd = rng.random(scores.shape) < 0.05
    scores[odd] = rng.choice([np.nan, np.inf, -np.inf, -1.0, 3e38], odd.sum())
    scores[60:70] = np.nan
    description = audio(window=6, threshold=[1.0, 0.6, 0.4], refractory=9, minimum_count=2)
    twin = Twin(AudioHead(LABELS, None, 0, 6, (1.0, 0.6, 0.4), 9, 2, False))
    expected = [twin.run(row.astype(np.float64)) for row in scores]
    with compiled(description, output_graph(3)) as model:
        heard = hear(model, scores)
        assert sum(item[2] for item in heard) >= 5
        for item, other in zip(heard, expected, strict=True):
            assert (item[0], item[2]) == (other[0], other[2])
            assert item[1] == pytest.approx(other[1], rel=1e-6)
        model.reset_state()
        assert hear(model, scores) == heard


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_it_hears_quantised_logits(dtype: str) -> None:
    quant = Quant((0.05,), (-3 if dtype == "int8" else 120,))
    bounds = np.iinfo(dtype)
    stored = np.random.default_rng(8).integers(bounds.min, bounds.max + 1, (60, 4)).astype(dtype)
    head = AudioHead((), None, 0, 3, (0.5,), 0, 3, True)
    twin = Twin(head)
    reals = quant.scale[0] * (stored.astype(np.float64) - quant.zero_point[0])
    expected = [twin.run(row) for row in reals]
    description = audio((), window=3, refractory=0, softmax=True)
    with compiled(description, output_graph(4, dtype, quant)) as model:
        heard = hear(model, stored)
    assert 0 < sum(item[2] for item in heard) < 60
    for item, other in zip(heard, expected, strict=True):
        assert (item[0], item[2]) == (other[0], other[2])
        assert item[1] == pytest.approx(other[1], rel=3e-6)


def test_a_score_at_the_threshold_is_not_above_it() -> None:
    # 4.5 of 5 as a float is what the threshold is as a float.
    scores = np.array([[1], [1], [1], [1], [0.5], [1]], np.float32)
    with compiled(audio(("a",), threshold=0.9, refractory=0), output_graph(1)) as model:
        fired = [item[2] for item in hear(model, scores)]
    assert fired == [0, 0, 0, 0, 0, 0]
    with compiled(audio(("a",), threshold=0.89, refractory=0), output_graph(1)) as model:
        fired = [item[2] for item in hear(model, scores)]
    assert fired == [0, 0, 0, 0, 1, 1]


def test_its_state_lies_beside_the_networks() -> None:
    model = streaming_model()
    plain = Blob.unpack(compile_model(model, target="host"))
    with_head = Blob.unpack(
        compile_model(model, target="host", head=audio((), window=4, threshold=0.1))
    )
    assert plain.state is not None
    assert with_head.state is not None
    count = plain.outputs[0].size_bytes
    assert with_head.state.size_bytes >= plain.state.size_bytes + 16 + 4 * 4 * count
    with HostModel(with_head.pack()) as host:
        x = np.zeros(plain.metadata["inputs"][0]["shape"], np.int8)
        host.write_inputs([x])
        host.run(1)
        first = host.items(1), host.outputs()[0].tobytes()
        host.write_inputs([x + 9])
        host.run(1)
        host.reset_state()
        host.write_inputs([x])
        host.run(1)
        assert (host.items(1), host.outputs()[0].tobytes()) == first
