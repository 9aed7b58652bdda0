"""Check the project's English: words of words.toml, first lines of docstrings.

A complaint is `file:line: what was found; what to say instead`. Typing errors are codespell's.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tools.tree import ROOT, own_files

RULES = "tools/words.toml"
_SUFFIXES = {".py", ".pyi", ".c", ".h", ".S", ".ld", ".md", ".toml", ".mk", ".cmake", ".sh", ".yml"}
_NAMES = {"Makefile", "run"}
# The last one plants words that must be found.
_LEFT_OUT = ("tests/fuzz/corpus/", "LICENSES/", RULES, "tests/unit/tools/test_guards.py")
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Between two words: space, or the end of a line and the mark of a comment on the next one.
_GAP = r"(?:[ \t]+|[ \t]*\n[ \t]*(?:(?://|#|\*|>)[ \t]*)?)"


def complaints(root: Path) -> Iterator[str]:
    """Yield a line for each finding and for each exception without one.

    Args:
        root: the project's folder.
    """
    rules = tomllib.loads((root / RULES).read_text(encoding="utf-8"))
    excepted: dict[str, int] = dict.fromkeys(rules["exceptions"]["paths"], 0)
    for name in own_files(root):
        if not _is_text(name):
            continue
        found = list(findings(name, (root / name).read_text(encoding="utf-8"), rules))
        entry = next((path for path in excepted if name.startswith(path)), None)
        if entry is None:
            yield from found
        else:
            excepted[entry] += len(found)
    for path, count in excepted.items():
        if count == 0:
            yield f"{RULES}: {path} has no finding any more; take it off the exceptions"


def findings(name: str, text: str, rules: dict[str, Any]) -> Iterator[str]:
    """Yield the complaints about one file.

    Args:
        name: its path, for the complaints.
        text: what it holds.
        rules: the content of words.toml.
    """
    words = rules["words"]
    for match in _pattern(tuple(words), tuple(rules["names"]["right"])).finditer(text):
        if match["right"]:
            continue
        line = text.count("\n", 0, match.start()) + 1
        found = " ".join(re.findall(r"\w+", match.group()))
        yield f"{name}:{line}: '{found}'; say: {_instead(found.lower(), words)}"
    if name.endswith(".py"):
        yield from _long_first_lines(name, text, rules["docstrings"]["columns"])


@cache
def _pattern(words: tuple[str, ...], right: tuple[str, ...]) -> re.Pattern[str]:
    """Match any of the words, and as the group `right` the names that may hold one."""
    stems = (_GAP.join(map(re.escape, word.removesuffix("*").split())) for word in words)
    ends = (r"[a-z]*" if word.endswith("*") else "" for word in words)
    either = "|".join(stem + end for stem, end in zip(stems, ends, strict=True))
    names = "|".join(map(re.escape, right))
    return re.compile(rf"(?<![A-Za-z])(?:(?P<right>{names})|{either})(?![A-Za-z])", re.IGNORECASE)


def _instead(found: str, words: dict[str, str]) -> str:
    stems = {word.removesuffix("*"): instead for word, instead in words.items()}
    return next(instead for stem, instead in stems.items() if found.startswith(stem))


def _long_first_lines(name: str, text: str, columns: int) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, _DOCUMENTED) and not _is_rule(node):
            first = (ast.get_docstring(node) or "").partition("\n")[0]
            if len(first) > columns:
                line = node.body[0].lineno
                yield f"{name}:{line}: docstring's first line has {len(first)} of {columns} columns"


def _is_rule(node: ast.AST) -> bool:
    """Tell whether the docstring is the text of an operator's rule (docs/OPS.md)."""
    returns = node.returns if isinstance(node, ast.FunctionDef) else None
    return isinstance(returns, ast.Name) and returns.id == "Seen"


def _is_text(name: str) -> bool:
    path = Path(name)
    return not name.startswith(_LEFT_OUT) and (path.suffix in _SUFFIXES or path.name in _NAMES)


def main() -> int:
    """Print all complaints; the process's exit status."""
    found = list(complaints(ROOT))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
