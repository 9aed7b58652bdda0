"""Small tables as text and HTML, for terminals and notebooks."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from host_sdk.display.plain import plain_line

if TYPE_CHECKING:
    from PIL import Image


def short_name(name: str) -> str:
    """Cut what the converter strung together behind a tensor's name."""
    return name.split(";")[0]


def plain_html(text: str) -> str:
    """Give a text as a line of a page: nothing in it is a tag, or steers."""
    return html.escape(plain_line(text))


def text_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a title, headings and cells; the first column left, the others right."""
    title = plain_line(title)
    if not rows:
        return title
    lines = [[plain_line(cell) for cell in line] for line in (columns, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    texts = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([title, *texts])


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out the same table for a notebook."""
    head = "".join(f"<th>{plain_html(c)}</th>" for c in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{plain_html(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    caption = f"<caption>{plain_html(title)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_picture(picture: Image.Image) -> str:
    """Make a picture's tag, its bytes within the page."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return f'<img src="data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"/>'
