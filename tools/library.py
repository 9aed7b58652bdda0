"""Write the loader as a C library: xipnet.c, xipnet.h, what build systems want.

python -m tools.library [FOLDER]

All headers become one, all sources become one, as users of SQLite know it: `docs/LIBRARY.md`.
Names that two sources have for themselves are told apart on the way, `put` of xn_frame.c as
`put_of_frame`: in one file they would be one.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from device_fw.build.sources import (
    BLOB_INCLUDE_DIR,
    CORE_DIR,
    FIRMWARE_DIR,
    core_files,
    vendor_files,
)
from tools.tree import ROOT

_LIBRARY_DIR = FIRMWARE_DIR / "library"
_PACKAGE_DIR = _LIBRARY_DIR / "package"
_PLACES = (CORE_DIR, _LIBRARY_DIR, ROOT / "relocatable" / "export", BLOB_INCLUDE_DIR)

# What loads and runs models; the rest is the store and the server.
_MODEL = (
    *("base/xn_reason.c", "base/xn_status.c", "base/xn_sha256.c"),
    *("model/xn_scan.c", "model/xn_loader.c", "xn_model.c", "xn_model_load.c"),
)
# Headers for the programs of others; with each come those that it includes.
_MODEL_API = ("model/xn_loader.h", "xn_model.h", "xn_cpu.h", "xn_model_load.h")
_SERVER_API = (
    *("base/xn_port.h", "base/xn_error.h", "link/xn_link.h", "rpc/xn_server.h"),
    *("model/xn_pool.h", "model/xn_active.h", "model/xn_image.h", "store/xn_store.h"),
)

_OWN_INCLUDE = re.compile(r'^#include "(?!vendor/)([^"]+)"\n', re.M)
_SYSTEM_INCLUDE = re.compile(r"^#include (<[^>]+>)\n", re.M)
# In the order in which they are looked for: what is left as it is, then names.
_TOKEN = re.compile(
    r'//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|(?:\.|->)\s*\w+|\b[A-Za-z_]\w*'
)
_OWN_NAME = re.compile(
    r"^static [^;={(]*?(\w+)(?=\s*[\[(;=])"  # functions and variables
    r"|^#define (\w+)"
    r"|^typedef [^;{]*?(\w+) \{"
    r"|^\} (\w+)(?:\[\w*\])?(?= =|;)",
    re.M,
)
_ENUMERATORS = re.compile(r"^enum \w* ?\{([^}]*)\}", re.M)
_HEAD = """\
// libxipnet {version}: neural networks as files, loaded and run where they lie.
//
// One file made of many by `make library` in the source tree, where each has its own; change them
// there. docs/LIBRARY.md is its page.
//
// SPDX-License-Identifier: MIT
"""


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def version() -> str:
    """Return the firmware's version, "0.1.0"."""
    text = _read(CORE_DIR / "base" / "xn_version.h")
    return ".".join(re.findall(r"define XN_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))


def library_files() -> dict[str, str]:
    """Write the library.

    Returns:
        Path in its folder -> text: `xipnet.h`, `xipnet.c`, the files of build systems, examples.
    """
    head = _HEAD.format(version=version())
    files = {"src/xipnet.h": head + _header(), "src/xipnet.c": head + _source()}
    for path in vendor_files(lockable=True):
        for file in (path, path.with_suffix(".h")):
            files[f"src/{file.relative_to(FIRMWARE_DIR).as_posix()}"] = _read(file)
    for path in sorted(path for path in _PACKAGE_DIR.rglob("*") if path.is_file()):
        name = path.relative_to(_PACKAGE_DIR).as_posix()
        files[name] = _read(path).replace("@VERSION@", version())
    for name in ("string.c", "string.h"):  # for compilers without a C library
        files[f"examples/bare/libc/{name}"] = _read(FIRMWARE_DIR / "libc" / name)
    files["LICENSE"] = _read(ROOT / "LICENSE")
    return files


def write_library(folder: Path) -> list[Path]:
    """Write the library into a folder; return what was written."""
    written = []
    for name, text in library_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


# ---- Many files as one ---------------------------------------------------------------------------


def _header() -> str:
    model = _closed(map(_find, _MODEL_API))
    server = [path for path in _closed(map(_find, _SERVER_API)) if path not in model]
    body = f"""\
{_joined(model)}
#if XIPNET_SERVER

{_joined(server)}
#endif // XIPNET_SERVER
"""
    return f"""\
#ifndef XIPNET_H
#define XIPNET_H

#ifndef XIPNET_SERVER
#define XIPNET_SERVER 0 // 1: with the store and the server, for programs that give xn_port_*()
#endif
#ifndef XN_LOCKABLE
#define XN_LOCKABLE 0 // 1: the server takes sealed models; needs vendor/
#endif

{_system(body)}
#ifdef __cplusplus
#define _Static_assert static_assert
extern "C" {{
#endif

{_SYSTEM_INCLUDE.sub("", body)}
#ifdef __cplusplus
}}
#undef _Static_assert
#endif

#endif // XIPNET_H
"""


def _source() -> str:
    public = set(_closed(map(_find, (*_MODEL_API, *_SERVER_API))))
    model = [_find(name) for name in _MODEL]
    rest = [path for path in core_files(lockable=True) if path not in model]
    server = [path for path in rest if path.parent.name != "trust"]
    trust = [path for path in rest if path.parent.name == "trust"]
    first = _private(model, public)
    shared = _private(rest, public | set(first))
    own = _own_names([*model, *rest])
    body = f"""\
{_joined(first)}
{_joined(model, own)}
#if XIPNET_SERVER

{_joined(shared)}
{_joined(server, own)}
#if XN_LOCKABLE

{_joined(trust, own)}
#endif // XN_LOCKABLE
#endif // XIPNET_SERVER
"""
    return f"""\
#include "xipnet.h"

{_system(body)}
#if defined(__GNUC__) // inline functions of headers are some of this file's now
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

{_SYSTEM_INCLUDE.sub("", body)}"""


def _system(text: str) -> str:
    """Return the includes of C's own headers, each once."""
    return "".join(f"#include {name}\n" for name in sorted(set(_SYSTEM_INCLUDE.findall(text))))


def _find(name: str) -> Path:
    """Return the file that an include names.

    Raises:
        FileNotFoundError: there is none in the library.
    """
    for place in _PLACES:
        if (place / name).is_file():
            return place / name
    raise FileNotFoundError(name)


def _included(path: Path) -> Iterator[Path]:
    for name in _OWN_INCLUDE.findall(_read(path)):
        yield _find(name)


def _closed(paths: Iterable[Path], but: Iterable[Path] = ()) -> list[Path]:
    """Return the files and all that they include, each behind those that it includes."""
    order: list[Path] = []

    def add(path: Path) -> None:
        if path in order or path in but:
            return
        for included in _included(path):
            add(included)
        order.append(path)

    for path in paths:
        add(path)
    return order


def _private(sources: Iterable[Path], but: Iterable[Path]) -> list[Path]:
    headers = [header for source in sources for header in _included(source)]
    return _closed(headers, but)


def _joined(paths: Iterable[Path], own: dict[str, set[Path]] | None = None) -> str:
    return "\n".join(_text(path, own or {}) for path in paths)


def _text(path: Path, own: dict[str, set[Path]]) -> str:
    text = _OWN_INCLUDE.sub("", _read(path))
    taken = {name for name, owners in own.items() if path in owners and len(owners) > 1}

    def told_apart(match: re.Match[str]) -> str:
        name = match.group()
        if name not in taken:
            return name
        room = path.stem.removeprefix("xn_")
        return f"{name}_OF_{room.upper()}" if name.isupper() else f"{name}_of_{room}"

    bar = "-" * max(8, 90 - len(path.name))
    return f"// {bar} {path.name}\n\n{_TOKEN.sub(told_apart, text).strip()}\n"


def _own_names(paths: Iterable[Path]) -> dict[str, set[Path]]:
    """Return the names that sources have for themselves -> those sources."""
    owners: dict[str, set[Path]] = defaultdict(set)
    for path in paths:
        text = _read(path)
        for groups in _OWN_NAME.findall(text):
            for name in filter(None, groups):
                owners[name].add(path)
        for body in _ENUMERATORS.findall(text):
            for name in re.findall(r"[A-Z]\w+", re.sub("//.*", "", body)):
                owners[name].add(path)
    return owners


def main() -> int:
    """Write the library into the folder that the command line names."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "libxipnet"
    for path in write_library(folder):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
