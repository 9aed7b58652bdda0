"""What a list of parts says: products and what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["firmware", "library", "application", "machine-learning-model"]


@dataclass(frozen=True)
class Part:
    """Something with a name, a version and a licence.

    Attributes:
        name: of it.
        version: "" if it is not known.
        kind: as CycloneDX calls it.
        licence: an expression of SPDX, or a name; "" if nothing is known.
        purl: package URL; "" if there is none.
        sha256: of its bytes, hexadecimal; "" if there are no bytes.
        text: one line about it.
        optional: not in every product of the kind.
        facts: more of it, by name.
    """

    name: str
    version: str = ""
    kind: Kind = "library"
    licence: str = ""
    purl: str = ""
    sha256: str = ""
    text: str = ""
    optional: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """Return what names this part within a document."""
        return "/".join(filter(None, (self.name, self.version, self.sha256[:16])))


@dataclass(frozen=True)
class Product:
    """A file, or what is installed, and its parts.

    Attributes:
        itself: the product.
        parts: what is in it.
    """

    itself: Part
    parts: tuple[Part, ...]


def sha256_of(data: bytes) -> str:
    """Hash bytes; hexadecimal."""
    return hashlib.sha256(data).hexdigest()
