"""The pages name files and links that are there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split()
PAGES = sorted(p for p in FILES if p.endswith(".md"))


def named_files(text: str) -> list[str]:
    """What stands in backticks and looks like a file or a folder; `*` stands for anything."""
    words = re.findall(r"`([\w./*-]+)`", text)
    return [w for w in words if w.endswith("/") or re.search(r"\.(py|c|h|md|toml|ld)$", w)]


def exists(name: str) -> bool:
    pattern = re.compile(
        r"(^|.*/)" + re.escape(name).replace(r"\*", ".*") + (".*" if name[-1] == "/" else "$")
    )
    return any(pattern.match(f) for f in FILES)


def test_map_names_files_that_are_there() -> None:
    missing = [n for n in named_files((ROOT / "docs/MAP.md").read_text()) if not exists(n)]
    assert missing == []


def test_map_names_every_module() -> None:
    """Every source file of the packages is on the map, by name or by its folder."""
    text = (ROOT / "docs/MAP.md").read_text()
    folders = {n.rstrip("/").split("/")[-1] for n in named_files(text) if n.endswith("/")}
    names = {n.split("/")[-1] for n in named_files(text)}
    for path in (Path(f) for f in FILES if re.match(r"relocatable/[^/]*\.py$", f)):
        if path.name != "__init__.py":
            assert path.name in names or path.parent.name in folders, path


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    here = ROOT / page
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", here.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (here.parent / target).exists(), f"{page}: {target}"
