"""What every converter's program does: replies in JSON, bounds, errors told.

Replies are {"stage": 1}, ... and at last one with "done", "unsafe", "refused", "failed" or
"missing"; with "done" may be a "note" for the user. What the converter prints goes to the standard
error.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

WORDS = 4000  # characters of what went wrong

_MEMORY_BYTES = 8 << 30

# tell(stage=1): write a reply.
Tell: TypeAlias = Callable[..., None]


class RefusedModelError(Exception):
    """A model that cannot be converted, with our words for it."""


def open_replies() -> Tell:
    """Keep the standard output for replies; return what writes one."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a converter prints is no reply

    def tell(**reply: Any) -> None:
        print(json.dumps(reply), file=replies, flush=True)

    return tell


def find_missing(modules: Sequence[str]) -> str | None:
    """Name the first of some modules that is not installed."""
    return next((name for name in modules if importlib.util.find_spec(name) is None), None)


def limit_memory() -> None:
    """Bound what this process may allocate; it leaves no core file."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows; a lower limit holds
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Not of addresses: threads and malloc reserve more of them than they use.
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))


def answer(convert: Callable[[Tell], tuple[bytes, str]], modules: Sequence[str]) -> None:
    """Convert, write the .tflite that the arguments name, and tell what became of it.

    The arguments are PATH OUTPUT PLACE and options; PLACE names the model in errors.

    Args:
        convert: gives the .tflite, and a note or "".
        modules: that must be installed.
    """
    tell = open_replies()
    if missing := find_missing(modules):
        tell(missing=missing)
        return
    limit_memory()
    output, place = sys.argv[2:4]
    try:
        tflite, note = convert(tell)
    except RefusedModelError as error:
        tell(refused=f"{place}: {error}"[:WORDS])
    except (Exception, SystemExit) as error:  # whatever a converter raises
        tell(failed=f"{type(error).__name__}: {error}"[:WORDS])
    else:
        with open(output, "xb") as file:
            file.write(tflite)
        tell(done=True, note=note)
