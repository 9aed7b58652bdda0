"""`xipnet key`, `sign`, `verify`: no board needed (docs/SIGNING.md)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host_sdk.cli.common import SdkGroup, json_option, print_facts, print_json
from host_sdk.errors import InputError, SealFileError

if TYPE_CHECKING:
    from host_sdk.store.files import NewObject
    from host_sdk.trust.seals import Seal
    from host_sdk.trust.signers import Signer

_WARNING = "warning: everybody has the development key; a locked board refuses it"


# ---- What commands that sign share ---------------------------------------------------------------


def signer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a signer: the arguments of `make_signer`."""
    options = (
        click.option(
            "--key", metavar="FILE|development", help="Secret key, made by `xipnet key new`."
        ),
        password_option,
        click.option(
            "--signer",
            metavar="COMMAND",
            help="Instead of --key: gets 128 bytes on standard input and answers the 64 of their "
            "signature, or its hexadecimal digits. No shell.",
        ),
        click.option(
            "--public-key",
            metavar="FILE|HEX",
            help="By which what --signer answers is verified.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def password_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --password-file."""
    return click.option(
        "--password-file",
        type=click.Path(dir_okay=False, exists=True),
        help="Its first line is the key's password; else XIPNET_KEY_PASSWORD, or it is asked for.",
    )(command)


def make_signer(
    key: str | None,
    password_file: str | None,
    signer: str | None,
    public_key: str | None,
    **sealing: Any,
) -> Signer:
    """Make the signer that the options name.

    Args:
        key: this and the next three: the options.
        sealing: what a signer that seals is given, too.
    """
    from host_sdk.trust.keys import DEVELOPMENT
    from host_sdk.trust.signers import CommandSigner, KeyFileSigner

    if (key is None) == (signer is None):
        raise click.UsageError("--key or --signer must be given, not both")
    if signer is not None:
        if public_key is None:
            raise click.UsageError("--signer needs --public-key")
        return CommandSigner(signer, public_key, **sealing)
    assert key is not None  # of the two there is one
    if public_key is not None:
        raise click.UsageError("--public-key is for --signer; a key in a file has its own")
    if key == DEVELOPMENT:
        click.echo(_WARNING, err=True)
    return KeyFileSigner(key, password=password_of(key, password_file), **sealing)


def password_of(key: str, password_file: str | None, *, twice: bool = False) -> Callable[[], str]:
    """Return what finds a password: a file, the environment, the terminal.

    Args:
        key: file of the key.
        password_file: what --password-file says.
        twice: a person is asked twice, for it is new.
    """
    from host_sdk.trust.keys import PASSWORD_VARIABLE

    def find() -> str:
        if password_file is not None:
            return read_password(password_file)
        if (given := os.environ.get(PASSWORD_VARIABLE)) is not None:
            return given
        asked: str = click.prompt(
            f"Password of {key}", hide_input=True, confirmation_prompt=twice, err=True
        )
        return asked

    return find


def read_password(file: str) -> str:
    """Read a password: the first line of a file."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0]:
        raise InputError(f"{file} must hold a password in its first line; does not")
    return lines[0]


# ---- Keys ----------------------------------------------------------------------------------------


@click.group(cls=SdkGroup)
def key() -> None:
    """Make a key that signs, or show one."""


@key.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--no-password", is_flag=True, help="Write the file as it is, not encrypted.")
@password_option
@json_option
def new(file: str, no_password: bool, password_file: str | None, as_json: bool) -> None:
    """Make a key: FILE holds the secret, FILE.pub what boards and verifiers need.

    Only the owner may read FILE; its password is asked for twice. No file is overwritten.
    """
    from host_sdk.trust.keys import new_key

    if no_password and password_file is not None:
        raise click.UsageError("--no-password has no password: leave --password-file out")
    password = None if no_password else password_of(file, password_file, twice=True)
    public = new_key(Path(file), password)
    _show_key(public, as_json, {"file": file})
    click.echo(
        f"Make a backup of {file} now, and keep its password elsewhere: without them no board that "
        "trusts this key alone is ever updated or unlocked.",
        err=True,
    )


@key.command()
@click.argument("source", metavar="FILE|HEX")
@password_option
@json_option
def show(source: str, password_file: str | None, as_json: bool) -> None:
    """Show the public key and its id: of a FILE with either key, or of HEX."""
    from host_sdk.trust.keys import DEVELOPMENT, read_public_key

    if source == DEVELOPMENT:
        click.echo(_WARNING, err=True)
    _show_key(read_public_key(source, password_of(source, password_file)), as_json, {})


def _show_key(public: bytes, as_json: bool, more: dict[str, str]) -> None:
    from host_sdk.trust.keys import key_id

    facts = {"public key": public.hex(), "key id": key_id(public).hex()}
    if as_json:
        print_json({"public_key": public, "key_id": key_id(public), **more})
    else:
        print_facts(facts)


# ---- Seals ---------------------------------------------------------------------------------------


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@signer_options
@click.option("--product", required=True, help="What the board is; 1 to 15 characters.")
@click.option("--name", help="Name in the store, for one FILE; by default as load and put do it.")
@click.option("--counter", default=0, show_default=True, help="Security counter.")
@click.option("--min-firmware", metavar="X.Y.Z", help="A board with an older one refuses.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="For one FILE; by default FILE.seal."
)
def sign(
    files: tuple[str, ...],
    product: str,
    name: str | None,
    counter: int,
    min_firmware: str | None,
    output: str | None,
    **key: Any,
) -> None:
    """Seal FILEs, blobs, bundles or what `put` takes: a board may store them.

    The seal is for the bytes, the name, the product and the counter. load, put and ota find
    FILE.seal beside the file by themselves.
    """
    from host_sdk.trust.sealing import seal_path
    from host_sdk.trust.seals import read_version

    if len(files) != 1 and (name is not None or output is not None):
        raise click.UsageError("--name and -o are for one FILE")
    objects = [object_of(Path(file), name) for file in files]
    minimum = (0, 0, 0) if min_firmware is None else read_version(min_firmware)
    signer = make_signer(**key, product=product, counter=counter, minimum_firmware=minimum)
    for file, one in zip(files, objects, strict=True):
        path = Path(output) if output else seal_path(Path(file))
        path.write_bytes(signer.seal(one))
        click.echo(f"{file}: sealed as '{one.name}' in {path}")


def object_of(file: Path, name: str | None) -> NewObject:
    """Read a file as the object that load or put would store.

    Args:
        file: a blob, a bundle, a script or data.
        name: in the store; None: of a blob or a bundle the file's stem, else the file's own name.

    Raises:
        InputError: it cannot be read, is empty, or is compiled before it is stored.
    """
    from host_sdk.converting.convert import form_of_file
    from host_sdk.inference.model_source import is_tflite
    from host_sdk.store.files import BLOB, BUNDLE, object_kind, own_name, read_file

    one = read_file(name or own_name(file.name), file)
    if is_tflite(one.data) or form_of_file(file):
        raise InputError(
            f"{file} is compiled before a board stores it, and the blob is what is sealed: "
            "`xipnet build` it, then sign that"
        )
    if name is None and object_kind(one.name, one.data) in (BLOB, BUNDLE):
        return read_file(file.stem, one.data)
    return one


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--seal", type=click.Path(dir_okay=False), help="By default FILE.seal.")
@click.option("--key", required=True, metavar="FILE|HEX", help="Public key that must have signed.")
@click.option("--name", help="Name that it must be for; by default as load and put do it.")
@json_option
def verify(file: str, seal: str | None, key: str, name: str | None, as_json: bool) -> None:
    """Check that FILE is what was sealed, and by whom: exit code 1 if not."""
    from host_sdk.trust.keys import key_id, read_public_key
    from host_sdk.trust.sealing import read_seal_source, seal_path
    from host_sdk.trust.seals import read_seal

    path = Path(seal) if seal else seal_path(Path(file))
    found = read_seal(read_seal_source(path), str(path))
    found.check_subject(object_of(Path(file), name or _own_name(Path(file), found)))
    public = read_public_key(key, password_of(key, None))
    if not found.is_by(public):
        raise SealFileError(
            f"{path}: must be signed by the key {key_id(public).hex()}; names "
            f"{found.key_id.hex()}, or its signature is wrong"
        )
    if as_json:
        print_json(seal_facts(found))
    else:
        click.echo(f"{file}: sealed by {found.key_id.hex()}")
        _print_seal(found)


def _own_name(file: Path, seal: Seal) -> str | None:
    """Return the seal's name if load or put could call the file so, else None."""
    return seal.name if seal.name in (file.name, file.stem) else None


def show_seal(path: Path, data: bytes, as_json: bool) -> None:
    """Print every field of a seal."""
    from host_sdk.trust.seals import read_seal

    seal = read_seal(data, str(path))
    if as_json:
        print_json(seal_facts(seal))
    else:
        _print_seal(seal)


def seal_facts(seal: Seal) -> dict[str, Any]:
    """Give a seal's fields for programs."""
    from host_sdk.trust.seals import kind_name

    return {
        "kind": kind_name(seal.kind),
        "name": seal.name,
        "product": seal.product,
        "counter": seal.counter,
        "minimum_firmware": ".".join(map(str, seal.minimum_firmware)),
        "size_bytes": seal.size_bytes,
        "sha256": seal.sha256,
        "key_id": seal.key_id,
        "signature": seal.signature,
    }


def _print_seal(seal: Seal) -> None:
    shown = {k: v.hex() if isinstance(v, bytes) else str(v) for k, v in seal_facts(seal).items()}
    names = {"minimum_firmware": "firmware from", "size_bytes": "bytes", "key_id": "key id"}
    print_facts({names.get(key, key): value for key, value in shown.items()})
