"""One-operator cases by number: each is made by a random generator of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pytest

from relocatable.graph.graph import Graph
from relocatable.ops import OPERATORS
from tests.make_tflite import make_tflite
from tests.numeric.harness import Array, inputs_of, sample
from tests.sampling import draw_numbers, runs_all, shuffled

# Cases of each operator x element type: on this machine, and on each virtual one.
COUNT = 60
MACHINE_COUNT = 4
SHARD = 20  # that one test builds at once


@dataclass(frozen=True)
class Case:
    """A case: all of it follows from these three.

    Attributes:
        kind: of the operator.
        dtype: element type that its samples are asked for, most often the first input's.
        number: of the sample.
    """

    kind: str
    dtype: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.dtype}, --case {self.number}"

    def make(self) -> tuple[Graph, bytes, list[Array]]:
        """Draw the operator and its inputs; the bytes are its .tflite."""
        rng = np.random.default_rng([self.number, crc32(f"{self.kind} {self.dtype}".encode())])
        graph = sample(rng, self.kind, self.dtype)
        return graph, make_tflite(graph), inputs_of(rng, graph)


@dataclass(frozen=True)
class Shard:
    """Cases that are built at once.

    Attributes:
        cases: in any order.
        target: CPU that they are compiled for.
        name: the test's parameter.
    """

    cases: tuple[Case, ...]
    target: str
    name: str

    def __str__(self) -> str:
        return self.name


PAIRS = [(operator.kind, dtype) for operator in OPERATORS.values() for dtype in operator.samples]
_NAMES = {f"{kind}-{dtype}".replace(" ", "_"): (kind, dtype) for kind, dtype in PAIRS}


def shards(config: pytest.Config) -> list[Shard]:
    """List what a run tries on this machine."""
    if runs_all(config) and config.getoption("--case") is None:
        return [
            _shard(name, range(begin, begin + SHARD))
            for name in _NAMES
            for begin in range(0, COUNT, SHARD)
        ]
    most = config.getoption("--sample-size") - _sampled_on_machines(config)
    drawn = draw_numbers(config, list(_NAMES), COUNT, most)
    return [_shard(name, drawn[name]) for name in _NAMES if drawn[name]]


def _sampled_on_machines(config: pytest.Config) -> int:
    """Count the sample's cases on virtual machines: what is left of its size."""
    size = int(config.getoption("--sample-size"))
    return min(len(PAIRS), size - len(PAIRS) if size > len(PAIRS) else size // 2)


def _shard(name: str, numbers: Sequence[int]) -> Shard:
    text = "+".join(map(str, numbers)) if len(numbers) < 4 else f"{numbers[0]}..{numbers[-1]}"
    return Shard(tuple(Case(*_NAMES[name], i) for i in numbers), "host", f"{name}-{text}")


def machine_shards(
    config: pytest.Config, targets: Sequence[str], everything: bool = False
) -> list[Shard]:
    """List what a run tries on virtual machines, each operator of a sample on one."""
    one = config.getoption("--case")
    if everything or runs_all(config) or one is not None:
        numbers: Iterable[int] = range(MACHINE_COUNT) if one is None else (one,)
        return [
            Shard(tuple(Case(*pair, i) for pair in PAIRS), target, f"{target}-{i}")
            for i in numbers
            for target in targets
        ]
    names = shuffled(config, list(_NAMES), "machines")[: _sampled_on_machines(config)]
    numbers_of = draw_numbers(config, names, COUNT, len(names))
    return [
        Shard(
            tuple(Case(*_NAMES[name], *numbers_of[name]) for name in names[i :: len(targets)]),
            *(target, target),
        )
        for i, target in enumerate(targets)
    ]


def record_cases(record: Callable[[str, object], None], shard: Shard, wrong: int) -> None:
    """Note in pytest's report what a test tried, for the proof's page.

    Args:
        record: pytest's `record_property`.
        shard: what was tried.
        wrong: cases that differed.
    """
    counts = Counter((shard.target, case.kind, case.dtype) for case in shard.cases)
    for (target, kind, dtype), count in counts.items():
        record("cases", f"{target}; {count}; {dtype}; {kind}")
    record("differences", wrong)
