"""An operator is one folder: a copy of the tree takes, documents, sweeps SIGN."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from relocatable.ops import OPERATORS
from tests.conftest import ROOT

_PYTHON = '''
"""SIGN of floats."""

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops.operator import Kernel, Operand, Operator, samples
from relocatable.steps.c_call import CCall, Input, Output

TYPES = ("float32",)


def lower_signum(site):
    """Lower a sign."""
    call = CCall("xn_signum", (Input(0), Output()), {"count": site.count})
    return site.call("signum/signum.c", call, in_place=(0,), rows=site.value_rows)


def sample(rng, dtype):
    b = GraphBuilder()
    x = b.input(1, 5, int(rng.integers(1, 9)), 3, dtype=dtype)
    return b.graph(b.op("SIGN", (x,), b.tensor(*b.tensors[x].shape, dtype=dtype)))


OPERATORS = (
    Operator(
        kind="SIGN",
        operands=(Operand("input", TYPES),),
        output=TYPES,
        shape=kept_shape,
        kernels=(Kernel(lower_signum),),
        evaluate=lambda node, inputs: np.sign(inputs[0]),
        version=1,
        samples=samples(sample, TYPES),
    ),
)
'''

_C = """
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signum_params {
    int32_t count;
} xn_signum_params;

XN_KERNEL void xn_signum(const float *in, float *out, const xn_signum_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = (float)((in[i] > 0.0f) - (in[i] < 0.0f));
    }
}
"""

_COMPILE = """
import numpy as np
from relocatable import Blob, compile_model
from relocatable.ops import OPERATORS
from tests.make_tflite import make_tflite

model = make_tflite(OPERATORS["SIGN"].samples["float32"](np.random.default_rng(1), "float32"))
for target in ("host", "cortex-m4"):
    blob = Blob.unpack(compile_model(model, target=target))
    print([step["op"] for step in blob.metadata["steps"]])
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy what compiles, documents and tests, and add one new folder."""
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("relocatable", "host_sdk", "tests", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "exactness.toml", tmp_path / "docs")
    signum = tmp_path / "relocatable" / "ops" / "signum"
    signum.mkdir()
    (signum / "__init__.py").write_text(_PYTHON, encoding="utf-8")
    (signum / "signum.c").write_text(_C, encoding="utf-8")
    return tmp_path


def run(tree: Path, *arguments: str) -> str:
    """Run Python in the copy."""
    environment = os.environ | {"PYTHONPATH": str(tree)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.heavy
def test_one_new_folder_is_an_operator(tree: Path) -> None:
    assert run(tree, "-c", _COMPILE).splitlines() == ["['SIGN']"] * 2
    page = run(tree, "-m", "tools.ops_page")
    assert "\n## SIGN\n\n- input and output must be float32\n" in page
    swept = run(tree, "-m", "pytest", "-q", "tests/numeric/test_sweep.py", "-k", "SIGN-float32")
    assert "1 passed" in swept


def test_no_other_room_names_an_operator() -> None:
    """Passes and front ends know operators by name; the rest asks the registry."""
    kinds = "|".join(OPERATORS)
    for path in (ROOT / "relocatable").rglob("*.py"):
        if not {"ops", "passes", "front_ends"} & set(path.relative_to(ROOT / "relocatable").parts):
            found = re.findall(rf'"(?:{kinds})"', path.read_text(encoding="utf-8"))
            assert found == [], path
