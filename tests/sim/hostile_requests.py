"""Requests that no host sends: wrong values, odd orders, damaged frames."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgpack
from cobs import cobs

from relocatable.blob.blob import PROLOGUE
from tests.sim.test_trials import ENDLESS, FAULTS, adds, blob

BLOB, SCRIPT, DATA = 1, 2, 3
SESSION = b""  # a parameter: the upload that the board began last
PIECE_BYTES = 512
NAMES = ("a", "b", "net")

GOOD = [blob(adds(n), (b"\x10", bytes([0x10 + n]))) for n in (1, 2)]
BLOBS = [
    *GOOD,
    blob(adds(3)),
    blob(adds(4), (b"\x10", b"\x10")),  # its golden vector is another's
    blob(FAULTS, (b"\x10", b"\x11")),
    blob(ENDLESS, (b"\x10", b"\x11")),
]
SOURCES = (
    *("1", "x = 1", "1/0", "(", "", "print('a' * 300)", "while True: pass", "x = [0] * 10**9"),
    *("raise SystemExit", "def f(): return f()\nf()", "import gc; gc.collect()", "\x00", "é\ud800"),
    *(
        "import xipnet; xipnet.emit('t', 1)",
        "import xipnet; xipnet.Model('net')",
        "yield",
        "x" * 900,
    ),
    *("import time; time.sleep_ms(20)", "import xipnet; xipnet.Array(b'ab', (2, 1))"),
    *("import xipnet; xipnet.store.read('a')", "import xipnet; xipnet.run()", "lambda: 0", "same"),
)


@dataclass(frozen=True)
class Request:
    """A request, perhaps damaged.

    Attributes:
        method: as MessagePack.
        params: each as MessagePack, or SESSION.
        back: its id is that of so many requests before.
        odd_id: its id instead, as MessagePack; b"" if it has its own.
        kind: of the message: 0 if it is a request.
        edits: (place, value) of bytes behind the id, before the CRC; places are counted round.
        cut: bytes that the body lacks at its end.
        damage: (place, value) of bytes of the frame, after its CRC.
    """

    method: bytes
    params: tuple[bytes, ...]
    back: int = 0
    odd_id: bytes = b""
    kind: int = 0
    edits: tuple[tuple[int, int], ...] = ()
    cut: int = 0
    damage: tuple[tuple[int, int], ...] = ()

    def frame(self, number: int, session: int) -> bytes:
        """Make the bytes of the wire.

        Args:
            number: id of the next request.
            session: the upload that SESSION stands for.
        """
        head = b"\x94" + pack(self.kind) + (self.odd_id or pack(max(number - self.back, 0)))
        params = [pack(session) if p == SESSION else p for p in self.params]
        rest = edited(self.method + array_head(len(params)) + b"".join(params), self.edits)
        body = head + rest[: len(rest) - self.cut]
        stuffed = cobs.encode(body + zlib.crc32(body).to_bytes(4, "little"))
        return b"\0" + edited(stuffed, self.damage) + b"\0"


Item = Request | bytes  # bytes: as they are


def edited(data: bytes, edits: Sequence[tuple[int, int]]) -> bytes:
    """Replace bytes."""
    made = bytearray(data)
    for at, value in edits:
        made[at % len(made)] = value
    return bytes(made)


def pack(value: object) -> bytes:
    """Write MessagePack, of texts that are none, too."""
    packed: bytes = msgpack.packb(value, unicode_errors="surrogatepass")
    return packed


def array_head(count: int) -> bytes:
    """Write the head of an array."""
    head: bytes = msgpack.Packer().pack_array_header(count)
    return head


# ---- Values --------------------------------------------------------------------------------------

NUMBERS = (
    *(0, 1, 2, 3, 4, 7, 15, 16, 63, 64, 128, 255, 256, 257, 2048, 4095, 4096, 4097, 65535, 65536),
    *(0x100000, 0xF00000, 0xFFFFFF, 0x1000000, 2**31 - 1, 2**31, 2**32 - 4096, 2**32 - 1, 2**32),
    *(2**63, 2**64 - 1, -1, -128, -(2**31), -(2**63)),
)
# As MessagePack: heads that promise more than comes, wrong lengths, reserved bytes, odd texts.
RAW = (
    *(b"\xc1", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb"),
    *(b"\xdd\x00\x00\x00\x00", b"\xde\x00\x00", b"\xc4\x00", b"\xd9\x00", b"\xcf" + b"\xff" * 8),
    *(b"\xcd\x00\x01", b"\xce\x00\x00\x00\x02", b"\xd3\x00" + bytes(7), b"\xca\x7f\xc0\x00\x00"),
    *(
        b"\xcb" + struct.pack(">d", 1e300),
        b"\xa4n\x00et",
        b"\xa1\xff",
        b"\xa3\xed\xa0\x80",
        b"\xa2..",
        b"\xa1/",
    ),
    *(b"\xa3\x1b[2", b"\xd9\x28" + b"n" * 40, b"\xd9\x29" + b"n" * 41, b"\xd9\x27" + b"n" * 39),
    *(
        b"\xc7\x00\x01",
        b"\xc7\x05\x01\x80" + bytes(4),
        b"\xc7\x00\x02",
        b"\xd4\xff\x00",
        b"\xd6\x7f" + bytes(4),
    ),
    *(b"\xc7\x06\x02b\x01\x00\x00\x00\x00", b"\xc7\x06\x02q\x01\xff\xff\xff\xff"),
    b"\xc7\x0a\x02d\x02\x00\x00\x00\x00\xff\xff\xff\xff",
    b"\xc7\x0a\x02B\x02" + b"\x00\x00\x01\x00" * 2,
    b"\xc7\x22\x02B\x08" + b"\xff" * 32,
    *(
        b"\x91" * 14 + b"\x90",
        b"\x91" * 17 + b"\x90",
        b"\x81\xa1a" * 15 + b"\xc0",
        b"\x81\x91\x01\x02",
    ),
    *(
        b"\x81\x81\x01\x02\x03",
        b"\x82\x01\x01\x01\x02",
        b"\x81\xc0\xc0",
        b"\x81\xc4\x01a\xc3",
        b"\xdc\x01\x00" + b"\xc0" * 256,
    ),
)


def any_value(r: random.Random, depth: int = 0) -> bytes:
    """Make a value, as MessagePack; now and then it is none."""
    kind = r.randrange(9 if depth < 4 else 6)
    if kind == 0:
        return pack(r.choice((None, True, False, 0.5, -1e308, float("inf"))))
    if kind == 1:
        return pack(r.choice(NUMBERS))
    if kind == 2:
        return pack(r.choice((*NAMES, "", "main", "same", "hello", "x" * 100, "é", "a/b", "a b")))
    if kind == 3:
        return pack(r.randbytes(r.choice((0, 1, 16, 31, 32, 33, 256))))
    if kind == 4:
        return r.choice(RAW)
    if kind == 5:
        return pack(msgpack.ExtType(r.choice((1, 2, 2, 3)), ext_bytes(r)))
    count = r.randrange(4)
    if kind == 6:
        return bytes([0x80 | count]) + b"".join(any_value(r, depth + 1) for _ in range(2 * count))
    return bytes([0x90 | count]) + b"".join(any_value(r, depth + 1) for _ in range(count))


def ext_bytes(r: random.Random) -> bytes:
    """Make what an integer or an array of Python's may look like."""
    if r.random() < 0.3:
        return r.randbytes(r.choice((0, 1, 2, 9, 40)))
    code = r.choice("bBhHiIqQfdlLcO")
    shape = [r.choice((0, 1, 2, 3, 2**16, 2**32 - 1)) for _ in range(r.randrange(1, 4))]
    count = r.choice((len(shape), len(shape), 0, 8, 9, 255))
    return struct.pack(f"<cB{len(shape)}I", code.encode(), count, *shape) + r.randbytes(
        r.choice((0, 1, 2, 4, 8, 24))
    )


