"""What the package for Python needs: its dependencies, as they are installed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email import message_from_bytes
from importlib import metadata
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from host_sdk.errors import InputError
from host_sdk.sbom.part import Part, Product, sha256_of

_NAME = re.compile(r"[\w.-]+")
_LONG = 80  # a licence's text instead of its name


def describe_installed() -> Product:
    """Say what the installed package needs."""
    about = metadata.distribution("xipnet")
    return _product(about.version, about.requires or [], "")


def describe_wheel(file: Path) -> Product:
    """Say what a wheel of xipnet needs.

    Raises:
        InputError: it is no wheel of xipnet.
        OSError: it cannot be read.
    """
    try:
        with ZipFile(file) as wheel:
            found = [n for n in wheel.namelist() if n.endswith(".dist-info/METADATA")]
            about = message_from_bytes(wheel.read(found[0]) if found else b"")
    except BadZipFile as error:
        raise InputError(f"{file}: must be a wheel; {error}") from error
    if about["Name"] != "xipnet":
        raise InputError(f"{file}: must be a wheel of xipnet; is of {about['Name']}")
    needs = [str(need) for need in about.get_all("Requires-Dist") or []]
    return _product(str(about["Version"]), needs, sha256_of(file.read_bytes()))


def _product(version: str, needs: Sequence[str], sha256: str) -> Product:
    itself = Part(
        name="xipnet",
        version=version,
        kind="application",
        licence="MIT AND 0BSD",
        purl=f"pkg:pypi/xipnet@{version}",
        sha256=sha256,
        text="compiler, SDK and firmware sources",
    )
    found: dict[str, Part] = {}
    _collect(needs, found)
    return Product(itself, tuple(found[name] for name in sorted(found)))


def _collect(needs: Sequence[str], found: dict[str, Part]) -> None:
    """Add what is needed without an extra, and what that needs, if it is installed."""
    for need in needs:
        match = _NAME.match(need)
        if match is None or "extra ==" in need:
            continue
        name = re.sub(r"[-_.]+", "-", match.group()).lower()
        try:
            about = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another system
        if name not in found:
            found[name] = _dependency(name, about)
            _collect(about.requires or [], found)


def _dependency(name: str, about: metadata.Distribution) -> Part:
    purl = f"pkg:pypi/{name}@{about.version}"
    return Part(name, about.version, licence=_licence(about), purl=purl)


def _licence(about: metadata.Distribution) -> str:
    stated = ("License-Expression", "License")
    for told in (text for key in stated for text in about.metadata.get_all(key) or []):
        if len(told) <= _LONG and "\n" not in told:
            return str(told)
    kinds = about.metadata.get_all("Classifier") or []
    names = [kind.rpartition(" :: ")[2] for kind in kinds if kind.startswith("License :: ")]
    return names[0] if names else ""
