"""Check that the rooms of the core include one another in one direction only."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["complaints", "main"]

ROOT = Path(__file__).resolve().parent.parent

# Each room, and the rooms that it may include beside itself. No room knows a board or MicroPython.
# vendor is device_fw/vendor, what others wrote.
ROOMS: dict[str, frozenset[str]] = {
    "base": frozenset(),
    "link": frozenset({"base"}),
    "trust": frozenset({"base", "vendor"}),
    "store": frozenset({"base", "trust"}),
    "model": frozenset({"base", "trust", "store"}),
    "rpc": frozenset({"base", "link", "trust", "store", "model"}),
}

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def complaints(core: Path) -> Iterator[str]:
    """Yield a line for each include in the folder `core` that points the wrong way."""
    for path in sorted(core.rglob("*.[ch]")):
        room = path.relative_to(core).parts[0]
        if room not in ROOMS:
            yield f"{path}: no room is called {room}"
            continue
        for included in _INCLUDE.findall(path.read_text(encoding="utf-8")):
            to = included.partition("/")[0]
            if included != "xn_blob.h" and to != room and to not in ROOMS[room]:
                yield f"{path}: {room} must not include {included}"


def main() -> list[str]:
    """Check the firmware's core; return the complaints."""
    return list(complaints(ROOT / "device_fw" / "core"))


if __name__ == "__main__":
    found = main()
    print("\n".join(found))
    sys.exit(1 if found else 0)
