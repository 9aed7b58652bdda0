"""Runs benchmarks and writes their tables into docs/BENCHMARKS.md.

    python -m benchmarks                 # all
    python -m benchmarks instructions    # one

A benchmark is a module of this folder with a docstring (what is measured, and how) and a function
`table() -> str` that measures and returns a Markdown table.
"""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PAGE = FOLDER.parent / "docs" / "BENCHMARKS.md"
NAMES = sorted(p.stem for p in FOLDER.glob("*.py") if not p.stem.startswith("_"))


def section(name: str) -> str:
    """Measures, and returns a benchmark's section of the page."""
    module = importlib.import_module(f"benchmarks.{name}")
    text = (module.__doc__ or "").strip()
    return f"## {name}\n\n{text}\n\n    python -m benchmarks {name}\n\n{module.table().strip()}\n"


def write(name: str, text: str) -> None:
    """Put a section in place of the old one; keep the alphabetical order."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Benchmarks\n"
    head, *parts = re.split(r"^(?=## )", old, flags=re.M)
    sections = {p.splitlines()[0][3:]: p.strip() + "\n" for p in parts}
    sections[name] = text
    body = "\n".join(sections[key] for key in sorted(sections))
    PAGE.write_text(f"{head.strip()}\n\n{body}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    wanted = parser.parse_args().names or NAMES
    for name in wanted:
        if name not in NAMES:
            parser.error(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
        text = section(name)
        print(text, flush=True)
        write(name, text)


if __name__ == "__main__":
    main()
