"""Check that every public C name of the firmware starts with the name of its file.

File `xn_foo.c` or `foo.c`, with its header, holds `xn_foo...` and `XN_FOO...`. Public are: every
name that a header declares, and every function and variable of a .c file that is not static. Files
`xn_foo_bar` and `xn_foo` or `xn_foo_baz` in one folder are parts of one thing, and may hold its
names.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["main", "public_names"]

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("core", "arch", "boards", "parts", "micropython", "app")

# Files whose names come from others, and from whom.
FOREIGN = {
    "core/base/xn_status.h": "the status codes: XN_OK, XN_E_...",
    "arch/cortexm/scs.h": "Arm's names of its registers",
    "micropython/mpconfigport.h": "MicroPython's configuration",
    "micropython/vm_hooks.h": "MicroPython's configuration",
    "micropython/mphalport.h": "what MicroPython asks of a port",
}
# Several files implement what these declare; a build takes one of them.
PORTS = (
    *("core/base/xn_port.h", "boards/board.h", "arch/cortexm/attend.h"),
    "micropython/scripts.h",
)
# Names that the C library and MicroPython ask for, wherever they are defined.
GIVEN = re.compile(r"(mp|gc)_\w+|main|errno|abort|nlr_jump_fail|xn_ld_\w+")

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)
_TAG = re.compile(r"\b(struct|enum|union)\s+(\w+)\s*\{")


@dataclass(frozen=True)
class Name:
    """A public name and the line that declares it."""

    text: str
    line: int


def public_names(text: str, header: bool) -> Iterator[Name]:
    """Yield the public names that a C file declares or defines, in order of kind."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())  # noqa: E731
    code = _TEXT.sub(blank, _COMMENT.sub(blank, text))
    if header:
        for match in _DEFINE.finditer(code):
            yield Name(match.group(1), _line(code, match.start(1)))
    code = _DIRECTIVE.sub(blank, code)
    for start, part in _top_level(code):
        for name in _declared(part, header):
            yield Name(name, _line(code, start))


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _top_level(code: str) -> Iterator[tuple[int, str]]:
    """Yield each declaration and definition; of a function's body nothing."""
    depth, start, body = 0, 0, -1
    for at, letter in enumerate(code):
        if letter == "{":
            depth += 1
            body = at if depth == 1 else body
        elif letter == "}":
            depth -= 1
            if depth == 0 and code[start:body].rstrip().endswith(")"):
                yield _skip_space(code, start), code[start:body]
                start = at + 1
        elif letter == ";" and depth == 0:
            yield _skip_space(code, start), code[start:at]
            start = at + 1


def _skip_space(code: str, at: int) -> int:
    return at + len(code[at:]) - len(code[at:].lstrip())


def _declared(part: str, header: bool) -> Iterator[str]:
    part = re.sub(
        r"__attribute__\s*\(\(.*?\)\)|_Noreturn|__asm__?\s*\(.*?\)", " ", part, flags=re.S
    )
    words = re.findall(r"\w+", part)
    if not words or words[0] == "_Static_assert" or (words[0] == "extern" and not header):
        return
    if declared := re.match(r"\s*MP_DECLARE_\w+\((\w+)\)", part):
        yield declared.group(1)
        return
    if not header and ("static" in words[:3] or words[0] == "typedef" or _is_registration(part)):
        return
    tag = _TAG.search(part)
    if tag and header:
        yield tag.group(2)
        if tag.group(1) == "enum":
            inside = part[tag.end() : part.index("}", tag.end())]
            yield from re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"\([^()]*\)", "", inside))
    if words[0] in ("struct", "enum", "union") and part.rstrip().endswith("}"):
        return
    yield from _declarators(part)


def _is_registration(part: str) -> bool:
    """Tell whether this is a macro call such as MP_REGISTER_MODULE(...)."""
    return re.match(r"\s*[A-Z][A-Z0-9_]*\s*\(", part) is not None


def _declarators(part: str) -> Iterator[str]:
    """Yield `a`, `b`, `c` of `type a, *b(int x), (*c)(void) = ...`."""
    part = re.sub(r"\{.*\}", "", part, flags=re.S)
    pointer = re.search(r"\(\s*\*\s*(?:const\s+)?(\w+)\s*\)", part)
    if pointer and "(" not in part[: pointer.start()]:
        yield pointer.group(1)
        return
    flat = part
    while (inner := re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", flat)) != flat:
        flat = inner
    for one in flat.split(","):
        words = re.findall(r"\w+", one.split("=")[0])
        if words:
            yield words[-1]


def _prefixes(path: Path) -> list[str]:
    """List the stems of a file: its own, and those shared with files beside it."""
    stem = path.stem.removeprefix("xn_")
    beside = {other.stem.removeprefix("xn_") for other in path.parent.glob("*.[ch]")} - {stem}
    words = stem.split("_")
    shared = ["_".join(words[:n]) for n in range(len(words) - 1, 0, -1)]
    used = [part for part in shared if any(f"{other}_".startswith(f"{part}_") for other in beside)]
    return [f"xn_{part}" for part in (stem, *used)]


def _fits(name: str, prefixes: list[str]) -> bool:
    return any(f"{name.lower()}_".startswith(f"{prefix}_") for prefix in prefixes)


def complaints(folder: Path) -> Iterator[str]:
    """Yield a line for each public name below `folder` that does not tell its file."""
    ported = {
        name.text
        for port in PORTS
        for name in public_names((folder / port).read_text(encoding="utf-8"), header=True)
    }
    for path in (path for part in FOLDERS for path in sorted((folder / part).rglob("*.[ch]"))):
        where = path.relative_to(folder).as_posix()
        if where in FOREIGN:
            continue
        own = () if path.suffix == ".h" or where.startswith("core/") else ported
        prefixes = _prefixes(path)
        for name in public_names(path.read_text(encoding="utf-8"), path.suffix == ".h"):
            known = name.text in own or GIVEN.fullmatch(name.text)
            if not known and not _fits(name.text, prefixes):
                yield f"device_fw/{where}:{name.line}: {name.text} must start with {prefixes[0]}"


def main() -> list[str]:
    """Check the firmware; return the complaints."""
    return list(complaints(ROOT / "device_fw"))


if __name__ == "__main__":
    found = main()
    print("\n".join(found))
    sys.exit(1 if found else 0)