# ---- Requests that a host might send -------------------------------------------------------------


def request(method: str, *params: object) -> Request:
    """Make a request of values."""
    return Request(pack(method), tuple(SESSION if p is SESSION else pack(p) for p in params))


def upload(r: random.Random) -> list[Request]:
    """Make an upload, whose bytes or terms may be wrong."""
    data, kind = r.choice(BLOBS), BLOB
    draw = r.random()
    if draw < 0.3:  # behind a right hash
        data = edited(
            data, [(r.randrange(40, len(data)), r.randrange(256)) for _ in range(r.randrange(1, 4))]
        )
        data = data[:8] + hashlib.sha256(data[PROLOGUE.size :]).digest() + data[PROLOGUE.size :]
    elif draw < 0.5:
        data, kind = r.randbytes(r.choice((0, 1, 255, 256, 257, 700))), r.choice((SCRIPT, DATA))
    stated = r.choice((len(data), len(data), len(data), r.choice(NUMBERS)))
    pieces = [(at, data[at : at + PIECE_BYTES]) for at in range(0, len(data), PIECE_BYTES)]
    if r.random() < 0.2:
        r.shuffle(pieces)
    name = r.choice(NAMES)
    made = [request("put_begin", name, kind, stated, hashlib.sha256(data).digest())]
    made += [request("put_data", SESSION, at, piece) for at, piece in pieces]
    terms = (r.random() < 0.5, r.choice((0, 0, 1, 60, 2**32 - 1)), r.choice((0, 1)), 20)
    return [*made, request("put_end", SESSION, *terms)]


