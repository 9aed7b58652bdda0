"""`xipnet sbom`: what products are made of."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(dir_okay=False))
@click.option(
    "--model",
    type=click.Path(dir_okay=False),
    help="The .tflite that a blob was compiled from: adds its SHA-256.",
)
def sbom(files: tuple[str, ...], model: str | None) -> None:
    """Print what a FILE is made of, as CycloneDX 1.6 (JSON).

    A FILE is a firmware's image, a blob or xipnet's wheel; without one it is the package that is
    installed. The same files give the same text; a date is in it only if SOURCE_DATE_EPOCH is set.
    """
    from host_sdk.sbom import describe, to_cyclonedx
    from host_sdk.sbom.package import describe_installed

    source = None if model is None else Path(model)
    products = [describe(Path(file), source) for file in files] or [describe_installed()]
    click.echo(to_cyclonedx(products), nl=False)
