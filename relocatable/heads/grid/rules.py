"""What the channels of a grid's output may be called."""

from __future__ import annotations

from relocatable.heads.fields import Fields

GEOMETRY = ("cx", "cy", "x", "y", "w", "h", "conf")


def check_layout(
    table: Fields,
    layout: tuple[str, ...],
    sigmoid: tuple[str, ...],
    box: tuple[float, float] | None,
) -> None:
    """Refuse a layout that gives no boxes or no scores.

    Raises:
        HeadError: names the key, the rule and the value seen.
    """
    names = set(layout)
    if len(names) != len(layout):
        raise table.error("layout", "different names", list(layout))
    if names & set(GEOMETRY) - {"conf"} not in ({"cx", "cy", "w", "h"}, {"x", "y"}):
        raise table.error("layout", "names with cx, cy, w, h or with x, y", list(layout))
    if ("x" in names) != (box is not None):
        raise table.error("box", "given for x, y and for nothing else", box)
    if "conf" not in names and names <= set(GEOMETRY):
        raise table.error("layout", "names with conf or with class scores", list(layout))
    if not set(sigmoid) <= names:
        raise table.error("sigmoid", "names of the layout", list(sigmoid))
