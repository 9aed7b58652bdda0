"""Instructions of a run by several schemes, counted by a virtual board."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from benchmarks import _counter
from host_sdk.cli import main
from host_sdk.converting.write_tflite import TfliteWriter
from host_sdk.inference.model_source import compile_tflite, open_model
from host_sdk.quantizing.instructions import InstructionCounter
from tests.conftest import MODELS_DIR
from tests.sim.conftest import EXAMPLES

pytestmark = pytest.mark.sim


def test_what_the_clock_counts_are_the_instructions_that_qemu_executes() -> None:
    model = open_model(MODELS_DIR / "tiny8k_int8.tflite")
    blob = compile_tflite(model, None, "cortex-m4")
    with InstructionCounter("cortex-m4") as counter:
        counted = counter.count(blob)
        again = counter.count(blob)
    executed, profile = _counter.count("cortex-m4", blob)
    # It runs twice there: as the golden vector, and for the profile.
    assert counted == pytest.approx(sum(i.count for i in executed) / 2, rel=0.05)
    # A step may begin just before or just behind a tick of the clock.
    told = 1000 * sum(row.us for row in profile.rows)
    assert counted == pytest.approx(told, abs=1000 * len(profile.rows))
    assert again == pytest.approx(told, abs=1000 * len(profile.rows))


def test_the_table_has_them() -> None:
    folder = EXAMPLES / "caffe_digits"
    arguments = [
        "quantize",
        str(folder / "digits8.prototxt"),
        "--data",
        str(folder / "digits8.npz"),
    ]
    arguments += ["--limit", "20", "--scheme", "float32", "--scheme", "qmn", "--instructions"]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    floats, integers = (row["instructions"] for row in json.loads(done.stdout))
    assert 0 < integers < floats < 1_000_000
    shown = CliRunner().invoke(main, arguments).output
    for name, count in (("float32", floats), ("qmn", integers)):
        found = re.search(rf"^{name}\b.* (\d[\d,]*,000) ", shown, re.M)
        assert found, shown
        assert abs(int(found[1].replace(",", "")) - count) <= 5000


def test_what_does_not_fit_is_not_counted() -> None:
    w = TfliteWriter()
    x, y = w.tensor("x", (1, 3000, 1000)), w.tensor("y", (1, 3000, 1000))
    w.operator("RELU", [x], [y])
    blob = compile_tflite(open_model(w.finish({"x": x}, {"y": y}, "large")), None, "cortex-m4")
    with InstructionCounter("cortex-m4") as counter:
        assert counter.count(blob) is None
