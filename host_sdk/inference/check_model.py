"""Whether a model can be compiled and what it will cost, before it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import relocatable
from host_sdk.converting.convert import form_of_file
from host_sdk.errors import CompileError, InputError, ToolMissingError
from host_sdk.inference.guess_head import AUTO
from host_sdk.inference.model_source import (
    OpenedModel,
    Optimize,
    compile_tflite,
    head_file,
    open_model,
)
from relocatable.errors import RelocatableError, UnsupportedError
from relocatable.refusal import way_out

if TYPE_CHECKING:
    from relocatable.compile import Network

__all__ = ["ModelCheck", "ProgramCost", "Refusal", "check_model", "find_models"]


@dataclass(frozen=True)
class Refusal:
    """A rule that a model breaks.

    Attributes:
        rule: what must hold.
        value: what was seen.
        operator: its kind; "" if the rule is about a tensor or the file.
        tensor: where.
        instead: a way out.
    """

    rule: str
    value: str = ""
    operator: str = ""
    tensor: str = ""
    instead: str = ""


@dataclass(frozen=True)
class ProgramCost:
    """What a model costs on a CPU.

    Attributes:
        target: the CPU.
        arena_bytes: RAM that it works in.
        macs: multiply-accumulates of a run.
        flash_bytes: the fewest and the most of its blob; the same number twice if it was compiled.
        stack_bytes: upper bound of what one step uses; None if it was not compiled.
    """

    target: str
    arena_bytes: int
    macs: int
    flash_bytes: tuple[int, int]
    stack_bytes: int | None = None


@dataclass(frozen=True)
class ModelCheck:
    """What is known of a model before it is built.

    Attributes:
        file: where it is.
        error: why it is not taken, in words; "" if it is.
        refusals: why it is not taken, rule by rule.
        operators: kind -> how many the file has; empty if it cannot be read.
        head: post-processing that the blob will have; "" if none.
        head_from: what describes it: a TOML file's name, "metadata", or "a guess: " and why.
        programs: what it costs, CPU by CPU; empty if it is not taken.
        note: what its user should know of what it was converted to, or "".
    """

    file: str
    error: str = ""
    refusals: tuple[Refusal, ...] = ()
    operators: Mapping[str, int] = field(default_factory=dict)
    head: str = ""
    head_from: str = ""
    programs: tuple[ProgramCost, ...] = ()
    note: str = ""

    @property
    def taken(self) -> bool:
        """Whether the compiler takes it."""
        return not self.error


def find_models(paths: Sequence[str]) -> list[Path]:
    """List named files, SavedModels, and the .tflite files of other folders, if any."""
    found: list[Path] = []
    for path in map(Path, paths):
        is_others = path.is_dir() and form_of_file(path) is None
        inside = sorted(path.rglob("*.tflite")) if is_others else []
        found += inside or [path]
    return list(dict.fromkeys(found))


def check_model(
    path: Path,
    targets: Sequence[str],
    optimize: Optimize = "speed",
    *,
    head: str | None = None,
    max_ram: int | None = None,
    ops: str | None = None,
    exact: bool = False,
    trust: bool = False,
) -> ModelCheck:
    """Find whether a model is taken, why not, and what it costs.

    Args:
        path: of a .tflite, or of what is converted to one.
        targets: CPUs, each with a program of its own.
        optimize: see `relocatable.compile_model`.
        head: file that describes the post-processing; "auto": it is guessed, and nothing is
            written; None: the .toml file beside it, if any.
        max_ram: bytes that the arena may have.
        ops: folder of operators of your own.
        exact: compile it, for the exact bytes of flash and stack.
        trust: take another tool's file unseen; it may run code on this computer.

    Returns:
        What was found; whatever is wrong with the file is told in it.

    Raises:
        ToolMissingError: the compiler or a converter is not installed.
    """
    from relocatable.compile import read_network

    operators: Mapping[str, int] = {}
    try:
        model = _open(path, trust)
        operators = _count(model)
        guessed = relocatable.guess_head(model.data, ops) if head == AUTO else None
        described = guessed.description if guessed else head
        of_file = head_file(model, described)
        network = read_network(model.data, head=of_file, name=model.name, ops=ops)
        programs = tuple(
            _compiled(model, described, target, optimize, max_ram, ops)
            if exact
            else _planned(network, target, optimize, max_ram)
            for target in targets
        )
    except ImportError as error:
        raise ToolMissingError(
            f"the compiler ({error.name})", "pip install 'xipnet[compile]'"
        ) from error
    except CompileError as error:
        cause = error.__cause__ if isinstance(error.__cause__, RelocatableError) else error
        return ModelCheck(str(path), str(cause), _refusals(cause), operators)
    except (RelocatableError, InputError) as error:
        return ModelCheck(str(path), str(error), _refusals(error), operators)
    kind = network.head.kind if network.head else ""
    if guessed:
        source = f"a guess: {guessed.why}"
    elif network.about:
        source = "metadata"
    else:
        source = path.with_suffix(".toml").name if head is None else Path(head).name
    return ModelCheck(str(path), "", (), operators, kind, kind and source, programs, model.note)


def _open(path: Path, trust: bool) -> OpenedModel:
    if path.is_dir() and form_of_file(path) is None:
        raise InputError("folder must hold .tflite files, or a SavedModel; holds none")
    model = open_model(path, trust)
    if not model.is_tflite:
        raise InputError("model must be a .tflite; is a blob, which `xipnet inspect` shows")
    return model


def _count(model: OpenedModel) -> Mapping[str, int]:
    from relocatable.read_tflite import count_operators

    return dict(count_operators(model.data, model.name or "model").most_common())


def _planned(network: Network, target: str, optimize: Optimize, max_ram: int | None) -> ProgramCost:
    from host_sdk.inference.flash_estimate import estimate_flash
    from relocatable.compile import plan_network

    program = plan_network(network, target, optimize, max_ram)
    macs = sum(call.macs for call in program.calls[0])
    flash = estimate_flash(network, program, optimize)
    return ProgramCost(target, program.plan.arena_bytes, macs, flash)


def _compiled(
    model: OpenedModel,
    head: str | Mapping[str, Any] | None,
    target: str,
    optimize: Optimize,
    max_ram: int | None,
    ops: str | None,
) -> ProgramCost:
    blob = compile_tflite(model, head, target, optimize, max_ram=max_ram, ops=ops)
    cost = relocatable.report(blob)
    flash = cost.flash_bytes, cost.flash_bytes
    return ProgramCost(target, cost.arena_bytes, cost.macs, flash, cost.stack_bytes)


def _refusals(error: Exception) -> tuple[Refusal, ...]:
    if not isinstance(error, UnsupportedError):
        return (Refusal(str(error)),)
    return tuple(Refusal(v.rule, v.value, v.op, v.tensor, way_out(v)) for v in error.violations)
