"""Runs the active model: inputs to the board, the run, its result back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from host_sdk.client import Client
from host_sdk.errors import ProtocolError
from host_sdk.fields import Fields
from host_sdk.upload import pieces

RUN_TIMEOUT_S = 300.0
_RUN_OVERHEAD_BYTES = 64


@dataclass(frozen=True)
class Ran:
    """A run's result.

    Attributes:
        us: how long it took on the board, microseconds.
        data: the outputs one after another, or the head's result.
        steps_us: of each step, where asked for.
        at_us: the board's clock when it began, microseconds modulo 2**32; None of older boards.
    """

    us: int
    data: bytes
    steps_us: tuple[int, ...]
    at_us: int | None = None


def run(client: Client, inputs: Sequence[bytes], entry: int = 0, profile: bool = False) -> Ran:
    """Runs an entry of the active model.

    Args:
        client: the session.
        inputs: bytes of each input.
        entry: index into the model's entries.
        profile: measure each step.

    Raises:
        RunError: the board refused.
        DeviceFaultError: a step faulted; the board has restarted.
    """
    room = client.info.frame_bytes - _RUN_OVERHEAD_BYTES
    if sum(len(data) + 5 for data in inputs) <= room:
        answer = client.call("run", entry, list(inputs), profile, timeout_s=RUN_TIMEOUT_S)
    else:
        write_inputs(client, inputs)
        answer = client.call("run", entry, None, profile, timeout_s=RUN_TIMEOUT_S)
    fields = Fields(answer, "run")
    size = fields.integer("size")
    data = fields.data("result") if "result" in fields else _read_result(client, size)
    if len(data) != size:
        raise ProtocolError(f"run: result must have {size} bytes; has {len(data)}")
    steps_us = fields.integers("steps") if "steps" in fields else ()
    at_us = fields.integer("at") if "at" in fields else None
    return Ran(us=fields.integer("us"), data=data, steps_us=steps_us, at_us=at_us)


def write_inputs(client: Client, inputs: Sequence[bytes]) -> None:
    """Writes inputs in pieces, several under way at once."""
    for index, data in enumerate(inputs):
        calls = ((index, at, data[at : at + size]) for at, size in pieces(client, len(data)))
        for _ in client.stream("in_write", calls):
            pass


def _read_result(client: Client, size: int) -> bytes:
    parts = client.stream("out_read", pieces(client, size))
    return b"".join(part for part in parts if isinstance(part, bytes))
