"""What is whole is copied out of any store; board and reader agree."""

from __future__ import annotations

import json
import random
import re
import struct
import zlib
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from host_sdk import Device, InputError, Rescue, StoreError
from host_sdk.cli import main
from host_sdk.store.inventory import read_extents
from host_sdk.store.log_reader import read_log
from host_sdk.store.log_records import SLOT_BYTES, Record, mend_record, read_format, read_record
from host_sdk.store.raw_flash import FileFlash
from host_sdk.store.rescue import rescue
from host_sdk.transports.core import open_core
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.store.damage import flip, words

RECORD = struct.Struct("<IIBBH40s32s5I2H5I")  # of SPEC-store
STATES = ["current", "earlier", "withdrawn"]
CONTENTS = {"data.bin": words(1, 5000), "lib/a.py": words(2, 300), "main.py": words(3, 4096)}


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    """Make a store of three objects, one with an earlier version, and a model."""
    path = tmp_path / "flash"
    with Device(open_core(path)) as board:
        board.put("main.py", b"the first version")
        for name, data in CONTENTS.items():
            board.put(name, data)
        board.load_model(make_blob(), "adds")
    return path


def rescued(flash: Path) -> tuple[Rescue, dict[str, bytes]]:
    folder = flash.with_name("rescued")
    with FileFlash(flash) as raw:
        done = rescue(raw, folder)
    return done, {p.name: p.read_bytes() for p in folder.iterdir()}


def slots(flash: Path) -> list[tuple[int, bytes]]:
    """Return the offset and the bytes of each slot of the log that is not blank."""
    raw = flash.read_bytes()[: 2 * 65536]
    found = [(at, raw[at : at + SLOT_BYTES]) for at in range(0, len(raw), SLOT_BYTES)]
    return [(at, s) for at, s in found if read_format(s) or read_record(s)]


def overwrite(flash: Path, at: int, data: bytes) -> None:
    with flash.open("r+b") as file:
        file.seek(at)
        file.write(data)


def rot(flash: Path, *, formats: bool = False, name: str = "") -> int:
    """Damage FORMAT records, or the OBJECT records of a name; return how many."""
    count = 0
    for at, slot in slots(flash):
        record = read_record(slot)
        is_named = record is not None and record.kind == 2 and record.text_name == name
        if is_named or (formats and read_format(slot)):
            overwrite(flash, at + 60, bytes(b ^ 0x5A for b in slot[60:64]))
            count += 1
    return count


# ---- Files of a flash ----------------------------------------------------------------------------


def test_a_healthy_store(flash: Path) -> None:
    done, files = rescued(flash)
    assert done.ok
    assert done.lost_records == 0
    assert files == {
        "data.bin": CONTENTS["data.bin"],
        "lib%2Fa.py": CONTENTS["lib/a.py"],
        "main.py": CONTENTS["main.py"],
        "main.py~v1": b"the first version",
        "adds": make_blob(),
    }
    assert [(o.name, o.version, o.type, o.state, o.damage) for o in done.objects] == [
        ("adds", 1, "blob", "current", ""),
        ("data.bin", 1, "data", "current", ""),
        ("lib/a.py", 1, "script", "current", ""),
        ("main.py", 1, "script", "earlier", ""),
        ("main.py", 2, "script", "current", ""),
    ]


def test_a_damaged_object_has_its_own_kind_of_file(flash: Path) -> None:
    flip(flash, CONTENTS["data.bin"], 4999)
    done, files = rescued(flash)
    assert not done.ok
    assert {o.name: o.damage for o in done.objects if o.damage} == {"data.bin": "SHA-256 differs"}
    assert "data.bin" not in files
    assert files["data.bin~damaged"][:-1] == CONTENTS["data.bin"][:-1]
    assert files["main.py"] == CONTENTS["main.py"]
    assert "1 are damaged" in str(done)


def test_a_damaged_record_is_told(flash: Path) -> None:
    assert rot(flash, name="data.bin") == 1
    done, files = rescued(flash)
    assert done.lost_records == 1
    assert not done.ok
    assert "1 records of the log cannot be read" in str(done)
    assert sorted(files) == ["adds", "lib%2Fa.py", "main.py", "main.py~v1"]


