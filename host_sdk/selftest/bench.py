"""The board under test, and the list of what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec

from host_sdk.device import Device
from host_sdk.errors import LinkError, XipnetError
from host_sdk.link.session import Session
from host_sdk.selftest.checks import Band, Check

PREFIX = "xn-selftest-"


@dataclass
class Bench:
    """A self-test under way.

    Attributes:
        board: under test.
        quick: whether what takes long is left out.
        bands: what is predicted, by name of a check.
        checks: what was found.
    """

    board: Device
    quick: bool
    bands: Mapping[str, Band]
    checks: list[Check] = field(default_factory=list)

    @property
    def session(self) -> Session:
        """What requests go through."""
        return self.board.session

    @property
    def has_own_clock(self) -> bool:
        """Whether the board has one: a virtual one has this PC's, late if that is busy."""
        return not self.board.port.startswith("sim:")

    def note(
        self, name: str, ok: bool, value: float | None = None, unit: str = "", note: str = ""
    ) -> None:
        """Add what was found."""
        self.checks.append(Check(name, ok, value, unit, self.bands.get(name), note))

    def skip(self, name: str, why: str) -> None:
        """Add what was not tried."""
        self.checks.append(Check(name, True, note=why, tried=False))

    def can_compile(self, name: str) -> bool:
        """Whether the compiler is installed; without it a check was not tried."""
        if find_spec("ziglang") is None:
            self.skip(name, "needs the compiler: pip install 'xipnet[compile]'")
            return False
        return True

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Turn an error into a check that failed; without a link that is the last."""
        try:
            yield
        except XipnetError as error:
            self.note(name, False, note=str(error))
            if isinstance(error, LinkError):
                raise

    @contextmanager
    def stored(self, name: str) -> Iterator[str]:
        """Lend a name in the store; what gets it is removed."""
        full = PREFIX + name
        try:
            yield full
        finally:
            with suppress(XipnetError):
                self.board.rm(full)


def seconds(call: Callable[[], object]) -> float:
    """Measure how long a call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
