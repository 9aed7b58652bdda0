"""The process that compiles mutants, within seconds and megabytes.

A request is a line: the number of a mutant, or a file. A reply is a line of JSON.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from host_sdk.errors import ModelFileError
from host_sdk.validation.litert import Reference, differs
from relocatable.blob.host import HostModel
from relocatable.codegen.emit_c import emit_c, pack_weights
from relocatable.compile import Optimize, compile_model, plan_network, read_network
from relocatable.errors import ModelError, RelocatableError, RunError, UnsupportedError
from relocatable.graph.graph import GraphError
from tests.fuzz.mutants import mutant

SECONDS, MEGABYTES = 10, 1000  # of the processor, and of this process
WHOLE = 100  # of so many mutants one is compiled by the C compiler, and run beside LiteRT
_TYPED = (ModelError, UnsupportedError, GraphError, RunError)
_TARGETS = ("cortex-m55", "cortex-m4", "cortex-m0plus", "host")


class TooSlow(BaseException):
    """Raised by the alarm."""


def fate_of(data: bytes, number: int) -> str:
    """Compile a mutant; say what became of it.

    Args:
        data: the file.
        number: chooses the target and how much is done.

    Returns:
        "taken", "refused", "as LiteRT" or "not for LiteRT"; or, beginning with "WRONG", what must
        not be.
    """
    try:
        if number % WHOLE == 0:
            return _compare(data)
        optimize: Optimize = "ram" if number % 20 == 1 else "speed"
        target = _TARGETS[number % len(_TARGETS)]
        program = plan_network(read_network(data), target, optimize)
        _, offsets = pack_weights(program.graph, program.calls[0])
        emit_c(program.graph, program.calls[0], program.plan, offsets)
    except _TYPED:
        return "refused"
    except TooSlow:
        return f"WRONG: slow in {_place(sys.exc_info()[2])}"
    except BaseException as error:
        kind = "untyped " if not isinstance(error, RelocatableError) else ""
        return f"WRONG: {kind}{type(error).__name__} in {_place(error.__traceback__)}: {error}"
    return "taken"


def _place(trace: Any) -> str:
    """Name the innermost lines of this project."""
    frames = [f for f in traceback.extract_tb(trace) if "relocatable" in f.filename]
    return " < ".join(f"{Path(f.filename).stem}:{f.lineno}" for f in reversed(frames[-3:]))


def _compare(data: bytes) -> str:
    """Compile a mutant for this machine, and run it beside LiteRT."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))  # Clang's own is another matter
    try:
        blob = compile_model(data, target="host")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    rng = np.random.default_rng(5)
    with HostModel(blob) as model:
        inputs = [_values(rng, port) for port in model.blob.metadata["inputs"]]
        model.write_inputs(inputs)
        model.run()
        actual = list(model.outputs())
    try:
        with Reference(data, seconds=60) as reference:
            expected = reference.run(inputs)
    except ModelFileError:
        return "not for LiteRT"
    for i, (x, y) in enumerate(zip(actual, expected, strict=True)):
        if x.dtype != y.dtype or x.size != y.size or differs(x.reshape(y.shape), y):
            return f"WRONG: differs from LiteRT at output {i}"
    return "as LiteRT"


def _values(rng: np.random.Generator, port: dict[str, Any]) -> Any:
    dtype = np.dtype(port["dtype"])
    if dtype.kind == "f":
        return rng.normal(size=port["shape"]).astype(dtype)
    raw = rng.integers(0, 256, (*port["shape"], dtype.itemsize), np.uint8)
    values = raw.view(dtype).reshape(port["shape"])
    return values % 2 == 1 if dtype.kind == "b" else values


def _alarm(*_: object) -> None:
    raise TooSlow


def _answer(line: str) -> dict[str, Any]:
    number, _, path = line.partition(" ")
    data = Path(path).read_bytes() if path else mutant(int(number))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    begin = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        fate = fate_of(data, int(number))
    except TooSlow:
        fate = "WRONG: slow"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    peak = next(
        int(text.split()[1]) // 1000
        for text in Path("/proc/self/status").read_text().splitlines()
        if text.startswith("VmHWM")
    )
    seconds = round(time.process_time() - begin, 2)
    return {"fate": fate, "seconds": seconds, "megabytes": peak, "bytes": len(data)}


def main() -> None:
    """Answer requests until the other side closes."""
    signal.signal(signal.SIGPROF, _alarm)
    limit = MEGABYTES * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    for line in sys.stdin:
        print(json.dumps(_answer(line.strip())), flush=True)


if __name__ == "__main__":
    main()
