"""The store of the fake board: flash in sectors, uploads that outlive a restart, trials."""

from __future__ import annotations

import hashlib
from typing import Any

from host_sdk.link.messages import Failure
from host_sdk.store.patch import apply_patch

SECTOR = 4096
ZEROS = 0xFFFFFFFF


class Refused(Exception):
    """A reply with an error."""

    def __init__(self, code: int, message: str, detail: str | None = None) -> None:
        self.failure = Failure(code, message, detail)


class FakeStore:
    """The methods of SPEC-wire that work on the store.

    Attributes:
        store: current objects by name: type, data, version, and `at` where flash holds them.
        earlier: versions of each name that are not current, the latest last.
        active: name of the active model.
        data_bytes: what came with put_data and put_patch.
        trial: what is on trial, and what was before.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.flash = bytearray(b"\xff" * (-(-capacity // SECTOR) * SECTOR))
        self.store: dict[str, dict[str, Any]] = {}
        self.earlier: dict[str, list[dict[str, Any]]] = {}
        self.active = ""
        self.data_bytes = 0
        self.trial: dict[str, Any] | None = None
        self.refuse_golden = False
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._upload: dict[str, Any] | None = None
        self._unfinished: dict[bytes, dict[str, Any]] = {}
        self._sessions = 6
        self._end = 0  # of what is taken of the flash

    def restart(self) -> None:
        """What a restart does to the store."""
        self._upload = None
        if self.trial is not None:
            self.trial["boots"] -= 1
            if self.trial["boots"] < 0:
                self.give_back(4, 1, "board restarted before it was confirmed")

    def give_back(self, reason: int, detail: int, text: str) -> None:
        """Ends the trial: the previous model serves again."""
        assert self.trial is not None
        name = self.trial["name"]
        self._withdraw(name, reason, detail, text)
        self.active = self.trial["before"]
        self.trial = None

    # ---- Looking ---------------------------------------------------------------------------------

    def do_ls(self, first: int = 0) -> list[dict[str, Any]]:
        items = [
            {**_describe(name, o), "active": name == self.active} for name, o in self.store.items()
        ]
        return items[first : first + 15]

    def do_held(self, first: int = 0) -> list[dict[str, Any]]:
        states = [(name, o, 0) for name, o in self.store.items()]
        states += [(name, o, 1) for name, old in self.earlier.items() for o in old]
        items = [
            {**_describe(name, o), "state": state, "at": o["at"]}
            for name, o, state in states
            if "at" in o
        ]
        for up in self._unfinished.values():
            extra = {"version": 0, "state": 3}
            items.append({k: up[k] for k in ("name", "type", "size", "sha256", "at")} | extra)
        return items[first : first + 8]

    def do_hashes(self, at: int, size: int, block: int) -> bytes:
        assert block % 256 == 0
        assert size <= 262144
        assert -(-size // block) <= 256
        data = self.flash[at : at + size]
        return b"".join(_digest(data[i : i + block])[:8] for i in range(0, size, block))

    def do_history(self, name: str, first: int = 0) -> list[dict[str, Any]]:
        return self._events.get(name, [])[first : first + 8]

    # ---- Uploading -------------------------------------------------------------------------------

    def do_put_begin(self, name: str, kind: int, size: int, sha256: bytes) -> dict[str, Any]:
        places = [o for o in self._all() if o.get("at") is not None]
        have = [o for o in places if _digest(o["data"]) == sha256]
        resumed = self._unfinished.get(sha256)
        self._sessions += 1
        if have:
            at = have[0]["at"]
        elif resumed:
            at = resumed["at"]
        else:
            at = self._place(size)
        self._upload = {
            "name": name,
            "type": kind,
            "size": size,
            "sha256": sha256,
            "at": at,
            "have": bool(have),
            "erased": set(),
            "session": self._sessions,
        }
        if not have:
            self._unfinished[sha256] = self._upload
        return {
            "have": bool(have),
            "session": self._sessions,
            "offset": 0,
            "at": at,
            "resumed": resumed is not None,
        }

    def _all(self) -> list[dict[str, Any]]:
        return [*self.store.values(), *(o for old in self.earlier.values() for o in old)]

    def _place(self, size: int) -> int:
        used = sum(len(o["data"]) for o in self.store.values())
        at, end = self._end, self._end + -(-size // SECTOR) * SECTOR
        if size > self.capacity - used or end > len(self.flash):
            raise Refused(-21, "no free run of sectors is long enough")
        self._end = end
        return at

    def do_put_data(self, session: int, offset: int, data: bytes) -> None:
        self._write(session, offset, data)
        self.data_bytes += len(data)

    def do_put_copy(self, session: int, offset: int, from_: int, size: int) -> None:
        if from_ + size > len(self.flash):
            raise Refused(-23, "offset or length lies outside")
        self._write(session, offset, bytes(self.flash[from_ : from_ + size]))

    def do_put_patch(self, session: int, offset: int, from_: int, size: int, patch: bytes) -> None:
        old = bytes(size) if from_ == ZEROS else bytes(self.flash[from_ : from_ + size])
        self._write(session, offset, apply_patch(old, patch))
        self.data_bytes += len(patch)

    def _write(self, session: int, offset: int, data: bytes) -> None:
        up = self._session(session)
        assert offset % 256 == 0
        assert len(data) % 256 == 0 or offset + len(data) == up["size"]
        for i in range(offset // SECTOR, (offset + len(data) - 1) // SECTOR + 1):
            if i not in up["erased"]:
                up["erased"].add(i)
                start = up["at"] + i * SECTOR
                self.flash[start : start + SECTOR] = b"\xff" * SECTOR
        at = up["at"] + offset
        blank = b"\xff" * len(data)
        assert self.flash[at : at + len(data)] in (blank, data), "programmed twice"
        self.flash[at : at + len(data)] = data

    def _session(self, session: int) -> dict[str, Any]:
        if self._upload is None or self._upload["session"] != session:
            raise Refused(-25, "no such upload session")
        return self._upload

    def do_put_end(
        self,
        session: int,
        activate: bool = False,
        confirm_s: int = 0,
        boots: int = 0,
        limit_ms: int = 10000,
    ) -> dict[str, Any]:
        up = self._session(session)
        name = up["name"]
        data = bytes(self.flash[up["at"] : up["at"] + up["size"]])
        if _digest(data) != up["sha256"]:
            raise Refused(-26, "SHA-256 of the bytes is not the stated one")
        self._upload = None
        self._unfinished.pop(up["sha256"], None)
        current = self.store.get(name)
        version = 1 if current is None else current["version"]
        if current is not None and current["data"] != data:
            version += 1
        made = {"type": up["type"], "data": data, "version": version, "at": up["at"]}
        if self.refuse_golden:
            self._note(name, made, "refused", 1, -46, "golden vector gave other outputs")
            raise Refused(-46, "golden vector gave other outputs")
        if current is not None and current["version"] != version:
            self.earlier.setdefault(name, []).append(current)
        self.store[name] = made
        self._note(name, made, "installed")
        if activate:
            self._activate(name, confirm_s, boots)
        return {
            "name": name,
            "version": version,
            "active": name == self.active,
            "golden": True,
            "golden_us": 12,
            "pending": self.trial is not None,
            "pause_us": 34,
        }

    # ---- Changing --------------------------------------------------------------------------------

    def do_rm(self, name: str) -> None:
        self._find(name)
        del self.store[name]

    def do_activate(self, name: str, confirm_s: int = 0, boots: int = 0) -> dict[str, Any]:
        self._find(name)
        self._activate(name, confirm_s, boots)
        version = self.store[name]["version"]
        return {"version": version, "pending": self.trial is not None, "pause_us": 34}

    def do_confirm(self, name: str) -> None:
        if self.trial is None or self.trial["name"] != name:
            raise Refused(-29, "model is not on trial")
        self.trial = None
        self._note(name, self.store[name], "confirmed")

    def do_trial(self) -> dict[str, Any] | None:
        if self.trial is None:
            return None
        fields = {key: self.trial[key] for key in ("name", "left_s", "boots")}
        return {**fields, "version": self.store[self.trial["name"]]["version"]}

    def do_rollback(self, name: str) -> dict[str, Any]:
        self._find(name)
        if self.trial is not None and self.trial["name"] == name:
            self.give_back(6, 0, "withdrawn by the host")
        elif not self.earlier.get(name):
            raise Refused(-29, "there is no earlier version")
        else:
            self._withdraw(name, 6, 0, "withdrawn by the host")
        version = self.store[name]["version"] if name in self.store else 0
        return {"version": version, "pause_us": 34}

    def _find(self, name: str) -> None:
        if name not in self.store:
            raise Refused(-20, "no object of that name")

    def _activate(self, name: str, confirm_s: int, boots: int) -> None:
        if confirm_s:
            self.trial = {"name": name, "before": self.active, "left_s": confirm_s, "boots": boots}
        self.active = name
        self._note(name, self.store[name], "activated")

    def _withdraw(self, name: str, reason: int, detail: int, text: str) -> None:
        self._note(name, self.store.pop(name), "returned", reason, detail, text)
        if self.earlier.get(name):
            self.store[name] = self.earlier[name].pop()

    def _note(
        self,
        name: str,
        o: dict[str, Any],
        event: str,
        reason: int = 0,
        detail: int = 0,
        text: str = "",
    ) -> None:
        count = sum(map(len, self._events.values()))
        described = {k: v for k, v in _describe(name, o).items() if k not in ("name", "type")}
        self._events.setdefault(name, []).append(
            {
                **described,
                "sequence": count + 1,
                "event": event,
                "reason": reason,
                "detail": detail,
                "text": text,
            }
        )


def _describe(name: str, o: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "type": o["type"],
        "size": len(o["data"]),
        "sha256": _digest(o["data"]),
        "version": o["version"],
    }


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
