"""The named objects in flash: models, scripts, data."""

import builtins
from typing import Any

from typing_extensions import Buffer

def list() -> builtins.list[dict[str, Any]]:
    """All objects: name, type ("blob", "script" or "data"), size, version, address, active."""

def read(name: str) -> memoryview:
    """The object's bytes where they lie in flash: no copy, no RAM.

    Once the object was replaced or deleted and its place is used anew, the view shows that.
    """

def write(name: str, data: Buffer) -> None:
    """Puts an object into the store; the old one of that name stays until the new one is whole.

    A model is checked and tested before; an upload from the PC that is under way is given up.
    """

def delete(name: str) -> None:
    """Deletes an object."""

def free() -> int:
    """Bytes of flash that no current object holds."""