def copy(r: random.Random) -> list[Request]:
    """Make an upload of bytes that are in flash."""
    begin = request("put_begin", r.choice(NAMES), DATA, r.choice((256, 8192)), r.randbytes(32))
    made = [begin]
    for _ in range(r.randrange(1, 4)):
        place = (r.choice((0, 256, 4096)), r.choice((0, 0x20000, 0x21000, *NUMBERS)))
        if r.random() < 0.5:
            made.append(request("put_copy", SESSION, *place, r.choice((256, 4096, 1))))
        else:
            patch = r.choice((b"", b"\xff" * 16, r.randbytes(40)))
            made.append(request("put_patch", SESSION, *place, r.choice((256, 1024)), patch))
    return [*made, request("put_end", SESSION)]


def use(r: random.Random) -> list[Request]:
    """Make requests to the active model."""
    data = r.choice(
        (b"\x20", b"", b"\x20\x20", [1, 1, 1, 0, b"\x80"], [1, 0, 2**31, 999, b""], None)
    )
    number = r.choice(NUMBERS)
    return r.sample(
        [
            request("run", r.choice((0, 0, 1, number)), [data], r.random() < 0.3),
            request("run", 0, None, False, number),
            request("run", 0, [data] * r.choice((0, 2, 40))),
            request("in_write", r.choice((0, number)), r.choice((0, number)), data),
            request("out_read", r.choice((0, number)), r.choice((1, number))),
            request(
                "run_steps", r.choice((0, number)), r.choice((0, number)), r.choice((1, number))
            ),
            request("arena_read", r.choice((0, number)), r.choice((64, number))),
            request("reset_state"),
            request("model"),
        ],
        r.randrange(1, 6),
    )


def look(r: random.Random) -> list[Request]:
    """Make requests that only read."""
    number, name = r.choice(NUMBERS), r.choice((*NAMES, "kept", "nobody", ""))
    at, size = r.choice((0, 0x20000, number)), r.choice((0, 256, 4096, number))
    return r.sample(
        [
            *(request("ls", number), request("ls"), request("held", number), request("wear")),
            *(request("history", name, number), request("trial"), request("help", name)),
            *(request("get", name, at, size), request("flash_read", at, size)),
            request("hashes", at, size, r.choice((256, 65536, number))),
            *(request("ping", number), request("rpc_list", number), request("help", "run")),
        ],
        r.randrange(1, 5),
    )


def change(r: random.Random) -> list[Request]:
    """Make requests that change which version of what is current."""
    name = r.choice((*NAMES, "nobody", ""))
    return r.sample(
        [
            request("activate", name, r.choice((0, 0, 1, 60)), r.choice((0, 1))),
            *(request("rollback", name), request("confirm", name), request("rm", name)),
            request("format", r.choice(("", "erase", "erase all ", "ERASE ALL"))),
            request("baud", r.choice((0, 9600, 115200, 1000000, *NUMBERS))),
            request("hello", r.choice(NUMBERS)),
            *(request("events", r.random() < 0.5), request("reset", r.random() < 0.3)),
        ],
        r.randrange(1, 4),
    )


