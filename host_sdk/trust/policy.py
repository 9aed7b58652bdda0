"""A board's policy: whose objects it takes (docs/SPEC-trust.md, section 1)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from host_sdk.errors import InputError, MethodError
from host_sdk.link.board_info import TRUST_STATES, locks, state_name
from host_sdk.link.session import Session
from host_sdk.link.wire_map import WireMap
from host_sdk.trust.keys import KEY_BYTES, is_development_key
from host_sdk.trust.seals import check_product

BOARD_ID_BYTES = 16
SEED_BYTES = 32
MOST_KEYS = 2
SIGNATURES_S = 120.0  # a board's time to check the signatures of all that it holds, at most


@dataclass(frozen=True)
class Trust:
    """The policy that holds on a board, and its own key.

    Attributes:
        state: "open", "warn", "locked" or "counted".
        product: that seals must be for; "": there is no policy.
        keys: public keys of 32 bytes whose seals and orders are taken, at most two.
        reads: whether hosts may read models and results of a locked board.
        floor: security counter below which a counted board refuses, 0 to 2^32 - 1.
        unlocked: an order has unlocked it until its next start.
        board: its id, 16 bytes; None: it has no key of its own yet.
        device: its own public key, 32 bytes; None likewise.
        source: where the bytes of its key are from: "host", or what the chip has; "" likewise.
        unsealed: how many objects that it holds a locked board would refuse.
    """

    state: str
    product: str
    keys: tuple[bytes, ...]
    reads: bool
    floor: int
    unlocked: bool
    board: bytes | None
    device: bytes | None
    source: str
    unsealed: int

    @property
    def is_locked(self) -> bool:
        """Whether it is locked now: no order has unlocked it."""
        return locks(self.state) and not self.unlocked


def read_trust(session: Session) -> Trust:
    """Ask a board for its policy.

    Raises:
        MethodError: its firmware is of the open build.
    """
    need_lockable(session)
    fields = WireMap(session.call("trust", timeout_s=SIGNATURES_S), "trust")
    return Trust(
        state=state_name(fields.count("state")),
        product=fields.text("product"),
        keys=fields.bins("keys", KEY_BYTES, MOST_KEYS),
        reads=fields.flag("reads"),
        floor=fields.count("floor"),
        unlocked=fields.flag("unlocked"),
        board=fields.data("board", BOARD_ID_BYTES) if "board" in fields else None,
        device=fields.data("device", KEY_BYTES) if "device" in fields else None,
        source=fields.text("source"),
        unsealed=fields.count("unsealed"),
    )


def write_policy(
    session: Session, state: str, product: str, keys: Sequence[bytes], reads: bool
) -> Trust:
    """Give a board a policy; a key of its own first, if it needs one and has none.

    Args:
        session: with the board.
        state: of `TRUST_STATES`.
        product: 1 to 15 printable ASCII characters; for "open" it may be "".
        keys: one or two public keys, 32 bytes each; for "open" there are none.
        reads: hosts may read models and results.

    Returns:
        What holds then.

    Raises:
        InputError: an argument is out of its range.
        TrustError: the board refuses.
    """
    need_lockable(session)
    check_policy(state, product, keys)
    if locks(state) and read_trust(session).device is None:
        session.call("device_seed", secrets.token_bytes(SEED_BYTES))
    number = TRUST_STATES.index(state)
    session.call("trust_set", number, product, list(keys), reads, timeout_s=SIGNATURES_S)
    return read_trust(session)


def check_policy(state: str, product: str, keys: Sequence[bytes]) -> None:
    """Check a policy before a board is asked; see `write_policy`.

    Raises:
        InputError: it is none.
    """
    if state not in TRUST_STATES:
        raise InputError(f"state must be one of {', '.join(TRUST_STATES)}; is {state!r}")
    if state == "open":
        if keys:
            raise InputError("an open board has no keys: leave them out")
        return
    check_product(product)
    if not 1 <= len(keys) <= MOST_KEYS or len(set(keys)) != len(keys):
        raise InputError(f"keys must be 1 or {MOST_KEYS}, not the same; are {len(keys)}")
    if locks(state) and any(is_development_key(key) for key in keys):
        raise InputError(
            f"a board that is {state} takes no development key: everybody can sign by it"
        )


def need_lockable(session: Session) -> None:
    """Refuse a board of the open build.

    Raises:
        MethodError: it is one.
    """
    if session.info.trust is None:
        raise MethodError(
            f"the firmware of {session.info.board} is of the open build: it takes unsigned objects "
            "and cannot be locked; `make firmware BOARD=<name>-lockable` builds the other",
            method="trust",
        )
