"""A blob in this process: code is never writable and executable at once."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from relocatable.blob.blob import Blob, Entry, Io, Variant
from relocatable.blob.host import HostModel
from relocatable.codegen.toolchain import build_code
from relocatable.errors import RunError
from relocatable.targets import TARGETS, host_family

TEXT = """#include "blob/include/xn_blob.h"
int32_t xn_step_0(const xn_ctx *ctx);
int32_t xn_step_0(const xn_ctx *ctx) { ctx->arena[16] = ctx->arena[0] + 1; return 0; }
"""


@pytest.fixture(scope="module")
def blob() -> bytes:
    code = build_code(TEXT, TARGETS["host"], 1, "speed")
    variant = Variant(host_family(), 0, 0, code.code, b"", code.step_offsets, 32, code.stack_bytes)
    return Blob((variant,), (Io(0, 16),), (Io(16, 16),), (Entry(0, 1),)).pack()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_code_is_executable_or_writable_never_both(blob: bytes) -> None:
    with HostModel(blob) as model:
        at = ctypes.cast(cast(Any, model._steps[0]), ctypes.c_void_p).value
        assert at is not None
        rows = [row.split() for row in Path("/proc/self/maps").read_text().splitlines()]
        spans = [([int(end, 16) for end in row[0].split("-")], row[1]) for row in rows]
        assert [how[:3] for (start, end), how in spans if start <= at < end] == ["r-x"]
        model.run()


def test_a_closed_model_says_so(blob: bytes) -> None:
    model = HostModel(blob)
    model.close()
    with pytest.raises(RunError, match="must be open; is closed"):
        model.run()
