"""The demos of `xipnet demo`, a module each: nothing else lists them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from host_sdk.cli.demos.demo import Demo

__all__ = ["Demo", "find_demos"]


def find_demos() -> Mapping[str, Demo]:
    """Find the demos, by name."""
    names = sorted(module.name for module in iter_modules(__path__) if module.name != "demo")
    modules = {name: import_module(f"{__name__}.{name}") for name in names}
    return {name: module.DEMO for name, module in modules.items()}