@pytest.mark.parametrize("names", [("data.bin",), ("main.py",), ("main.py", "lib/a.py")])
def test_the_board_counts_the_same_records(flash: Path, names: tuple[str, ...]) -> None:
    for name in names:
        rot(flash, name=name)
    done, _ = rescued(flash)
    with Device(open_core(flash)) as board:
        log = board.info().log
        assert done.lost_records == log.lost + log.unclear
        current = {o.name for o in done.objects if o.state == "current"}
        assert {o.name for o in board.ls()} == current
        assert "records of the store's log are damaged" in board.info().troubles[0]
        assert len(board.lost()) == log.lost


def test_a_store_of_the_format_before_is_read(flash: Path) -> None:
    """A store of major 2: smaller areas, one FORMAT record."""
    found = [s for _, s in slots(flash) if (r := read_record(s)) and r.kind in (2, 4, 8)]
    head = bytearray(next(s for _, s in slots(flash) if read_format(s)))
    head[10], head[32:36], head[40:48] = 2, (16384).to_bytes(4, "little"), bytes(8)
    old = [signed(bytes(head)), *found]
    overwrite(flash, 0, b"".join(old).ljust(32768, b"\xff"))
    done, _ = rescued(flash)
    assert {o.name for o in done.objects} == {*CONTENTS, "adds"}
    assert not any(o.damage for o in done.objects)


def test_the_last_record_too(flash: Path) -> None:
    assert rot(flash, name="adds") == 1
    done, files = rescued(flash)
    assert done.lost_records == 1
    assert "adds" not in files


def test_one_wrong_bit_of_a_record_is_mended(flash: Path) -> None:
    for at, slot in slots(flash):
        record = read_record(slot)
        if record is not None and record.text_name == "main.py":
            overwrite(flash, at + 70, bytes([slot[70] ^ 4]))
    done, files = rescued(flash)
    assert done.ok
    assert len(files) == 5


@pytest.mark.parametrize("bit", [0, 31, 32, 500, 8 * SLOT_BYTES - 1])
def test_any_wrong_bit_is_found(flash: Path, bit: int) -> None:
    slot = next(s for _, s in slots(flash) if read_record(s))
    wrong = int.from_bytes(slot, "little") ^ (1 << bit)
    assert read_record(wrong.to_bytes(SLOT_BYTES, "little")) is None
    assert mend_record(wrong.to_bytes(SLOT_BYTES, "little")) == read_record(slot)
    assert mend_record((wrong ^ (0b101 << 300)).to_bytes(SLOT_BYTES, "little")) is None


def test_without_a_format_record_all_is_there(flash: Path) -> None:
    assert rot(flash, formats=True) >= 1
    done, files = rescued(flash)
    assert len(files) == 5
    assert not any(o.damage for o in done.objects)
    assert done.lost_records == 1


def test_a_flash_of_noise_and_a_blank_one(tmp_path: Path) -> None:
    noise, blank = tmp_path / "noise", tmp_path / "blank"
    noise.write_bytes(words(9, 1 << 20))
    blank.write_bytes(b"\xff" * (1 << 20))
    done, files = rescued(noise)
    assert (done.objects, done.ok, files) == ((), False, {})
    done, files = rescued(blank)
    assert (done.objects, done.ok, files) == ((), True, {})


def test_files_that_are_no_flash(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(bytes(1000))
    with pytest.raises(InputError, match="must have at least 32768 bytes; has 1000"):
        FileFlash(tmp_path / "short")
    with pytest.raises(InputError, match="cannot be read"):
        FileFlash(tmp_path / "none")


def test_a_flash_with_sectors_of_two_sizes(tmp_path: Path) -> None:
    """The areas are smaller than a sector; extents begin behind them."""
    flash = tmp_path / "flash"
    flash.write_bytes(b"\xff" * (32768 + 131072))
    with Device(open_core(flash)) as board:
        board.put("data.bin", CONTENTS["data.bin"])
    for at, slot in slots(flash):
        if read_format(slot):  # as a board with sectors of 16 KB for the log would write it
            overwrite(flash, at, signed(slot[:28] + (131072).to_bytes(4, "little") + slot[32:]))
    done, files = rescued(flash)
    assert done.ok
    assert files == {"data.bin": CONTENTS["data.bin"]}
    with FileFlash(flash) as raw:
        assert (raw.size_bytes, raw.sector_bytes) == (32768 + 131072, 131072)


def test_a_folder_that_is_not_empty_is_left_alone(flash: Path) -> None:
    with pytest.raises(InputError, match="must be new or empty"), FileFlash(flash) as raw:
        rescue(raw, flash.parent)


def test_a_format_that_is_not_known(flash: Path) -> None:
    for at, slot in slots(flash):
        if read_format(slot):
            overwrite(flash, at, signed(slot[:10] + b"\x09" + slot[11:]))
    with pytest.raises(InputError, match=r"must be of major 2 or 3; is of 9"):
        rescued(flash)


# ---- A log that somebody made --------------------------------------------------------------------


def signed(slot: bytes) -> bytes:
    return zlib.crc32(slot[4:]).to_bytes(4, "little") + slot[4:]


def forge(flash: Path, **changes: object) -> None:
    """Write another record behind the last one of the log."""
    at, slot = next(
        (at, s) for at, s in slots(flash)[::-1] if (r := read_record(s)) and r.kind == 2
    )
    record = read_record(slot)
    assert record is not None
    sequence = max(r.sequence for _, s in slots(flash) if (r := read_record(s)))
    record = record._replace(sequence=sequence + 1, **changes)  # type: ignore[arg-type]
    overwrite(flash, at + SLOT_BYTES, signed(RECORD.pack(*record)))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("../../up", "%2E.%2F..%2Fup"),
        ("/etc/x", "%2Fetc%2Fx"),
        ("CON", "%43ON"),
        ("ADDS", "adds~2"),
    ],
)
def test_no_name_leaves_the_folder(flash: Path, name: str, file: str) -> None:
    forge(flash, name=name.encode().ljust(40, b"\0"))
    done, files = rescued(flash)
    assert done.ok
    assert len(files) == 6
    assert file in files
    assert not (flash.parent / "up").exists()


