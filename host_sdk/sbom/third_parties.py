"""Read what products contain of others: `third_parties.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from device_fw.build.fetch_micropython import MICROPYTHON_TREE_SHA256, MICROPYTHON_VERSION
from host_sdk.sbom.part import Part

ZIG_VERSION = "0.17.1"  # that pyproject.toml pins

Group = Literal["vm", "zig", "rp2", "lockable", "blob"]


def third_parties(*groups: Group) -> tuple[Part, ...]:
    """List the parts of others in a product.

    Args:
        groups: what the product is or holds.
    """
    return tuple(_part(n, table) for n, table in _table().items() if set(groups) & set(table["in"]))


@cache
def _table() -> dict[str, Any]:
    path = Path(__file__).with_name("third_parties.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _part(name: str, table: dict[str, Any]) -> Part:
    pinned = {"micropython": MICROPYTHON_VERSION, "compiler_rt": ZIG_VERSION}
    version = pinned.get(name, table.get("version", ""))
    facts = {"source-sha256": MICROPYTHON_TREE_SHA256} if name == "micropython" else {}
    return Part(
        name=name,
        version=version,
        licence=table["licence"],
        purl=table.get("purl", "").format(version=version),
        text=table["title"],
        optional=table.get("optional", False),
        facts=facts,
    )
