"""Make texts of others harmless: for terminals, pages and names of files.

Whoever sends a text may steer the terminal that shows it (escape sequences), turn its direction
round, or fill it. Every text of a board passes here before a person sees it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

LINE_CHARACTERS = 400
TEXT_CHARACTERS = 1 << 16
_NAME_BYTES = 100
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|com\d|lpt\d)", re.IGNORECASE)
_CUT = "..."


def plain_line(text: str, most: int = LINE_CHARACTERS) -> str:
    r"""Give a text as one line that a terminal or a page can show.

    Args:
        text: any.
        most: characters of it that are kept.

    Returns:
        The text, its control characters, line ends, marks of direction and whatever else cannot be
        printed as escapes: `\\x1b`, `\\n`, `\\u202e`.
    """
    return _escaped(text, most, "")


def plain_list(texts: Iterable[object]) -> str:
    """Write a list of any length as one line that is short; see `plain_line`."""
    return plain_line(", ".join(map(str, texts)))


def plain_text(text: str, most: int = TEXT_CHARACTERS) -> str:
    """Give a text of several lines, such as a traceback; see `plain_line`.

    Args:
        text: any; its line ends and tabs stay.
        most: characters of it that are kept.
    """
    return _escaped(text.replace("\r\n", "\n"), most, "\n\t")


def plain_file_name(name: str) -> str:
    """Name a file for a stored object: never a path, an option or a device.

    Args:
        name: any.

    Returns:
        The name, bytes other than A-Z a-z 0-9 . _ - as %XX, and so what would make it hidden, an
        option or a device of Windows. Other names give other files, but for case. A long one is
        cut and ends with a hash of the whole.
    """
    raw = name.encode("utf-8", "surrogatepass")
    safe = "".join(chr(b) if _is_safe(b) else f"%{b:02X}" for b in raw) or "%"
    if safe[0] in ".-" or _DEVICES.fullmatch(safe.partition(".")[0]):
        safe = f"%{ord(safe[0]):02X}{safe[1:]}"
    if safe[-1] == ".":
        safe = f"{safe[:-1]}%2E"
    if len(safe) > _NAME_BYTES:
        safe = f"{safe[:_NAME_BYTES]}%{hashlib.sha256(raw).hexdigest()[:16]}"
    return safe


def _escaped(text: str, most: int, kept: str) -> str:
    cut = text[:most]
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() or c in kept else _escape(c) for c in cut)
    return cut if len(text) <= most else cut + _CUT


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _is_safe(byte: int) -> bool:
    return byte < 128 and (chr(byte).isalnum() or chr(byte) in "._-")