def python(r: random.Random) -> list[Request]:
    """Make requests to the VM, with values of every kind."""
    args = array_head(count := r.randrange(4)) + b"".join(any_value(r) for _ in range(count))
    named = b"\x81\xa1" + r.choice(b"abc").to_bytes(1, "big") + any_value(r)
    call = Request(pack("call"), (pack("same"), args, r.choice((b"\x80", b"\x80", named))))
    return r.sample(
        [
            *(call, call, replace(call, params=(pack("same"), any_value(r), any_value(r)))),
            request(r.choice(("exec", "eval")), r.choice(SOURCES)),
            *(request("call", r.choice(("same", "nobody", "")), [], {}), request("interrupt")),
        ],
        r.randrange(1, 4),
    )


METHODS = (
    *("hello", "help", "ping", "baud", "ls", "put_begin", "put_data", "put_copy", "put_patch"),
    *("put_end", "get", "flash_read", "rm", "activate", "confirm", "rollback", "trial", "history"),
    *("held", "hashes", "wear", "format", "model", "in_write", "run", "out_read", "reset_state"),
    *("run_steps", "arena_read", "exec", "eval", "interrupt", "rpc_list", "call", "events"),
)
UNKNOWN = ("", "nothing", "hell", "hello\0", "put_dat", "x" * 300, "é")


def wild(r: random.Random) -> list[Request]:
    """Make a request of any values."""
    method = pack(r.choice(METHODS if r.random() < 0.9 else UNKNOWN))
    params = [SESSION if r.random() < 0.1 else any_value(r) for _ in range(r.randrange(6))]
    return [Request(any_value(r) if r.random() < 0.03 else method, tuple(params))]


Make = Callable[[random.Random], list[Request]]
MAKERS: dict[Make, int] = {upload: 3, copy: 1, use: 5, look: 3, change: 3, python: 5, wild: 8}


# ---- What is done to them ------------------------------------------------------------------------


def disturbed(r: random.Random, one: Request) -> list[Item]:
    """Leave most requests as they are; change, damage, repeat the others."""
    draw = r.random()
    if draw < 0.12 and one.params:
        params = list(one.params)
        params[r.randrange(len(params))] = any_value(r)
        return [replace(one, params=tuple(params))]
    if draw < 0.16:
        return [replace(one, params=(*one.params, any_value(r)))]
    if draw < 0.20:
        return [replace(one, params=one.params[:-1])]
    if draw < 0.28:
        edits = tuple((r.randrange(400), r.randrange(256)) for _ in range(r.randrange(1, 4)))
        return [replace(one, edits=edits)]
    if draw < 0.30:
        return [replace(one, cut=r.randrange(1, 5))]
    if draw < 0.32:
        return [replace(one, kind=r.choice((1, 2, 3, 255)))]
    if draw < 0.33:
        return [replace(one, odd_id=r.choice((b"\x00", b"\xc0", pack(2**32), pack(-1), b"\xa1x")))]
    if draw < 0.35:
        return [one, replace(one, back=r.choice((1, 1, 2, 30)))]
    if draw < 0.40:
        return [replace(one, damage=((r.randrange(400), r.randrange(256)),))]
    if draw < 0.43:
        return [noise(r), one]
    return [one]


def noise(r: random.Random) -> bytes:
    """Make bytes that are no frame: zeros, text, one that is too long or never ends."""
    return r.choice(
        (
            b"\0" * r.choice((1, 2, 7, 9)),
            b"\0" + b"\x01" * r.choice((1, 6, 5000)) + b"\0",
            b"\0" + r.randbytes(20),
            b"x = 1\r\n",
            b"\x03",
        )
    )


def batch(seed: str, size: int) -> list[Item]:
    """Make some requests in a row.

    Args:
        seed: the same gives the same.
        size: how many at least.
    """
    r = random.Random(seed)
    makers, weights = list(MAKERS), list(MAKERS.values())
    items: list[Item] = []
    while len(items) < size:
        [make] = r.choices(makers, weights)
        for one in make(r):
            items += disturbed(r, one)
    return items
