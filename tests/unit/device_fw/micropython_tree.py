"""A folder that looks like MicroPython's source to makefiles and to names."""

from __future__ import annotations

from pathlib import Path

PY_MK = "PY_CORE_O_BASENAME = $(addprefix py/,\\\n\tvm.o \\\n\tgc.o \\\n\tasmarm.o \\\n\t)\n"


def make_micropython(folder: Path) -> Path:
    (folder / "py").mkdir(parents=True)
    (folder / "py" / "py.mk").write_text(PY_MK, encoding="utf-8")
    return folder
