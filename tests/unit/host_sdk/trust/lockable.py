"""The core that can be locked, as a board; and what a lying one would sign."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from host_sdk.link.messages import Reply, Request
from host_sdk.trust.attestation import _REPORT, board_id
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


def without_source(board: ScriptedBoard) -> list[Any]:
    """Make the chip one without random numbers; return the seeds that it gets."""
    seeds: list[Any] = []

    def take(request: Request) -> None:
        if request.method == "device_seed":
            seeds.extend(request.params)
            board.give(Reply(request.id, None))
        else:
            board.pass_on(request)

    def told(trust: dict[str, Any]) -> dict[str, Any]:
        if seeds:
            return {**trust, "source": "host"}
        return {**trust, "device": None, "board": None, "source": ""}

    board.take = take
    board.alter["trust"] = told
    return seeds


def lie(board: ScriptedBoard, changes: dict[int, Any]) -> bytes:
    """Have the board name another key, and sign something else by that.

    Args:
        board: has a key of its own.
        changes: field of the report, by its number, -> what is there.

    Returns:
        The public key.
    """
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key().public_bytes_raw()

    def attested(reply: dict[str, Any]) -> dict[str, Any]:
        fields = list(_REPORT.unpack(reply["report"]))
        for number, value in ({2: board_id(public)} | changes).items():
            fields[number] = value
        report = _REPORT.pack(*fields)
        return {"report": report, "signature": key.sign(report)}

    board.alter["trust"] = lambda trust: {**trust, "device": public, "board": board_id(public)}
    board.alter["attest"] = attested
    return public
