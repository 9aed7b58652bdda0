"""A lockable board, of the core and of what this plays of docs/SPEC-trust.md."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from host_sdk.link.board_info import StoredObject
from host_sdk.link.framing import encode_frame
from host_sdk.link.messages import Failure, Reply, Request
from host_sdk.link.wire_map import WireMap
from host_sdk.trust.attestation import _REPORT, board_id, objects_sha256
from host_sdk.trust.keys import key_id, verify
from host_sdk.trust.seals import read_seal
from tests.unit.host_sdk.scripted_board import ScriptedBoard

E_SEAL, E_COUNTER, E_LOCKED, E_TRUST = -90, -91, -92, -93
REFUSED = {"rm", "format", "baud", "exec", "eval", "flash_read", "device_seed", "trust_set"}
READS = {"get", "model", "out_read", "arena_read"}


class RefusedError(Exception):
    """An error for the host."""

    def __init__(self, code: int, message: str) -> None:
        self.failure = Failure(code, message, None)


@dataclass
class PlayedBoard:
    """Answers the methods of trust itself, and lets the core do the rest.

    Attributes:
        board: the core.
        state: of the policy, and so are the next three.
        seals: by name, of what was stored with one.
        seed: the secret device key.
        report: of the attestation, by field: what is there in place of the truth.
    """

    board: ScriptedBoard
    state: int = 0
    product: str = ""
    keys: list[bytes] = field(default_factory=list)
    reads: bool = False
    unlocked: bool = False
    seals: dict[str, bytes] = field(default_factory=dict)
    seed: bytes | None = None
    nonce: bytes = b""
    report: dict[int, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    _rows: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board.take = self._take
        self.board.alter["hello"] = lambda hello: {
            **hello,
            "trust": self.state,
            "unlocked": self.unlocked,
        }
        self.board.alter["ls"] = self._list

    @property
    def locked(self) -> bool:
        return self.state >= 2 and not self.unlocked

    @property
    def device(self) -> bytes | None:
        return None if self.seed is None else self._key().public_key().public_bytes_raw()

    def _key(self) -> Ed25519PrivateKey:
        assert self.seed is not None
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def _take(self, request: Request) -> None:
        own: dict[str, Callable[..., Any]] = {
            "trust": self._trust,
            "trust_set": self._trust_set,
            "device_seed": self._device_seed,
            "challenge": self._challenge,
            "unlock": self._unlock,
            "attest": self._attest,
        }
        try:
            locked = REFUSED | (set() if self.reads else READS)
            if self.locked and request.method in locked:
                raise RefusedError(E_LOCKED, "locked: the board does not do that")
            if request.method == "put_begin":
                self._check_seal(*request.params)
                request = Request(request.id, "put_begin", request.params[:4])
            if request.method not in own:
                self.board.pass_on(request)
                return
            self.asked.append(request.method)
            result = own[request.method](*request.params)
        except RefusedError as refused:
            self.board.give(Reply(request.id, refused.failure))
        else:
            self.board.send(encode_frame(msgpack.packb([1, request.id, None, result])))

    def _check_seal(self, name: Any, kind: Any, size: Any, sha256: Any, seal: Any = None) -> None:
        if seal is None:
            if self.locked:
                raise RefusedError(E_SEAL, f"'{name}' has no seal")
            return
        read = read_seal(seal)
        by = next((key for key in self.keys if key_id(key) == read.key_id), None)
        if self.state > 0 and (by is None or not read.is_by(by)):
            raise RefusedError(E_SEAL, "signature")
        if self.state > 0 and read.product != self.product:
            raise RefusedError(E_SEAL, "product")
        if (read.name, read.kind, read.size_bytes, read.sha256) != (name, kind, size, sha256):
            raise RefusedError(E_SEAL, "for something else")
        self.seals[name] = seal

    def _list(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        seals = {n: read_seal(s) for n, s in self.seals.items()}
        for row in rows:
            seal = seals.get(row["name"])
            row |= {"sealed": seal is not None, "counter": seal.counter if seal else 0}
        self._rows = rows or self._rows
        return rows

    def _trust(self) -> dict[str, Any]:
        device = self.device
        return {
            "state": self.state,
            "product": self.product,
            "keys": self.keys,
            "reads": self.reads,
            "floor": 0,
            "unlocked": self.unlocked,
            "board": None if device is None else board_id(device),
            "device": device,
            "source": "" if device is None else "host",
            "unsealed": sum(not row["sealed"] for row in self._rows),
        }

    def _trust_set(self, state: int, product: str, keys: list[bytes], reads: bool) -> None:
        if state >= 2 and self.seed is None:
            raise RefusedError(E_TRUST, "there is no device key")
        self.state, self.product, self.keys, self.reads = state, product, keys, reads

    def _device_seed(self, seed: bytes) -> None:
        if self.seed is not None:
            raise RefusedError(E_TRUST, "there is a device key")
        self.seed = seed

    def _challenge(self) -> dict[str, Any]:
        assert self.device is not None
        self.nonce = hashlib.sha256(self.nonce).digest()
        return {"board": board_id(self.device), "nonce": self.nonce}

    def _unlock(self, order: bytes) -> None:
        assert self.device is not None
        by = next((key for key in self.keys if key_id(key) == order[12:16]), None)
        right = b"XPORDR1\0\1\0\0\0", board_id(self.device) + self.nonce + bytes(64)
        if by is None or (order[:12], order[16:128]) != right:
            raise RefusedError(E_TRUST, "the order is not for this board")
        if not verify(by, order[:128], order[128:]):
            raise RefusedError(E_TRUST, "the order's signature is wrong")
        self.unlocked = True

    def _attest(self, nonce: bytes) -> dict[str, Any]:
        if self.seed is None or self.device is None:
            raise RefusedError(E_TRUST, "there is no device key")
        rows = [StoredObject.read(WireMap(row, "row")) for row in self._rows]
        ids = [key_id(key) for key in self.keys] + [bytes(4)] * 2
        values = [
            *(b"XPATST1\0", nonce, board_id(self.device), hashlib.sha256(b"image").digest()),
            *(b"1.2.3", self.state, self.unlocked, 0, self.reads, 0, 7, len(rows)),
            *(objects_sha256(rows), bytes(32), 0, 99, self.product.encode(), ids[0], ids[1]),
        ]
        for place, value in self.report.items():
            values[place] = value
        report = _REPORT.pack(*values)
        return {"report": report, "signature": self._key().sign(report)}
