"""A board on a line: its state, its text, its Python; `Device` adds models."""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from host_sdk.display.table import html_table
from host_sdk.link.baud import is_raised, negotiate, restore
from host_sdk.link.board_info import BoardInfo
from host_sdk.link.keepalive import KeepAlive
from host_sdk.link.session import Session
from host_sdk.link.values import Value
from host_sdk.scripting.console import Console, TextListener
from host_sdk.scripting.events import EventCallback, Events, EventStream
from host_sdk.scripting.python import PythonService
from host_sdk.scripting.rpc import Rpc
from host_sdk.scripting.task import F, make_task
from host_sdk.transports import Transport, open_transport
from host_sdk.transports.open import default_port
from host_sdk.trust import attestation, orders, policy
from host_sdk.trust.keys import read_public_key
from host_sdk.trust.signers import Signer

MaxBaud: TypeAlias = "int | Literal['max'] | None"


class Connection:
    """An open connection to a board; see `Device` for arguments and errors."""

    def __init__(
        self,
        port: str | Transport | None,
        baud: int,
        max_baud: MaxBaud,
        timeout_s: float,
        on_text: TextListener | None,
    ) -> None:
        if port is None:
            port = default_port()
        self.stdout = Console(on_text)
        transport = open_transport(port, baud) if isinstance(port, str) else port
        self._port = transport.name
        self._transport = transport
        self._session = Session(transport, self.stdout.take, timeout_s)
        self._max_baud = max_baud
        self._events = Events(self._session)
        self._alive = KeepAlive(self._session, self._is_depended_on, self._events.end)
        self._negotiate()
        self._python = PythonService(self._session, self.stdout)
        self.rpc = Rpc(self._session)

    def ping(self, value: Value = None) -> Value:
        """Get a value back from the board; whatever runs there, it answers at once."""
        return self._session.call("ping", value)

    def info(self) -> BoardInfo:
        """Ask for the board, its firmware and its limits as they are now."""
        return self._session.refresh()

    @property
    def baud(self) -> int:
        """Bits per second of the line now; 0 if it has no speed, as on USB."""
        return getattr(self._transport, "baud", 0)

    def set_baud(self, baud: int) -> int:
        """Change the line's speed together with the board's, until the next restart.

        Returns:
            Bits per second now: those of before if the line does not carry the new ones; 0 if it
            has no speed.

        Raises:
            RequestError: the board has no such speed.
            LockedError: a locked board keeps its speed.
        """
        return negotiate(self._session, self._transport, baud)

    @property
    def port(self) -> str:
        """The name of the port."""
        return self._port

    @property
    def session(self) -> Session:
        """What requests go through: for those of docs/SPEC-wire.md with no method here."""
        return self._session

    @property
    def started_serving(self) -> bool:
        """Whether a MicroPython's prompt was there and was told `xipnet.serve()`."""
        return self._session.started_serving

    @property
    def is_open(self) -> bool:
        """False once the port is closed or gone."""
        return self._session.link.is_open

    def close(self) -> None:
        """Free the port; end a simulated board. Calling it again does nothing."""
        self._events.stop()
        if self.is_open:
            restore(self._session, self._transport)
        self._session.close()

    # ---- Python on the board ---------------------------------------------------------------------

    def exec(self, source: str, *, timeout_s: float | None = None) -> str:
        """Run Python on the board, in the REPL's `__main__`.

        Args:
            source: of any length.
            timeout_s: None waits for ever. Ctrl-C interrupts the board, too.

        Returns:
            What it printed.

        Raises:
            PythonError: it raised; holds the device's traceback and what was printed before.
            BusyError: the board runs another source.
        """
        return self._python.exec(source, timeout_s)

    def eval(self, source: str, *, timeout_s: float | None = None) -> Any:
        """Evaluate a Python expression on the board, of a type that the wire carries.

        Raises:
            PythonError: it raised, or the value is of another type.
        """
        return self._python.eval(source, timeout_s)

    def task(self, function: F) -> F:
        """Decorate a function of this program to run on the board.

            @board.task
            def blink(times, pause_ms=100):
                from machine import Pin
                ...

        Its source goes to the board at once, and it becomes an rpc function of its name there. It
        uses its arguments, what it imports itself, and the board's globals; nothing of this
        program. Arguments and results are as for `rpc`.

        Raises:
            InputError: its source cannot stand alone.
            PythonError: the board cannot compile it.
        """
        return make_task(function, self._python, self.rpc)

    def on(self, topic: str, callback: EventCallback) -> Callable[[], None]:
        """Call back with each value that the board emits under a topic.

        Args:
            topic: first argument of `xipnet.emit(topic, value)` on the board.
            callback: gets the value, in another thread; it may use the board.

        Returns:
            A function that ends it.
        """
        off = self._events.on(topic, callback)
        self._alive.start()
        return off

    def events(self, *topics: str, timeout_s: float | None = None) -> EventStream:
        """Iterate over what the board emits from now on.

            for event in board.events(): ...

        Args:
            topics: of these only; none: of all.
            timeout_s: ends when nothing came for so long; None waits for ever. While somebody
                listens, a silent board is asked for a sign of life every other second; one that is
                gone ends the iteration with a `LinkError`.
        """
        stream = self._events.listen(topics, timeout_s)
        self._alive.start()
        return stream

    @property
    def lost_events(self) -> int:
        """Events that the line lost, known by the gaps in their numbers."""
        return self._events.lost

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the Python that runs on the board."""
        self._python.interrupt()

    def write_text(self, text: bytes) -> None:
        """Type into the board's REPL."""
        self._session.link.write_text(text)

    # ---- Trust -----------------------------------------------------------------------------------

    def trust(self) -> policy.Trust:
        """Ask whose models and scripts the board takes (docs/SIGNING.md).

        Raises:
            MethodError: its firmware is of the open build, which takes everybody's.
        """
        return policy.read_trust(self._session)

    def lock(
        self,
        state: str,
        product: str = "",
        keys: Sequence[bytes | str | os.PathLike[str]] = (),
        *,
        reads: bool = False,
    ) -> policy.Trust:
        """Give the board a policy: from now on it takes what is sealed for this product.

        A board without a source of random numbers that has no key of its own yet gets 32 bytes
        of this computer's for one first; then `source` of what is returned is "host".

        Args:
            state: "warn" takes what has no seal, too, and counts it; "locked"; "counted" refuses
                what is below the floor of the security counter as well; "open" undoes it.
            product: 1 to 15 printable ASCII characters; none for "open".
            keys: one or two public keys whose seals and orders are taken: 32 bytes, hexadecimal
                digits, or files. A key that is left out is revoked. None for "open".
            reads: hosts may read models and results from a locked board; `infer` and what it
                serves need that.

        Returns:
            The policy that holds now.

        Raises:
            MethodError: the firmware is of the open build.
            InputError: an argument is out of its range.
            SealError: the active model, or the script boot or main, is not sealed for this policy.
            LockedError: it is locked: `unlock` it first.
            PolicyError: the board refuses this policy.
        """
        public = [read_public_key(key) for key in keys]
        return policy.write_policy(self._session, state, product, public, reads)

    def unlock(self, signer: Signer, *, board: bytes | None = None) -> None:
        """Unlock the board until its next start: it acts as in the state "warn" then.

        Args:
            signer: has a key of the board's policy; it is handed 128 bytes that are good for this
                board once.
            board: id that the board must have, 16 bytes, see `trust`; None: any. Who has the line
                could otherwise have another board of the same policy unlocked.

        Raises:
            MethodError: the firmware is of the open build.
            InputError: it is another board; nothing was signed.
            SignerError: nothing was signed.
            PolicyError: the board refuses the order.
        """
        orders.unlock(self._session, signer, board)

    def attest(
        self, nonce: bytes | None = None, device_key: bytes | None = None
    ) -> attestation.Attestation:
        """Have the board sign what it runs and holds, and check the signature.

        Args:
            nonce: 32 bytes that were not used before; None: random ones.
            device_key: public key of this board, 32 bytes, known from before; None: the one that
                it names now: then `was_known` of what is returned is False.

        Raises:
            MethodError: the firmware is of the open build.
            AttestationError: it is not signed by that key, or not for this nonce.
            PolicyError: the board has no key of its own.
            ToolMissingError: `cryptography` is not installed.
        """
        nonce = secrets.token_bytes(orders.NONCE_BYTES) if nonce is None else nonce
        return attestation.attest(self._session, nonce, device_key)

    # ---- The line --------------------------------------------------------------------------------

    def _restart(self, safe: bool, timeout_s: float) -> None:
        restore(self._session, self._transport)
        self._session.restart(timeout_s, safe)
        self._negotiate()

    def _negotiate(self) -> None:
        if self._max_baud is None:
            return
        try:
            negotiate(self._session, self._transport, self._max_baud)
        except BaseException:
            self._session.close()
            raise
        self._alive.start()

    def _is_depended_on(self) -> bool:
        return self._events.is_heard or is_raised(self._transport)

    def __repr__(self) -> str:
        i = self._session.info
        name = type(self).__name__
        return f"<{name} {self._port}: {i.board} ({i.cpu}), firmware {i.firmware}>"

    def _repr_html_(self) -> str:
        i = self._session.info
        rows = [
            ("board", f"{i.board} ({i.cpu})"),
            ("firmware", f"{i.firmware}, {i.python}"),
            ("flash", f"{i.free_bytes:,} of {i.flash_bytes:,} bytes free"),
            ("RAM for models", f"{i.arena_bytes:,} bytes"),
            ("last start", str(i.boot) + (f", safe mode by {i.safe}" if i.safe else "")),
            *(("trouble", trouble) for trouble in i.troubles),
        ]
        return html_table(self._port, ("", ""), rows)


def warn_of_old_name(old: str, new: str) -> None:
    """Warn the caller's caller that a name is deprecated."""
    message = f"{old} is deprecated: use {new}; version 0.2 has only that"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
