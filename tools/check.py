"""`make check`: format, lint, types, C format, generated pages. The same here and in CI."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS: dict[str, str] = {"docs/OPS.md": "tools.ops_page", "docs/ERRORS.md": "tools.errors_page"}


def run(*command: str) -> bool:
    """Runs a tool of the virtual environment; True when it succeeded."""
    print("check:", " ".join(command[:4]), "…" if len(command) > 4 else "", flush=True)
    tool = str(Path(sys.executable).parent / command[0])
    return subprocess.run([tool, *command[1:]], cwd=ROOT, check=False).returncode == 0


def c_sources() -> list[str]:
    """The C files that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "*.c", "*.h"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def clang_format(*flags: str) -> bool:
    """Runs clang-format over all C sources."""
    return run("clang-format", *flags, *c_sources())


def generated(module: str) -> str:
    """The text that a page's generator prints."""
    made = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return made.stdout


def docs_current() -> bool:
    """True when every generated page equals what its generator prints."""
    stale = [p for p, m in DOCS.items() if (ROOT / p).read_text(encoding="utf-8") != generated(m)]
    for page in stale:
        print(f"check: {page} is not up to date; run `make docs`")
    return not stale


def write_docs() -> bool:
    """Writes all generated pages."""
    for page, module in DOCS.items():
        (ROOT / page).write_text(generated(module), encoding="utf-8")
    return True


CHECKS: tuple[Callable[[], bool], ...] = (
    lambda: run("ruff", "format", "--check", "."),
    lambda: run("ruff", "check", "."),
    lambda: run("mypy"),
    lambda: clang_format("--dry-run", "-Werror"),
    docs_current,
)
FIXES: tuple[Callable[[], bool], ...] = (
    lambda: run("ruff", "check", "--fix", "."),
    lambda: run("ruff", "format", "."),
    lambda: clang_format("-i"),
)


def main() -> None:
    """Runs all checks, not only up to the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="format instead of checking")
    parser.add_argument("--write-docs", action="store_true", help="write the generated pages")
    args = parser.parse_args()
    steps = FIXES if args.fix else (write_docs,) if args.write_docs else CHECKS
    results = [step() for step in steps]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
