"""Follow the pages' links; what docs/MAP.md names is checked by tools/rooms.py."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tools.tree import files

PAGES = [name for name in files(ROOT) if name.endswith(".md")]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    here = ROOT / page
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", here.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (here.parent / target).exists(), f"{page}: {target}"
