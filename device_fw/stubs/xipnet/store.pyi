"""The named objects in flash: models, scripts, data, and bundles that hold such."""

import builtins
from typing import Any

from typing_extensions import Buffer

def list() -> builtins.list[dict[str, Any]]:
    """All objects: name, type, size, version, address, active.

    The type is "blob", "script", "data", "weights" or "bundle".
    Behind a bundle come its members, named BUNDLE/MEMBER: `read`, `xipnet.Model` and `import` find
    them by that name.
    """

def read(name: str) -> memoryview:
    """Return the object's bytes in flash itself: no copy, no RAM.

    Once the object is replaced or deleted and its place used again, the view shows what is there.
    On a locked board its place is not used again before Python starts again.
    """

def write(name: str, data: Buffer) -> None:
    """Put an object into the store, replacing the one of that name once it is whole.

    A model, or each of a bundle, is checked and tested before; an upload from the PC that is under
    way is given up.

    Raises:
        xipnet.Error: the board is locked (-92), or the store refuses it.
    """

def delete(name: str) -> None:
    """Delete an object.

    Raises:
        xipnet.Error: the board is locked (-92), or there is no such object.
    """

def free() -> int:
    """Bytes of flash that no current object holds."""