@pytest.mark.parametrize("name", [b"\x1b[2J", b"", b"n" * 40, "é".encode()])
def test_what_is_no_name_is_passed_over(flash: Path, name: bytes) -> None:
    forge(flash, name=name.ljust(40, b"\0"))
    assert len(rescued(flash)[1]) == 5


@pytest.mark.parametrize("place", [{"offset": 1 << 31}, {"size": 1 << 22}, {"offset": 1 << 20}])
def test_a_place_outside_is_told(flash: Path, place: dict[str, int]) -> None:
    forge(flash, name=b"out".ljust(40, b"\0"), **place)
    done, files = rescued(flash)
    (out,) = [o for o in done.objects if o.name == "out"]
    assert (out.damage, out.file) == ("is outside of the flash", "")
    assert len(files) == 5


def test_objects_that_claim_more_than_a_flash_are_refused(flash: Path) -> None:
    forge(flash, name=b"out".ljust(40, b"\0"), size=1 << 25)
    with pytest.raises(InputError, match="must have at most 16 times the flash's 1048576 bytes"):
        rescued(flash)


@pytest.mark.parametrize(
    ("size", "sector", "rule"),
    [
        (1 << 40, 4096, "flash must have 1 to 268435456 bytes; has 1099511627776"),
        (0, 4096, "flash must have 1 to"),
        (1 << 20, 0, "sector must be a power of two, at least 1024 bytes; is 0"),
        (1 << 20, 5000, "sector must be a power of two"),
    ],
)
def test_a_flash_that_nobody_has_is_refused(size: int, sector: int, rule: str) -> None:
    class Claimed:
        size_bytes, sector_bytes = size, sector

        def read(self, at: int, size: int) -> bytes:
            raise AssertionError("nothing is read")

    with pytest.raises(InputError, match=rule):
        read_log(Claimed())


