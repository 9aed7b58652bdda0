"""Write `build.ninja`: what is made from what, and how.

It is written whenever a firmware is asked for, and ninja reads it: what all commands have in common
is in it once.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from ninja.ninja_syntax import Writer

from device_fw.build.flags import (
    NO_WARNINGS,
    OWN_WARNINGS,
    PREPROCESS,
    VM_WARNINGS,
    Plan,
    compiler_command,
    kept_runtime,
    link_command,
    object_name,
    runtime_command,
    source_flags,
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
    out.variable("compiler", command_line(compiler_command(plan)))
    _write_rules(out, plan)
    headers = _write_headers(out, plan)
    objects = [
        *_write_runtime(out, plan),
        *_write_objects(out, plan, plan.sources.own, OWN_WARNINGS, []),
        *_write_objects(out, plan, plan.sources.vm, VM_WARNINGS, headers),
        *_write_objects(out, plan, plan.sources.plain, NO_WARNINGS, headers),
    ]
    linked = str(plan.work / "linked.elf")
    scripts = [str(plan.linker_script), *map(str, sorted(FIRMWARE_DIR.rglob("*.ld")))]
    out.build([linked], "link", objects, implicit=[zig(), *scripts])
    size = Path(__file__).with_name("size.py")
    toml = plan.board.path
    out.build([str(plan.elf)], "size", [linked], implicit=[str(size), str(toml)])
    return text.getvalue()


def _write_rules(out: Writer, plan: Plan) -> None:
    python = command_line([sys.executable, "-m"])
    preprocess = f"$compiler {command_line(PREPROCESS)}"
    out.rule("preprocess", f"{preprocess}{_MAKE_DEPFILE} $in -o $out", depfile="$out.d", deps="gcc")
    if plan.micropython is not None:
        names = str(plan.work / "names.in")
        generate = command_line([str(plan.micropython), str(plan.work / "genhdr"), names])
        out.rule(
            "headers",
            f"{python} device_fw.build.generate {generate} -- {preprocess}",
            rspfile=names,
            rspfile_content="$in_newline",
            restat=True,
        )
    compile_ = f"$compiler $flags{_MAKE_DEPFILE} -c $in -o $out"
    out.rule("compile", compile_, depfile="$out.d", deps="gcc")
    runtime = command_line(runtime_command(plan))
    out.rule("runtime", f"{python} device_fw.build.runtime $kept $out -- {runtime}")
    link = command_line(link_command(plan))
    out.rule(
        "link",
        f"{link} -Map=$out.map @$out.in -o $out",
        rspfile="$out.in",
        rspfile_content="$in_newline",
    )
    limit = command_line(["--max", str(plan.board.text_max)])
    out.rule("size", f"{python} device_fw.build.size $in $out {limit}")


def _write_runtime(out: Writer, plan: Plan) -> list[str]:
    """Write how the compiler's own functions are made; return the object's path."""
    output = str(plan.work / "objects" / "compiler_rt.o")
    step = str(Path(__file__).with_name("runtime.py"))
    kept = {"kept": command_line([str(kept_runtime(plan))])}
    out.build([output], "runtime", implicit=[zig(), step], variables=kept)
    return [output]


def _write_headers(out: Writer, plan: Plan) -> list[str]:
    """Write how the headers are made that MicroPython generates; return their paths."""
    if plan.micropython is None:
        return []
    preprocessed, compiler = [], zig()
    for source in plan.sources.vm:
        output = f"{plan.work}/names/{object_name(plan, source)}.i"
        out.build([output], "preprocess", [str(source)], [compiler])
        preprocessed.append(output)
    headers = [str(plan.work / "genhdr" / name) for name in _HEADERS]
    scripts = sorted((plan.micropython / "py").glob("make*.py"))
    words = plan.micropython / "py" / "qstrdefs.h"
    own = Path(__file__).with_name("generate.py")
    out.build(headers, "headers", preprocessed, implicit=[str(p) for p in (own, *scripts, words)])
    return headers


def _write_objects(
    out: Writer, plan: Plan, sources: Sequence[Path], warnings: Sequence[str], first: list[str]
) -> list[str]:
    """Write how sources are compiled after `first`; return the objects' paths."""
    objects, compiler = [], zig()
    for source in sources:
        name = object_name(plan, source)
        output = f"{plan.work}/objects/{name}.o"
        flags = {"flags": command_line((*warnings, *source_flags(plan.board, name)))}
        out.build([output], "compile", [str(source)], [compiler], first, flags)
        objects.append(output)
    return objects
