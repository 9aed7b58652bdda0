"""`xipnet convert-env`: environments for the converters of ONNX and PyTorch."""

from __future__ import annotations

import click

from host_sdk.cli.common import print_table
from host_sdk.display.progress import count_progress


@click.command("convert-env")
@click.argument("name", required=False, metavar="[onnx|torch]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--remove", is_flag=True, help="Delete it.")
def convert_env(name: str | None, yes: bool, remove: bool) -> None:
    """Install what converts ONNX or PyTorch, apart from all else.

    It gets an environment of Python of its own in your cache folder, from a list that pins every
    file by its hash. Without a name: what there is.
    """
    from host_sdk.converting.environments.environment import read_environment
    from host_sdk.converting.environments.install import (
        choose_build,
        make_environment,
        remove_environment,
    )

    if name is None:
        if remove:
            raise click.UsageError("--remove needs a name")
        _list()
        return
    environment = read_environment(name)
    if remove:
        there = remove_environment(environment)
        click.echo(f"{name}: {'removed' if there else 'there was none'}")
        return
    if environment.is_whole():
        click.echo(f"{name}: {environment.title} is there, in {environment.folder()}")
        return
    build = choose_build(environment)
    click.echo(
        f"{environment.title}, {build.name}: {len(build.packages)} packages, "
        f"{_megabytes(build.download_bytes)} to download, {_megabytes(build.disk_bytes)} on the "
        f"disk, in {environment.folder()}"
    )
    if not yes and not click.confirm("Install it?"):
        raise click.exceptions.Exit(1)
    with count_progress(True, f"installing {environment.title}") as progress:
        make_environment(environment, build, progress)
    click.echo(f"{name}: installed")


def _list() -> None:
    from host_sdk.converting.environments.environment import environment_names, read_environment

    rows = []
    for name in environment_names():
        environment = read_environment(name)
        sizes = [(build.download_bytes, build.disk_bytes) for build in environment.builds]
        shown = "; ".join(f"{_megabytes(a)}, {_megabytes(b)}" for a, b in sizes)
        state = "installed" if environment.is_whole() else "not installed"
        rows.append((name, environment.title, shown or "none for this Python", state))
    print_table(("name", "tool", "to download, on the disk", ""), rows)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
