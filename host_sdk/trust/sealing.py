"""Which seal goes with an upload: one given, beside the file, or made now."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from host_sdk.display.plain import plain_line
from host_sdk.errors import InputError, SealError, SealFileError
from host_sdk.link.board_info import BoardInfo
from host_sdk.store.files import NewObject
from host_sdk.store.log_records import SEAL_BYTES
from host_sdk.trust.seals import read_seal
from host_sdk.trust.signers import Signer

SealSource: TypeAlias = "bytes | str | os.PathLike[str] | Signer"

HOW_TO_SIGN = "xipnet sign FILE --key KEY --product PRODUCT"


@dataclass(frozen=True)
class Sealed:
    """An object with its seal, if there is one that the board takes.

    Attributes:
        new: the object, with the seal.
        note: what whoever uploads it should know; "": nothing.
    """

    new: NewObject
    note: str = ""


def seal_path(file: Path) -> Path:
    """Return the path of a file's seal."""
    return file.with_name(f"{file.name}.seal")


def seal_beside(source: object) -> Path | None:
    """Find the seal beside a file; None: there is none, or the source is no file."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = seal_path(Path(source))
    return path if path.is_file() else None


def with_seal(board: BoardInfo, new: NewObject, seal: SealSource | None) -> Sealed:
    """Give an object its seal, if the board looks at seals.

    Args:
        board: what it is for.
        new: the object, as the board will store it.
        seal: what `Device.put` was given, or found beside the file.

    Raises:
        SealFileError: the seal is not for this object: nothing was sent.
        InputError, SignerError: the signer cannot seal it.
    """
    if seal is None:
        return Sealed(new)
    if board.trust is None:
        note = f"sent without its seal: {plain_line(board.board)} takes unsigned objects (open)"
        return Sealed(new, note)
    data = seal.seal(new) if isinstance(seal, Signer) else read_seal_source(seal)
    read_seal(data, _place(seal)).check_subject(new)
    return Sealed(replace(new, seal=data))


def seal_for(source: object, seal: SealSource | None, is_compiled: bool) -> SealSource | None:
    """Choose the seal of what a source becomes.

    Args:
        source: what was given to be stored; a file may have its seal beside it.
        seal: what was given; None: nothing was.
        is_compiled: the source is made into what is stored, so no seal can be finished.

    Raises:
        InputError: a finished seal was given for what is compiled first.
    """
    if not is_compiled:
        return seal_beside(source) if seal is None else seal
    if seal is not None and not isinstance(seal, Signer):
        raise InputError(
            "a model that is compiled for the board can be sealed by a signer alone: build the "
            "blob (`xipnet build`), then sign that"
        )
    return seal


def read_seal_source(seal: bytes | str | os.PathLike[str]) -> bytes:
    """Give the bytes of a seal, or what a file says is one.

    Raises:
        SealFileError: the file cannot be read.
    """
    if isinstance(seal, bytes):
        return seal
    try:
        with Path(seal).open("rb") as file:
            return file.read(SEAL_BYTES + 1)
    except OSError as error:
        raise SealFileError(f"seal {seal} cannot be read: {error.strerror or error}") from error


def say_how_to_sign(error: SealError) -> SealError:
    """Add what to do to the refusal of an object that has no seal."""
    return SealError(
        f"{error.message}; sign it: `{HOW_TO_SIGN}`", method=error.method, detail=error.detail
    )


def _place(seal: SealSource) -> str:
    return f"seal {seal}" if isinstance(seal, (str, os.PathLike)) else "the seal"
