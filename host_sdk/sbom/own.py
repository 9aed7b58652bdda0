"""This project's own parts of products."""

from __future__ import annotations

from host_sdk.sbom.part import Part


def firmware_part(version: str) -> Part:
    """Return the firmware's own code.

    Args:
        version: of it; "" if it is not known.
    """
    return _part("xipnet-firmware", version, "MIT", "core, drivers and Python module")


def kernels_part(version: str) -> Part:
    """Return what the compiler puts into blobs.

    Args:
        version: of the compiler that made it.
    """
    return _part("xipnet-kernels", version, "0BSD", "kernels, heads and code of steps")


def _part(name: str, version: str, licence: str, text: str) -> Part:
    purl = f"pkg:pypi/xipnet@{version}" if version else "pkg:pypi/xipnet"
    return Part(name, version, licence=licence, purl=purl, text=text)
