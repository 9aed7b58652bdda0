"""The rules of a grid's description."""

from __future__ import annotations

from relocatable.errors import HeadError
from relocatable.heads.fields import Fields
from relocatable.heads.outputs import check_labels

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


def check_grid_labels(labels: tuple[str, ...], classes: int) -> None:
    """Refuse labels that are not as many as the classes.

    Raises:
        HeadError: names the rule and the number seen.
    """
    if classes:
        check_labels(labels, classes, "class scores")
    elif len(labels) > 1:
        raise HeadError(f"labels must be one without class scores; are {len(labels)}")


def read_box(table: Fields) -> tuple[float, float]:
    """Read the size of the box around a point.

    Raises:
        HeadError: names the rule and the value seen.
    """
    box = table.numbers("box")
    if len(box) != 2 or not all(0 < side <= 1 for side in box):
        raise table.error("box", "[width, height], each above 0 and at most 1", list(box))
    return box[0], box[1]
