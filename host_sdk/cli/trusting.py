"""`xipnet trust`, `lock`, `unlock`, `attest`: docs/SIGNING.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import host_sdk
from host_sdk.cli.common import board_command, json_option, print_facts, print_json
from host_sdk.cli.signing import make_signer, signer_options
from host_sdk.errors import InputError

if TYPE_CHECKING:
    from host_sdk.link.board_info import StoredObject
    from host_sdk.trust.attestation import Attestation
    from host_sdk.trust.policy import Trust

STATES = ("open", "warn", "locked", "counted")  # of docs/SPEC-trust.md: loads nothing for them

# What a locked board refuses, for a person; byte by byte it is docs/SPEC-trust.md, section 5.
_REFUSED = (
    ("objects", "new ones without a seal; rm, format, rescue"),
    ("Python", "run, repl and all text, exec, eval, interrupt, events; unsealed scripts"),
    ("other", "reset --safe, --max-baud"),
)
_READS = ("reading", "get, model, and so infer, detect, classify, profile, validate, trace")


@click.command()
@board_command
@json_option
def trust(board: host_sdk.Device, as_json: bool) -> None:
    """Show whose models and scripts a board takes, and what it holds without a seal."""
    if board.info().trust is None:
        _show_open(board, as_json)
        return
    policy, unsealed = board.trust(), _unsealed(board.ls())
    if as_json:
        print_json({**asdict(policy), "unsealed_objects": unsealed})
        return
    print_facts(_policy_facts(policy) | {"unsealed": ", ".join(unsealed) or "nothing"})


def _show_open(board: host_sdk.Device, as_json: bool) -> None:
    if as_json:
        print_json({"state": None})
    else:
        click.echo(
            f"{board.info().board}: the firmware is of the open build: unsigned accepted, and it "
            "cannot be locked"
        )


def _policy_facts(policy: Trust) -> dict[str, str]:
    own = "none yet" if policy.device is None else f"{policy.device.hex()}, from {policy.source}"
    state = f"{policy.state}, unlocked until the next start" if policy.unlocked else policy.state
    return {
        "state": state,
        "product": policy.product or "none",
        **_key_facts(policy.keys),
        "hosts read": "yes" if policy.reads or not policy.is_locked else "no",
        "floor": f"security counter {policy.floor}",
        "board": "none yet" if policy.board is None else policy.board.hex(),
        "device key": own,
        "would refuse": f"{policy.unsealed} objects if it is locked",
    }


def _key_facts(keys: Iterable[bytes]) -> dict[str, str]:
    from host_sdk.trust.keys import is_development_key, key_id

    facts = {}
    for number, key in enumerate(keys, 1):
        known = " (development: everybody has it)" if is_development_key(key) else ""
        facts[f"key {number}"] = f"{key.hex()}, id {key_id(key).hex()}{known}"
    return facts or {"keys": "none"}


def _unsealed(objects: Iterable[StoredObject]) -> list[str]:
    return [one.name for one in objects if not one.sealed]


@click.command()
@board_command
@click.option("--state", type=click.Choice(STATES), required=True, help="See above.")
@click.option("--product", default="", help="What the board is; 1 to 15 characters.")
@click.option(
    "--key",
    "keys",
    metavar="FILE|HEX",
    multiple=True,
    help="Public key whose seals and orders are taken; repeat it for the backup's.",
)
@click.option("--reads", is_flag=True, help="Hosts may read models and results.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def lock(
    board: host_sdk.Device,
    state: str,
    product: str,
    keys: tuple[str, ...],
    reads: bool,
    yes: bool,
) -> None:
    """Say whose models and scripts a board takes from now on.

    warn: what has no seal is taken, too, and counted. locked: only what is sealed by one of the
    keys for this product. counted: and nothing older than what was confirmed. open: everything
    again, and the keys are forgotten. What was locked is changed after `xipnet unlock`.
    """
    from host_sdk.link.board_info import locks
    from host_sdk.trust.keys import read_public_key
    from host_sdk.trust.policy import check_policy

    public = [read_public_key(key) for key in keys]
    check_policy(state, product, public)
    before = board.trust()
    if before.is_locked:
        raise InputError(f"the board is {before.state}: `xipnet unlock` it first")
    if locks(state):
        _say_what_is_refused(board, reads, len(public))
    if not yes:
        click.confirm(f"Make {board.info().board} {state}?", abort=True)
    after = board.lock(state, product, public, reads=reads)
    if before.device is None and after.source == "host":
        click.echo(
            "The board has no source of random numbers: its own key is made of 32 bytes of this "
            "computer's."
        )
    print_facts(_policy_facts(after))


def _say_what_is_refused(board: host_sdk.Device, reads: bool, keys: int) -> None:
    refused = dict(_REFUSED) | ({} if reads else dict([_READS]))
    unsealed = ", ".join(_unsealed(board.ls()))
    click.echo("Afterwards the board refuses, until an order signed by a key unlocks it:")
    print_facts(refused | ({"unsealed": f"{unsealed}: not given or run"} if unsealed else {}))
    if keys == 1:
        click.echo("There is one key: if it is lost, the board is never updated or unlocked.")


@click.command()
@board_command
@signer_options
@click.option("--board", "board_id", metavar="ID", help="Sign for this one alone: see `trust`.")
def unlock(board: host_sdk.Device, board_id: str | None, **key: Any) -> None:
    """Unlock a board until its next start, by an order that a key of its policy signs.

    The order is for one board and good once. --board refuses to sign for another one: whoever has
    the line could pass on the question of a board elsewhere.
    """
    wanted = None if board_id is None else _read_hex(board_id, 16)
    board.unlock(make_signer(**key), board=wanted)
    click.echo(f"{board.info().board}: unlocked until its next start")


@click.command()
@board_command
@click.option("--verify", is_flag=True, help="Exit with 1 unless all is right; needs --device-key.")
@click.option("--device-key", metavar="HEX", help="The board's public key, known from before.")
@click.option(
    "--firmware",
    type=click.Path(dir_okay=False, exists=True),
    help="What it must run: the build's ELF file, or its .bin.",
)
@json_option
def attest(
    board: host_sdk.Device,
    verify: bool,
    device_key: str | None,
    firmware: str | None,
    as_json: bool,
) -> None:
    """Have a board sign what it runs and holds, and check that.

    A wrong signature is an error. Without --device-key the board names its key itself: that says
    that one board signed, not which. Keep the key that is shown for the next time.
    """
    if verify and device_key is None:
        raise click.UsageError("--verify needs --device-key: who signs must be known from before")
    key = None if device_key is None else _read_hex(device_key, 32)
    digest = None if firmware is None else _digest(Path(firmware))
    report = board.attest(device_key=key)
    runs_it = None if digest is None else digest == report.firmware_sha256
    if as_json:
        print_json({**asdict(report), "is_firmware": runs_it})
    else:
        print_facts(_report_facts(report, runs_it))
    if verify and not (report.is_listed_right and runs_it is not False):
        raise SystemExit(1)


def _digest(firmware: Path) -> bytes:
    from device_fw.build.flat import firmware_digest

    return firmware_digest(firmware)


def _report_facts(report: Attestation, runs_it: bool | None) -> dict[str, str]:
    known = "" if report.was_known else ", NOT known before: it names itself"
    firmware = {None: "", True: ", the file's", False: ", NOT the file's"}[runs_it]
    objects = "as `ls` lists them" if report.is_listed_right else "NOT what `ls` lists"
    state = f"{report.state}, unlocked" if report.unlocked else report.state
    active = "none"
    if report.active_sha256 is not None:
        active = f"{report.active_sha256.hex()}, security counter {report.active_counter}"
    return {
        "signed by": f"{report.device.hex()}{known}",
        "board": report.board.hex(),
        "firmware": f"{report.version}, {report.firmware_sha256.hex()}{firmware}",
        "state": state,
        "product": report.product or "none",
        "key ids": " ".join(key.hex() for key in report.key_ids) or "none",
        "hosts read": "yes" if report.reads else "no",
        "floor": f"security counter {report.floor}",
        "active": active,
        "objects": f"{report.objects}, {objects}",
        "scripts": f"safe mode, by {report.safe}" if report.safe else "run",
        "starts": f"{report.resets} resets since power-on; log at {report.sequence}",
    }


def _read_hex(text: str, size: int) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) != size:
        raise click.BadParameter(f"must be {2 * size} hexadecimal digits; is {text!r}")
    return data
