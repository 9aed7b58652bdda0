"""Writes `build.ninja`: what is made from what, and how."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from ninja.ninja_syntax import Writer

from device_fw.build.flags import (
    Plan,
    compile_command,
    link_command,
    object_name,
    preprocess_command,
    zig,
)
from device_fw.build.ninja import command_line
from device_fw.build.sources import FIRMWARE_DIR

__all__ = ["ninja_text"]

_MAKE_DEPFILE = " -MD -MF $out.d -MT $out"
_HEADERS = ("qstrdefs.generated.h", "moduledefs.h", "root_pointers.h")


def ninja_text(plan: Plan) -> str:
    """Return the build file of a board.

    The sources of the VM are preprocessed first, for the names in them; the headers made from these
    stay as they are unless a name changed, and so does what includes them.
    """
    text = io.StringIO()
    out = Writer(text, width=100_000)  # type: ignore[arg-type]  # a text stream, says its source
    out.variable("builddir", str(plan.work))
    _write_rules(out, plan)
    headers = _write_headers(out, plan)
    objects = []
    for source in (*plan.sources.own, *plan.sources.vm, *plan.sources.plain):
        output = str(plan.work / "objects" / f"{object_name(plan, source)}.o")
        first = [] if source in plan.sources.own else headers
        command = {"command_": command_line(compile_command(plan, source))}
        out.build([output], "compile", [str(source)], [zig()], first, command)
        objects.append(output)
    linked = str(plan.work / "linked.elf")
    scripts = [str(path) for path in sorted(FIRMWARE_DIR.rglob("*.ld"))]
    out.build([linked], "link", objects, implicit=[zig(), *scripts])
    size = Path(__file__).with_name("size.py")
    toml = plan.board.folder / "board.toml"
    out.build([str(plan.elf)], "size", [linked], implicit=[str(size), str(toml)])
    return text.getvalue()


def _write_rules(out: Writer, plan: Plan) -> None:
    python = command_line([sys.executable, "-m"])
    preprocess = command_line(preprocess_command(plan))
    out.rule("preprocess", f"{preprocess}{_MAKE_DEPFILE} $in -o $out", depfile="$out.d", deps="gcc")
    names = str(plan.work / "names.in")
    generate = command_line([str(plan.micropython), str(plan.work / "genhdr"), names])
    out.rule(
        "headers",
        f"{python} device_fw.build.generate {generate} -- {preprocess}",
        rspfile=names,
        rspfile_content="$in_newline",
        restat=True,
    )
    out.rule("compile", f"$command_{_MAKE_DEPFILE} $in -o $out", depfile="$out.d", deps="gcc")
    link = command_line(link_command(plan))
    out.rule("link", f"{link} @$out.in -o $out", rspfile="$out.in", rspfile_content="$in_newline")
    limit = command_line(["--max", str(plan.board.text_max)])
    out.rule("size", f"{python} device_fw.build.size $in $out {limit}")


def _write_headers(out: Writer, plan: Plan) -> list[str]:
    """Write how the headers are made that MicroPython generates; return their paths."""
    preprocessed = []
    for source in plan.sources.vm:
        output = str(plan.work / "names" / f"{object_name(plan, source)}.i")
        out.build([output], "preprocess", [str(source)], [zig()])
        preprocessed.append(output)
    headers = [str(plan.work / "genhdr" / name) for name in _HEADERS]
    scripts = sorted((plan.micropython / "py").glob("make*.py"))
    words = [plan.micropython / "py" / "qstrdefs.h", *FIRMWARE_DIR.glob("micropython/qstr*.h")]
    own = Path(__file__).with_name("generate.py")
    out.build(headers, "headers", preprocessed, implicit=[str(p) for p in (own, *scripts, *words)])
    return headers
