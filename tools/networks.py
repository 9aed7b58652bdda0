"""Write networks of the usual families, try them, and write docs/NETWORKS.md.

python -m tools.networks             all that this commit has not tried
python -m tools.networks NAME ..     these again

Results are kept in build/networks, one file each: what was interrupted goes on where it stood. The
files are written by TensorFlow, in an environment of its own that is made once.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.models.write_networks import FORMATS, NETWORKS
from tools.junit import counts, properties, run_pytest
from tools.tensorflow_environment import quiet_environment, tensorflow_python
from tools.tree import commit

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "NETWORKS.md"
FOLDER = ROOT / "build" / "networks"

_INTRO = """\
# Networks

Written by `make proof-models` (the networks alone: `python -m tools.networks`): small networks of
the usual families with random weights (`tests/models/write_networks.py`), in the formats of
TensorFlow's converter. {taken} of {offered} are taken; {exact} of them exact: on the machine of the
proof every tensor, on virtual Cortex-M4 and M55 every output equal to LiteRT's reference kernels
({tensors:,} tensors; integers in every bit, floats within 4 ulp or 1e-6 of the tensor's largest
value). {date}, {commit}.

| network | format | result | tensors | arena on M4, M55 (bytes) | blob for M4, M55 (bytes) |
|---|---|---|--:|--:|--:|
"""


def write_files(names: Sequence[str] = ()) -> None:
    """Write the files that are not there, of the networks that are named or of all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    script = ROOT / "tests" / "models" / "write_networks.py"
    for name in names or NETWORKS:
        while before := missing(name):
            command = [str(tensorflow_python("networks-venv")), str(script), str(FOLDER), name]
            subprocess.run(command, check=False, env=quiet_environment())
            if missing(name) == before:  # a crash of the converter leaves a file that says so
                raise SystemExit(f"{name} cannot be written as {', '.join(before)}")


def missing(name: str) -> list[str]:
    """List the formats that a network was not yet written in."""
    return [form for form in FORMATS if not any(FOLDER.glob(f"{name}_{form}.t*"))]


def keep(results: Iterable[dict[str, Any]], at: str) -> None:
    """Keep results for the page.

    Args:
        results: as tests/numeric/test_networks.py records them.
        at: the commit that was tried.
    """
    for result in results:
        path = FOLDER / f"{result['network']}_{result['format']}.json"
        path.write_text(json.dumps({**result, "commit": at}), encoding="utf-8")


def kept() -> list[dict[str, Any]]:
    """Read the results that are kept, in the page's order."""
    paths = [FOLDER / f"{name}_{form}.json" for name in NETWORKS for form in FORMATS]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def page(results: Sequence[dict[str, Any]], date: str) -> str:
    """Write the text of docs/NETWORKS.md."""
    taken = [r for r in results if "tensors" in r]
    intro = _INTRO.format(
        taken=len(taken),
        offered=sum("missing" not in r for r in results),
        exact=sum(not r["wrong"] for r in taken),
        tensors=sum(r["tensors"] for r in taken),
        date=date,
        commit=", ".join(dict.fromkeys(r["commit"] for r in results)),
    )
    return intro + "\n".join(map(_row, results)) + "\n"


def _row(result: dict[str, Any]) -> str:
    start = f"| {result['network']} | {result['format']} |"
    if "missing" in result:
        return f"{start} not offered by the converter: {_short(result['missing'])} | | | |"
    if "refused" in result:
        return f"{start} refused: {_short(_by_rule(result['refused']))} | | | |"
    verdict = f"**{len(result['wrong'])} differ**" if result["wrong"] else "exact"
    targets = result["targets"].values()
    if not all(target["compared"] for target in targets):
        verdict += ", too large for the virtual boards"
    arenas, blobs = (" / ".join(f"{t[key]:,}" for t in targets) for key in ("arena", "blob"))
    return f"{start} {verdict} | {result['tensors']} | {arenas} | {blobs} |"


def _by_rule(reasons: Sequence[str]) -> str:
    """Join reasons, "2 ADD: rule", that are of one rule."""
    kinds: dict[str, list[str]] = {}
    for reason in reasons:
        kind, _, rule = reason.partition(": ")
        kinds.setdefault(rule, []).append(kind)
    return "; ".join(f"{rule} ({', '.join(names)})" for rule, names in kinds.items())


def _short(text: str) -> str:
    """Shorten a reason to what stands in a cell."""
    text = " ".join(text.replace("|", "/").split())
    return text if len(text) <= 300 else f"{text[:300]} .."


def write_page() -> None:
    """Write docs/NETWORKS.md from all results that are kept."""
    text = page(kept(), datetime.date.today().isoformat())
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    """Try the networks that are named, or those that this commit has not tried."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NETWORKS))
    names = parser.parse_args().names
    at = commit()
    done = {(r["network"], r["format"]) for r in kept() if r["commit"] == at and not names}
    failed = False
    for name in names or NETWORKS:
        write_files([name])
        forms = [form for form in FORMATS if (name, form) not in done]
        ids = [f"tests/numeric/test_networks.py::test_network[{name}-{form}]" for form in forms]
        if ids:
            report = run_pytest("--proof", "models", *ids)
            number = counts(report)
            failed |= bool(number["failures"] + number["errors"])
            keep(map(json.loads, properties(report, "network")), at)
            write_page()
    print(PAGE.relative_to(ROOT))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
