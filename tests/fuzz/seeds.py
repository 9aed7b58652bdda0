"""Inputs to begin with: every method once, right, and some bytes of the wire.

python tests/fuzz/seeds.py tests/fuzz/corpus
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import msgpack

DATA = bytes(range(200))
DIGEST = hashlib.sha256(DATA).digest()

REQUESTS: list[list[tuple[str, list[object]]]] = [
    [("hello", [1])],
    [("help", ["run"])],
    [("ping", [{"a": [1, None, 1.5, b"x"]}])],
    [("ls", [])],
    [("put_begin", ["d", 3, 200, DIGEST]), ("put_data", [1, 0, DATA]), ("put_end", [1])],
    [("get", ["model", 0, 100])],
    [("rm", ["d"])],
    [("activate", ["model"])],
    [("model", [])],
    [("in_write", [0, 0, bytes(16)]), ("run", [0]), ("out_read", [0, 16])],
    [("run", [0, [bytes(16)], True])],
    [("run", [1, [[16, 1, 4, 128, b"\x80\x12\x34"]]])],
    [("run", [0, None, False, 0x12345678])],
    [("run_steps", [0, 0, 1]), ("arena_read", [0, 64])],
    [("exec", ["print(1)"]), ("interrupt", [])],
    [("eval", ["1 + 1"])],
    [("trial", [])],
    [("confirm", ["model"]), ("rollback", ["model"]), ("history", ["model"])],
    [("held", []), ("hashes", [0, 4096, 256]), ("wear", [])],
    [("rpc_list", []), ("call", ["f", [1], {}]), ("events", [True])],
    [
        ("put_begin", ["d.weights", 4, 200, DIGEST]),
        ("put_data", [1, 0, DATA]),
        ("put_end", [1]),
        ("ls", []),
        ("rm", ["d.weights"]),
    ],
]


def piece(body: bytes) -> bytes:
    """Return the body of a frame, as fuzz_server.c takes it."""
    if 0 < len(body) < 0xF0:
        return bytes([len(body)]) + body
    return b"\0" + len(body).to_bytes(2, "little") + body


def seeds() -> list[bytes]:
    """Return the inputs."""
    made = []
    for number, requests in enumerate(REQUESTS):
        bodies = [
            msgpack.packb([0, 100 * number + i, method, params])
            for i, (method, params) in enumerate(requests)
        ]
        made.append(b"".join(piece(body) for body in bodies))
    made.append(b"\xf0text\0\0\x03ab\0more\0\x01\x01\x01\0")
    return made


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for data in seeds():
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
