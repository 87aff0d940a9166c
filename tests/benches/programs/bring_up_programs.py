"""The programs that one bring-up played, one of each kind, and the wiring they were made for.

``python -m tests.control.compilers.qblox.bring_up REPORT`` takes them anew from the report of a
demo (``podium demo --report REPORT``) into ``bring_up_programs.jsonl``.
"""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.control.program.program import Program
from podium.control.program.serialise import from_json, to_json

FILE = Path(__file__).with_name("bring_up_programs.jsonl")
FACILITY = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


def bring_up_programs() -> tuple[dict[str, Program], QbloxTarget]:
    """Return the programs by kind (one repetition each, no settling), and their target."""
    head, *lines = FILE.read_text().splitlines()
    ports = {port: PortTarget(**plain) for port, plain in json.loads(head).items()}
    programs = [replace(from_json(line), shots=1, settle_fs=0) for line in lines]
    return {kind(program): program for program in programs}, QbloxTarget("cluster_a", ports)


def kind(program: Program) -> str:
    """Return what a routine calls it, without the parts that change, and how many axes it has."""
    return f"{program.name.split(',')[0]} {len(program.axes)}"


def _take(report: Path) -> None:
    import xarray

    from podium.control.facility.load import load_facility
    from podium.control.families.qblox.targets import targets_of

    (target,) = targets_of(load_facility(FACILITY)).values()
    found: dict[str, str] = {}
    for path in sorted((report / "datasets").glob("*.nc")):
        with xarray.open_dataset(path) as data:
            program = from_json(data.attrs["program_json"])
        found.setdefault(kind(program), to_json(program))
    head = json.dumps({port: asdict(value) for port, value in target.ports.items()})
    FILE.write_text("\n".join((head, *found.values())) + "\n")


if __name__ == "__main__":
    _take(Path(sys.argv[1]))
