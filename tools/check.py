"""Run the project's checks, the same here and in CI.

python tools/check.py                all of them
python tools/check.py words rooms    some of them
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE, STDOUT

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import c_names, c_rooms, licences, rooms, words  # noqa: E402 (this file is run as a script)
from tools.tree import own_files  # noqa: E402

DOCS: dict[str, str] = {
    "docs/OPS.md": "tools.ops_page",
    "docs/ERRORS.md": "tools.errors_page",
    "device_fw/core/model/xn_scan_table.h": "tools.scan_table",
}


def run(*command: str) -> bool:
    """Run a tool of the virtual environment; true if it succeeded."""
    tool = str(Path(sys.executable).parent / command[0])
    done = subprocess.run(
        [tool, *command[1:]], cwd=ROOT, text=True, stdout=PIPE, stderr=STDOUT, check=False
    )
    print(done.stdout, end="")  # at once: two checks run at a time
    return done.returncode == 0


def clang_format(*flags: str) -> bool:
    """Run clang-format over all C sources."""
    return run("clang-format", *flags, *(f for f in own_files(ROOT) if f.endswith((".c", ".h"))))


def codespell() -> bool:
    """Look for typing errors in all texts."""
    texts = (".py", ".pyi", ".c", ".h", ".S", ".md", ".toml", ".sh", ".yml", "Makefile")
    return run("codespell", *(f for f in own_files(ROOT) if f.endswith(texts)))


def guard(complaints: Callable[[Path], Iterable[str]], root: Path = ROOT) -> bool:
    """Print a guard's complaints; true if there are none."""
    found = list(complaints(root))
    print(*found, sep="\n", end="\n" if found else "")
    return not found


def generated(module: str) -> str:
    """Return the text that a page's generator prints."""
    made = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return made.stdout


def docs_current() -> bool:
    """Compare every generated page with what its generator prints."""
    stale = [p for p, m in DOCS.items() if (ROOT / p).read_text(encoding="utf-8") != generated(m)]
    for page in stale:
        print(f"{page} is not up to date; run `make docs`")
    return not stale


def write_docs() -> bool:
    """Write all generated pages."""
    for page, module in DOCS.items():
        (ROOT / page).write_text(generated(module), encoding="utf-8")
    return True


CHECKS: dict[str, Callable[[], bool]] = {
    "types": lambda: run("mypy"),  # the longest
    "format": lambda: run("ruff", "format", "--quiet", "--check", "."),
    "lint": lambda: run("ruff", "check", "--quiet", "."),
    "c-format": lambda: clang_format("--dry-run", "-Werror"),
    "c-names": lambda: guard(c_names.complaints, ROOT / "device_fw"),
    "c-rooms": lambda: guard(c_rooms.complaints, ROOT / "device_fw" / "core"),
    "rooms": lambda: guard(rooms.complaints),
    "imports": lambda: run("pytest", "-q", "tests/unit/test_imports.py"),
    "words": lambda: guard(words.complaints),
    "spelling": codespell,
    "licences": lambda: guard(licences.complaints),
    "docs": docs_current,
}
FIXES: dict[str, Callable[[], bool]] = {
    "lint": lambda: run("ruff", "check", "--fix", "."),
    "format": lambda: run("ruff", "format", "."),
    "c-format": lambda: clang_format("-i"),
}


def passed(name: str, step: Callable[[], bool]) -> bool:
    """Run one step and say how it ended."""
    begin = time.monotonic()
    good = step()
    verdict = "ok" if good else "FAILED"
    print(f"check: {name:9} {verdict} ({time.monotonic() - begin:.1f} s)", flush=True)
    return good


def main() -> None:
    """Run the checks that are named or all, not only up to the first that fails."""
    parser = argparse.ArgumentParser(description="Run the project's checks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CHECKS))
    parser.add_argument("--fix", action="store_true", help="format instead of checking")
    parser.add_argument("--write-docs", action="store_true", help="write the generated pages")
    args = parser.parse_args()
    if unknown := set(args.names) - set(CHECKS):
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    steps = FIXES if args.fix else {"docs": write_docs} if args.write_docs else CHECKS
    wanted = {name: step for name, step in steps.items() if name in (args.names or steps)}
    with ThreadPoolExecutor(1 if args.fix else 2) as pool:
        results = list(pool.map(passed, wanted, wanted.values()))
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