def test_a_log_of_too_many_objects_is_refused(tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    record = [0, 0, 2, 0, 3, b"name", bytes(32), 1 << 20, 1, 4096, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    records = b""
    for i in range(4097):
        record[1] = record[10] = i + 1
        records += signed(RECORD.pack(*record))
    with flash.open("wb") as file:
        file.write(records)
        file.truncate(1 << 28)
    with pytest.raises(InputError, match="must name at most 4096 objects"):
        rescued(flash)


# ---- Stores of a board that is locked ------------------------------------------------------------

SEAL = words(77, 192)


def append(flash: Path, *kinds: tuple[int, int, bytes]) -> None:
    """Write records behind the last one: kind, flags, and the bytes behind these."""
    found = [(at, r) for at, s in slots(flash) if (r := read_record(s))]
    at, last = found[-1]
    sequence = max(r.sequence for _, r in found)
    for i, (kind, flags, rest) in enumerate(kinds, 1):
        head = struct.pack("<IBBH", sequence + i, kind, flags, 0)
        slot = bytearray((bytes(4) + head + rest).ljust(SLOT_BYTES, b"\0"))
        slot[100:104] = last.generation.to_bytes(4, "little")
        overwrite(flash, at + i * SLOT_BYTES, signed(bytes(slot)))


def add_sealed(flash: Path, name: bytes, data: bytes = b"sealed bytes") -> int:
    """Add an object with a seal; return where its extent is."""
    at = (1 << 20) - 4096
    overwrite(flash, at, data.ljust(4096 - len(SEAL), b"\xff") + SEAL)
    place = {"offset": at, "size": len(data), "extent_bytes": 4096, "flags": 32, "counter": 5}
    forge(flash, name=name.ljust(40, b"\0"), sha256=sha256(data).digest(), **place)
    return at


def test_a_seal_is_a_file_beside_its_object(flash: Path) -> None:
    add_sealed(flash, b"locked.bin")
    done, files = rescued(flash)
    assert done.ok
    assert files["locked.bin"] == b"sealed bytes"
    assert files["locked.bin.seal"] == SEAL
    assert len(files) == 7
    assert "locked.bin, locked.bin.seal" in str(done)
    assert [o.seal for o in done.objects if o.name == "data.bin"] == [""]


def test_a_damaged_object_has_no_seal_beside_it(flash: Path) -> None:
    at = add_sealed(flash, b"locked.bin")
    overwrite(flash, at, b"S")
    done, files = rescued(flash)
    assert [o.seal for o in done.objects if o.damage] == [""]
    assert "locked.bin~damaged" in files
    assert not any(name.endswith(".seal") for name in files)


def test_a_seal_takes_no_object_s_file(flash: Path) -> None:
    with Device(open_core(flash)) as board:
        board.put("Locked.bin.SEAL", b"no seal")
    add_sealed(flash, b"locked.bin")
    _, files = rescued(flash)
    assert sorted((files.pop("Locked.bin.SEAL"), files.pop("locked.bin.seal~2"))) == [
        *sorted((b"no seal", SEAL))
    ]


SEED, KEY = bytes(range(101, 133)), words(5, 32)
DEVICE = (14, 1, SEED + KEY + b"host".ljust(16, b"\0"))


def test_records_of_trust_are_no_damage(flash: Path) -> None:
    trust = (13, 0, b"lamp".ljust(16, b"\0") + words(6, 64))
    append(flash, trust, trust, DEVICE, DEVICE, (15, 1, b""))
    done, files = rescued(flash)
    assert done.ok
    assert len(files) == 5


def test_the_board_s_secret_is_not_shown(flash: Path) -> None:
    append(flash, DEVICE)
    (record,) = [r for _, s in slots(flash) if (r := read_record(s)) and r.kind == 14]
    assert record.name == bytes(40)
    assert not any(SEED[i : i + 4] in record.sha256 for i in range(28))


@pytest.mark.parametrize("count", [1, 2])
def test_a_record_whose_secret_the_board_left_out_is_whole(flash: Path, count: int) -> None:
    append(flash, *[DEVICE] * count)
    raw = flash.read_bytes()
    for at in (at for at, s in slots(flash) if (r := read_record(s)) and r.kind == 14):
        assert raw[at + 12 : at + 44] == SEED
        overwrite(flash, at + 12, bytes(32))
    done, _ = rescued(flash)
    assert done.ok


# ---- The board and the reader agree --------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_log_says_what_the_board_says(tmp_path: Path, seed: int) -> None:
    choose = random.Random(seed)
    flash = tmp_path / "flash"
    flash.write_bytes(b"\xff" * (1 << 18))
    with Device(open_core(flash)) as board, FileFlash(flash) as raw:
        for i in range(80):
            name = f"n{choose.randrange(5)}"
            try:
                if choose.random() < 0.7:
                    board.put(name, words(choose.randrange(1 << 30), choose.randrange(1, 9000)))
                elif choose.random() < 0.5:
                    board.rm(name)
                else:
                    board.rollback(name)
            except StoreError:
                pass  # it is not there, or has no earlier version
            if i % 10 != 9:
                continue
            said = {
                (e.name, STATES[e.state], e.at, e.size_bytes, e.sha256)
                for e in read_extents(board._session)
                if e.state < len(STATES)
            }
            log = read_log(raw)
            assert log.lost == 0
            assert {(o.name, o.state, o.at, o.size_bytes, o.sha256) for o in log.objects} == said


def test_a_copy_that_rots_is_still_in_the_older_log(tmp_path: Path) -> None:
    flash, data = tmp_path / "flash", words(1, 2000)
    flash.write_bytes(b"\xff" * (1 << 18))
    with Device(open_core(flash)) as board:
        board.put("kept", data)
        generations = 1
        for i in range(300):
            board.put("changes", words(100 + i, 100))
            generations = len({r.generation for _, s in slots(flash) if (r := read_record(s))})
            if generations == 2:
                break
        assert generations == 2
    newest = max(r.generation for _, s in slots(flash) if (r := read_record(s)))
    for at, slot in slots(flash):
        record = read_record(slot)
        if record and record.generation == newest and record.text_name == "kept":
            overwrite(flash, at + 60, bytes(4))
    done, files = rescued(flash)
    assert files["kept~v1"] == data
    assert [(o.state, o.damage) for o in done.objects if o.name == "kept"] == [("older log", "")]


# ---- Boards --------------------------------------------------------------------------------------


def test_a_board_that_refuses_its_store_is_read(flash: Path) -> None:
    for at, slot in slots(flash):
        if read_format(slot):
            overwrite(flash, at, signed(slot[:24] + (1 << 21).to_bytes(4, "little") + slot[28:]))
    flip(flash, CONTENTS["data.bin"])
    before = sha256(flash.read_bytes()).digest()
    with Device(open_core(flash)) as board:
        assert "store is not readable" in board.info().troubles[0]
        with pytest.raises(StoreError, match="store is not readable"):
            board.get("main.py")
        done = board.rescue(flash.with_name("out"))
        assert sorted(p.name for p in flash.with_name("out").iterdir()) == [
            *("adds", "data.bin~damaged", "lib%2Fa.py", "main.py", "main.py~v1")
        ]
        assert [o.name for o in done.objects if o.damage] == ["data.bin"]
        assert sha256(flash.read_bytes()).digest() == before
        board.format()
        assert board.ls() == []
        assert board.info().troubles == ()


@pytest.mark.parametrize("content", ["no format", "noise"])
def test_a_board_that_finds_no_store_is_read(flash: Path, content: str) -> None:
    if content == "noise":
        flash.write_bytes(words(9, 1 << 20))
    else:
        rot(flash, formats=True)
    before = sha256(flash.read_bytes()).digest()
    with Device(open_core(flash)) as board:
        assert "store is not readable" in board.info().troubles[0]
        done = board.rescue(flash.with_name("out"))
    assert sha256(flash.read_bytes()).digest() == before
    assert len(done.objects) == (0 if content == "noise" else 5)
    assert not any(o.damage for o in done.objects)
    assert not done.ok


def test_the_commands(flash: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def xipnet(*arguments: str | Path, text: str = "") -> tuple[int, str]:
        shown = CliRunner().invoke(main, [str(a) for a in arguments], input=text)
        return shown.exit_code, shown.output

    def core(*_: object) -> Device:
        return Device(open_core(flash))

    monkeypatch.setattr("host_sdk.cli.common.open_board", core)
    monkeypatch.setattr("host_sdk.cli.rescuing.open_board", core)
    code, text = xipnet("rescue", tmp_path / "1")
    assert code == 0, text
    assert "5 objects are whole, 0 are damaged" in text
    flip(flash, CONTENTS["main.py"])
    code, text = xipnet("rescue", tmp_path / "2")
    assert (code, "SHA-256 differs" in text) == (1, True)
    code, text = xipnet("rescue", tmp_path / "3", "--flash", flash, "--json")
    assert code == 1
    assert [o["name"] for o in json.loads(text)["objects"] if o["damage"]] == ["main.py"]
    assert xipnet("rescue", tmp_path / "4", "--flash", flash, "--port", "x")[0] == 2
    rot(flash, name="data.bin")
    code, text = xipnet("ls")
    assert "Trouble: 1 records of the store's log are damaged" in text
    assert "Trouble: a record of data.bin is lost" in text
    code, text = xipnet("format", text="n\n")
    assert (code, "holds 3 objects" in text) == (1, True)
    with core() as board:
        assert len(board.ls()) == 3
    assert xipnet("format", "--yes")[0] == 0
    with core() as board:
        assert board.ls() == []


def test_records_are_laid_out_as_the_page_says() -> None:
    page = (Path(__file__).parents[4] / "docs" / "SPEC-store.md").read_text(encoding="utf-8")
    section = page.split("## 4. The other records")[1].split("**WEAR**")[0]
    rows = re.findall(r"^\| \d+ \| \d+ \| (\w+) \|", section, re.M)
    assert rows[:-1] == list(Record._fields)[:-1]
