"""The core that can be locked, as a board; and what a lying one would sign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from host_sdk.trust.attestation import _REPORT
from host_sdk.trust.seals import Seal, read_seal
from tests.unit.host_sdk.scripted_board import ScriptedBoard

TRUST_METHODS = ("trust", "trust_set", "device_seed", "challenge", "unlock", "attest")


def asked_for(board: ScriptedBoard) -> list[str]:
    """List the requests that are about trust, in order."""
    return [r.method for r in board.requests if r.method in TRUST_METHODS]


def sent_seals(board: ScriptedBoard) -> dict[Any, Seal]:
    """Return the seal that came last for each name."""
    begun = [r.params for r in board.requests if r.method == "put_begin" and len(r.params) > 4]
    return {p[0]: read_seal(p[4]) for p in begun if isinstance(p[4], bytes)}


def device_key(board: ScriptedBoard) -> Ed25519PrivateKey:
    """Return the secret key of a board that was given one."""
    (seed,) = [r.params[0] for r in board.requests if r.method == "device_seed"]
    assert isinstance(seed, bytes)
    return Ed25519PrivateKey.from_private_bytes(seed)


def lie(board: ScriptedBoard, changes: dict[int, Any]) -> None:
    """Have the board attest something else, and sign that.

    Args:
        board: was given its key.
        changes: field of the report, by its number, -> what is there.
    """
    board.alter["attest"] = signed_with(device_key(board), changes)


def signed_with(key: Ed25519PrivateKey, changes: dict[int, Any]) -> Callable[[Any], Any]:
    """Return what changes a reply to `attest`, and signs it by a key."""

    def changed(reply: dict[str, Any]) -> dict[str, Any]:
        fields = list(_REPORT.unpack(reply["report"]))
        for number, value in changes.items():
            fields[number] = value
        report = _REPORT.pack(*fields)
        return {"report": report, "signature": key.sign(report)}

    return changed
