"""Orders: signed, for one board, good once (docs/SPEC-trust.md, section 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from host_sdk.errors import InputError
from host_sdk.link.session import Session
from host_sdk.link.wire_map import WireMap
from host_sdk.trust.keys import key_id
from host_sdk.trust.policy import BOARD_ID_BYTES, need_lockable
from host_sdk.trust.signers import Signer

NONCE_BYTES = 32
UNLOCK = 1

_MAGIC = b"XPORDR1\0"
_MESSAGE = struct.Struct("<8sB3x4s16s32s64x")


@dataclass(frozen=True)
class Challenge:
    """What an order must answer.

    Attributes:
        board: id of the board, 16 bytes.
        nonce: 32 bytes that it says once.
    """

    board: bytes
    nonce: bytes

    @staticmethod
    def read(value: object) -> Challenge:
        """Read the reply to `challenge`."""
        fields = WireMap(value, "challenge")  # type: ignore[arg-type]  # any value is checked
        return Challenge(fields.data("board", BOARD_ID_BYTES), fields.data("nonce", NONCE_BYTES))


def order(number: int, challenge: Challenge, signer: Signer) -> bytes:
    """Write and sign an order.

    Args:
        number: which: `UNLOCK`.
        challenge: of the board.
        signer: has a key of the board's policy.

    Returns:
        192 bytes.

    Raises:
        SignerError: nothing was signed.
    """
    key = key_id(signer.public_key)
    message = _MESSAGE.pack(_MAGIC, number, key, challenge.board, challenge.nonce)
    return message + signer.sign(message)


def unlock(session: Session, signer: Signer, board: bytes | None) -> None:
    """Unlock a board until its next start.

    Args:
        session: with the board.
        signer: has a key of its policy.
        board: id that the board must have; None: any. Whoever has the line could pass on the
            challenge of another board, which the order would unlock.

    Raises:
        InputError: it is another board: nothing was signed.
        PolicyError: the board refuses the order.
    """
    need_lockable(session)
    challenge = Challenge.read(session.call("challenge"))
    if board is not None and challenge.board != board:
        raise InputError(
            f"the order is for the board {board.hex()}; {challenge.board.hex()} asks: nothing was "
            "signed"
        )
    session.call("unlock", order(UNLOCK, challenge, signer))
