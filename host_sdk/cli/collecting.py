"""`xipnet collect`: what a model saw, kept for validation and training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import host_sdk
from host_sdk.cli.common import board_command
from host_sdk.cli.replaying import read_capsule
from host_sdk.errors import InputError

if TYPE_CHECKING:
    from host_sdk.inference.tensor import Array


@click.command()
@board_command
@click.argument("source")
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="Folder.")
@click.option("--when", help="Keep what this is true of: 'score < 0.6'. By default all.")
@click.option("--label", help="Of all samples: a class of the model, or any text.")
@click.option("--hop", type=click.IntRange(1), help="Samples of sound from window to window.")
@click.option("--window", type=click.IntRange(1), help="Samples of sound that are run at once.")
@click.option("--limit", type=click.IntRange(1), help="Keep no more than so many.")
@click.option(
    "--live", is_flag=True, help="At the source's own pace, dropping what comes too fast."
)
def collect(
    board: host_sdk.Device,
    source: str,
    output: str,
    when: str | None,
    label: str | None,
    hop: int | None,
    window: int | None,
    limit: int | None,
    live: bool,
) -> None:
    """Run the active model on SOURCE, and keep what it saw in a folder.

    SOURCE is a folder of pictures, a video, a WAV file, or the name of a capsule in the board's
    store: then the runs that the board kept are run again. The folder is data for `xipnet validate`
    and for Edge Impulse's uploader (docs/STREAMS.md). Names in --when are those of the result's
    best item, and count, index, us, dropped; of a model without a head max and argmax.
    """
    from host_sdk.collect.collection import Collection, fields_of
    from host_sdk.collect.condition import read_condition
    from host_sdk.media.sound import read_wav

    holds = read_condition(when) if when else None
    is_sound = Path(source).suffix.lower() == ".wav"
    rate_hz = read_wav(source).rate_hz if is_sound else None
    seen = source if Path(source).exists() else _capsule(board, source)
    stream = board.stream(seen, hop=hop, window=window, live=live)
    kept = Collection(output, board.model(), label, rate_hz)
    for item in stream:
        if holds is None or holds(fields_of(item)):
            kept.add(item)
        if len(kept) == limit:
            break
    stream.close()
    kept.close()
    if not len(kept):
        raise InputError(f"--when was true of none of {stream.latency.count} results")
    click.echo(f"kept {len(kept)} of {stream.latency.count} in {output}")
    click.echo(str(stream.latency))


def _capsule(board: host_sdk.Device, name: str) -> list[Array]:
    """Read what the active model was fed, without dimensions of 1."""
    import numpy as np

    tensor = board.model().inputs[0]
    arrays = []
    for record in read_capsule(board, name):
        if [len(data) for data in record.inputs] != [t.size_bytes for t in board.model().inputs]:
            raise InputError(f"capsule {record.name}: is of a model with other inputs")
        if len(record.inputs) > 1:
            raise InputError(f"capsule {record.name}: a model of one input can be collected from")
        fed = np.frombuffer(record.inputs[0], tensor.dtype).reshape(tensor.shape)
        arrays.append(fed.squeeze())
    return arrays
