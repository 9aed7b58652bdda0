"""Lists that come in several replies: `ls`, `held`, `history`, `rpc_list`."""

from __future__ import annotations

from collections.abc import Iterator

from host_sdk.errors import ProtocolError
from host_sdk.link.session import Session
from host_sdk.link.values import Value
from host_sdk.link.wire_map import WireMap

_RECORD_BYTES = 128  # of the store's log: an item of a list is at least one
_LEAST_ITEMS, _MOST_ITEMS = 1024, 65536


def read_maps(session: Session, method: str, *params: Value) -> Iterator[WireMap]:
    """Read a list of maps; see `read_items`."""
    for i, item in enumerate(read_items(session, method, *params)):
        yield WireMap(item, f"{method}: item {i}")


def read_items(session: Session, method: str, *params: Value) -> Iterator[Value]:
    """Read a list, reply by reply, until an empty one.

    Args:
        session: with the board.
        method: its last parameter is the number of the first item.
        params: its other parameters.

    Raises:
        ProtocolError: a reply is no list, or there are more items than the board's flash can hold.
    """
    most = min(max(session.info.flash_bytes // _RECORD_BYTES, _LEAST_ITEMS), _MOST_ITEMS)
    count = 0
    while True:
        page = session.call(method, *params, count)
        if not isinstance(page, list):
            raise ProtocolError(f"{method}: must be a list; is {type(page).__name__}")
        if not page:
            return
        count += len(page)
        if count > most:
            raise ProtocolError(f"{method}: must have at most {most} items; has {count} or more")
        yield from page
