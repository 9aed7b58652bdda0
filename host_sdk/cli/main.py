"""The command and its subcommands."""

from __future__ import annotations

import click

import host_sdk
from host_sdk.cli import (
    applying,
    boards,
    checking,
    collecting,
    compiling,
    converter_environments,
    demo,
    exporting,
    files,
    flashing,
    models,
    ota,
    quantizing,
    repl,
    replaying,
    rescuing,
    running,
    sbom,
    scripts,
    selftesting,
    signing,
    sim,
    trusting,
    validating,
)
from host_sdk.cli.common import SdkGroup


@click.group(cls=SdkGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(host_sdk.__version__, prog_name="xipnet")
def main() -> None:
    """Swap neural nets on microcontrollers as easily as files."""


for command in (
    demo.demo,
    boards.boards,
    boards.info,
    boards.reset,
    flashing.flash,
    checking.check,
    compiling.build,
    compiling.inspect,
    compiling.ops,
    converter_environments.convert_env,
    quantizing.quantize,
    exporting.export,
    sbom.sbom,
    models.load,
    models.ls,
    models.rm,
    models.activate,
    ota.ota,
    ota.confirm,
    applying.plan,
    applying.apply,
    ota.rollback,
    ota.history,
    files.put,
    files.get,
    signing.key,
    signing.sign,
    signing.verify,
    trusting.trust,
    trusting.lock,
    trusting.unlock,
    trusting.attest,
    rescuing.rescue,
    rescuing.format_store,
    running.infer,
    running.detect,
    running.classify,
    running.profile,
    collecting.collect,
    replaying.replay,
    validating.validate,
    validating.trace,
    selftesting.selftest,
    scripts.run,
    repl.repl,
    sim.sim,
):
    main.add_command(command)
