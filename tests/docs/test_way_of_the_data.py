"""What the page on the way of the data shows of a Rabi scan is what the house makes of it."""

import re
from pathlib import Path

import pytest

from podium.control.calibration.bench import Bench
from podium.control.calibration.routines.rabi import rabi_program
from podium.control.facility.example import example_facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Program
from podium.control.program.render import render
from podium.control.program.serialise import to_json

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "explanation" / "the-way-of-the-data.md").read_text()
PICTURE = (DOCS / "pictures" / "rabi_shot.svg").read_text()


@pytest.fixture(scope="module")
def program() -> Program:
    facility = load_facility(example_facility())

    class Runner:
        def __init__(self) -> None:
            self.facility = facility

    qubits = tuple(facility.qubits().values())[:1]
    bench = Bench(Runner(), "node_a", qubits, MemoryRecord(), keep=lambda data: None)  # type: ignore[arg-type]
    return rabi_program(bench, qubits, ef=False)


def evenly(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_machine_code_is_the_compilers(program: Program):
    artifact = compiler_for(load_facility(example_facility()))(to_json_program(program))
    listing = evenly(artifact["cluster_a"].listing)
    (shown,) = re.findall(r"```q1asm\n(.*?)```", PAGE, re.DOTALL)
    at = 0
    for line in filter(None, evenly(shown)):
        assert line in listing[at:], f"{line!r}; the listing goes on:\n" + "\n".join(listing[at:])
        at = listing.index(line, at) + 1


def to_json_program(program: Program) -> Program:
    """Return the program as it comes out of its JSON, as the agent has it."""
    from podium.control.program.serialise import from_json

    return from_json(to_json(program))


def test_the_picture_of_a_shot_has_the_times_of_the_program(program: Program):
    shot = render(program, (20,), {})
    drive = abs(shot.samples["q0.drive"]).nonzero()[0]
    tone = abs(shot.samples["q0.readout"]).nonzero()[0]
    (capture,) = shot.captures
    begin = int(drive[0])
    ends = [
        int(drive[-1]) + 1 - begin,
        capture.start_ns - begin,
        int(tone[-1]) + 1 - begin,
        capture.start_ns + capture.duration_ns - begin,
    ]
    assert tone[0] == drive[-1] + 1
    assert shot.duration_ns - begin == ends[-1]
    marked = [int(n) for n in re.findall(r">(\d+)(?: ns)?</text>", PICTURE)]
    assert marked == [0, *ends]
    assert f"reset, {begin // 1000} µs" in PICTURE
    assert f"Square, {tone.size} ns" in PICTURE
    assert f"window, {capture.duration_ns} ns" in PICTURE


def test_the_program_shown_has_its_numbers(program: Program):
    shown = re.search(r"```text\n(Delay .*?)```", PAGE, re.DOTALL)
    assert shown is not None
    values = program.axes[0].variables[0].values
    for number in (f"{values.step:g}", "160 µs", "52 ns", "740 ns", "208 ns", "796 ns", "152 ns"):
        assert number in shown[1], number
    assert f"{program.shots} shots" in shown[1]
    assert f"k = 0 ... {program.axes[0].count - 1}" in shown[1]
