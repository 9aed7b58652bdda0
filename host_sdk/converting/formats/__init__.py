"""Formats that models come in: each module here describes one by its `FORMAT`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from host_sdk.converting.source_format import Beginning, SourceFormat


@cache
def find_formats() -> tuple[SourceFormat, ...]:
    """Find the formats, by the modules of this folder."""
    names = sorted(module.name for module in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").FORMAT for name in names)


def find_format(beginning: Beginning) -> SourceFormat | None:
    """Tell the format by its beginning; None: it is none of these."""
    return next((form for form in find_formats() if form.is_it(beginning)), None)
