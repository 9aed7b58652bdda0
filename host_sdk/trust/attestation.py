"""What a board says of itself, signed (docs/SPEC-trust.md, section 7)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from host_sdk.display.plain import plain_line
from host_sdk.errors import AttestationError, InputError
from host_sdk.link.board_info import OBJECT_TYPES, StoredObject, safe_reason, state_name
from host_sdk.link.session import Session
from host_sdk.link.wire_map import WireMap
from host_sdk.store.files import list_objects
from host_sdk.trust.keys import KEY_BYTES, SIGNATURE_BYTES, verify
from host_sdk.trust.orders import NONCE_BYTES
from host_sdk.trust.policy import BOARD_ID_BYTES, SIGNATURES_S, need_lockable, read_trust

REPORT_BYTES = 224

_MAGIC = b"XPATST1\0"
_REPORT = struct.Struct("<8s32s16s32s16s4B3I32s32sII16s4s4s8x")
_ROW = struct.Struct("<BB2xII40s32s")
_ACTIVE, _SEALED = 1, 2
_READS = 1
_TYPES = {name: number for number, name in OBJECT_TYPES.items()}


@dataclass(frozen=True)
class Attestation:
    """A report that a board's own key has signed; the signature is right.

    It is worth as much as what keeps the chip from running another firmware (docs/SECURITY.md).

    Attributes:
        device: public key that it is signed by, 32 bytes.
        was_known: whether the caller named that key; else it came with the report, and only says
            that one board signed.
        nonce: of the caller, 32 bytes: the report is no older.
        board: id, 16 bytes.
        firmware_sha256: of the firmware's image in memory, see `device_fw.build.flat`.
        version: of the firmware.
        state: "open", "warn", "locked" or "counted".
        unlocked: an order has unlocked it until its next start.
        safe: what brought it into safe mode, as in `BoardInfo`; None: its scripts ran.
        reads: whether hosts may read models and results.
        floor: of the security counter.
        resets: since power-on.
        objects: how many current objects the store has.
        objects_sha256: over their rows.
        active_sha256: of the active model; None: there is none.
        active_counter: security counter of its seal; 0: it has none.
        sequence: of the store's log; it grows with every change.
        product: of the policy; "": there is none.
        key_ids: of the policy's keys, 4 bytes each.
        listed: what `ls` says.
        is_listed_right: whether that is what was attested.
        report: the 224 bytes.
        signature: 64 bytes.
    """

    device: bytes
    was_known: bool
    nonce: bytes
    board: bytes
    firmware_sha256: bytes
    version: str
    state: str
    unlocked: bool
    safe: str | None
    reads: bool
    floor: int
    resets: int
    objects: int
    objects_sha256: bytes
    active_sha256: bytes | None
    active_counter: int
    sequence: int
    product: str
    key_ids: tuple[bytes, ...]
    listed: tuple[StoredObject, ...]
    is_listed_right: bool
    report: bytes
    signature: bytes


def attest(session: Session, nonce: bytes, device: bytes | None) -> Attestation:
    """Ask a board for a report, and check it.

    Args:
        session: with the board.
        nonce: 32 bytes that were not used before.
        device: public key that must have signed; None: the one that the board names.

    Raises:
        InputError: an argument has another length.
        AttestationError: the report is not signed by that key, or not for this nonce.
        PolicyError: the board has no key of its own.
        ToolMissingError: `cryptography` is not installed.
    """
    need_lockable(session)
    if len(nonce) != NONCE_BYTES:
        raise InputError(f"nonce must have {NONCE_BYTES} bytes; has {len(nonce)}")
    if device is not None and len(device) != KEY_BYTES:
        raise InputError(f"device_key must have {KEY_BYTES} bytes; has {len(device)}")
    fields = WireMap(session.call("attest", nonce, timeout_s=SIGNATURES_S), "attest")
    report, signature = fields.data("report", REPORT_BYTES), fields.data("signature")
    key = device if device is not None else read_trust(session).device
    if key is None:
        raise AttestationError("attest: the board names no key of its own")
    check_signature(report, signature, nonce, key)
    listed = tuple(list_objects(session))
    return read_report(report, signature, key, device is not None, listed)


def check_signature(report: bytes, signature: bytes, nonce: bytes, device: bytes) -> None:
    """Check who signed a report, and for which question.

    Raises:
        AttestationError: another key, another nonce, another board, or no report at all.
    """
    if len(signature) != SIGNATURE_BYTES or not verify(device, report, signature):
        raise AttestationError(
            f"attest: the report must be signed by the device key {device.hex()}; is not: it is "
            "another board, or one that was given a new key"
        )
    magic, told, board = _REPORT.unpack(report)[:3]
    if magic != _MAGIC:
        raise AttestationError(f"attest: the report must start with {_MAGIC!r}; is {magic!r}")
    if told != nonce:
        raise AttestationError("attest: the report must be for this nonce; is for another one")
    if board != board_id(device):
        raise AttestationError(
            f"attest: the board's id must be {board_id(device).hex()}, of its key; is {board.hex()}"
        )


def board_id(device: bytes) -> bytes:
    """Return the id of a board with this public key."""
    return hashlib.sha256(device).digest()[:BOARD_ID_BYTES]


def objects_sha256(objects: Iterable[StoredObject]) -> bytes:
    """Hash what `ls` says as a board does for its report."""
    hashed = hashlib.sha256()
    for one in objects:
        flags = (_ACTIVE if one.active else 0) | (_SEALED if one.sealed else 0)
        head = (_TYPES.get(one.type, 0), flags, one.counter, one.version)
        hashed.update(_ROW.pack(*head, one.name.encode(), one.sha256))
    return hashed.digest()


def read_report(
    report: bytes,
    signature: bytes,
    device: bytes,
    was_known: bool,
    listed: tuple[StoredObject, ...],
) -> Attestation:
    """Read a report of 224 bytes whose signature is right; see `attest`."""
    values = _REPORT.unpack(report)
    _, nonce, board, firmware, version, state, unlocked, safe, flags = values[:9]
    floor, resets, objects, digest, active, counter, sequence, product = values[9:17]
    return Attestation(
        device=device,
        was_known=was_known,
        nonce=nonce,
        board=board,
        firmware_sha256=firmware,
        version=_text(version),
        state=state_name(state),
        unlocked=unlocked != 0,
        safe=safe_reason(safe),
        reads=flags & _READS != 0,
        floor=floor,
        resets=resets,
        objects=objects,
        objects_sha256=digest,
        active_sha256=active if any(active) else None,
        active_counter=counter,
        sequence=sequence,
        product=_text(product),
        key_ids=tuple(key for key in values[17:] if any(key)),
        listed=listed,
        is_listed_right=len(listed) == objects and objects_sha256(listed) == digest,
        report=report,
        signature=signature,
    )


def _text(data: bytes) -> str:
    return plain_line(data.partition(b"\0")[0].decode("utf-8", "replace"))
