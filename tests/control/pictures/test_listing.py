"""The annotated listing: addresses, costs, instants, statements."""

import re

import pytest
from tests.benches.compilers.picture_cases import CLUSTER, case_of
from tests.benches.programs.edge_programs import edge_programs
from tests.benches.programs.example_programs import first_light, ramsey

from podium.control.pictures.code_comparison import play, points_of
from podium.control.pictures.listing import annotated, resources, statements
from podium.firmware_interfaces.qblox_cluster.q1asm import assemble, parse
from podium.sim_instruments.twins.qblox_cluster.runs.emulation import emulate

PROGRAMS = first_light() | edge_programs()
LINE = re.compile(r" *(\d+) +(\d+) +(?:([\d.]+) +)?(?:(\w+): +)?([a-z_]+)(?: +([^# ]+))?(?: +#.*)?")


def sections(name: str) -> dict[str, list[tuple[str | None, ...]]]:
    case = case_of(PROGRAMS[name])
    text = annotated(case.program, case.artifacts[CLUSTER])
    found = {}
    for part in re.split(r"^# ", text, flags=re.MULTILINE)[1:]:
        head, _, *lines = part.splitlines()
        matches = [LINE.fullmatch(line) for line in lines if line]
        assert all(matches), [one for one, m in zip(lines, matches, strict=False) if not m]
        found[head.split(":")[0]] = [m.groups() for m in matches if m]
    return found


@pytest.mark.parametrize("name", ["ramsey", "ramsey_table", "long_gaps", "chirp", "punch_out"])
def test_every_instruction_has_its_address_and_is_the_one_that_is_uploaded(name: str) -> None:
    artifact = case_of(PROGRAMS[name]).artifacts[CLUSTER]
    listed = sections(name)
    for entry in artifact.sequencers:
        lines = listed[entry.frame]
        assert [int(str(line[0])) for line in lines] == list(range(len(lines)))
        assert len(assemble(entry.text).opcode) == len(lines)
        uploaded = [
            f"{one.mnemonic} {','.join(map(str, one.operands))}" for one in parse(entry.text)
        ]
        assert [f"{line[4]} {line[5] or ''}" for line in lines] == uploaded


@pytest.mark.parametrize("name", ["rabi", "t1", "long_gaps", "echo", "ef_spectroscopy"])
def test_instants_are_those_of_the_emulator(name: str) -> None:
    case = case_of(PROGRAMS[name])
    listed = sections(name)
    points = points_of(case)
    for point in {points[0], points[-1]}:
        for lane in play(case, point, emulate).lanes:
            told = [line for line in listed[lane.frame] if line[2] is not None]
            spans = [[int(end) for end in str(line[2]).split("..")] for line in told]
            for kind, events in (("play", lane.stretches), ("acquire", lane.openings)):
                own = [span for span, line in zip(spans, told, strict=True) if line[4] == kind]
                for event in events:
                    if kind == "play" and "waveform" not in event.name:
                        continue
                    assert any(s[0] <= event.start_ns <= s[-1] for s in own), (event, own)


def test_resources_say_what_is_used_of_what_and_how_long_it_runs() -> None:
    case = case_of(ramsey())
    told = resources(case.program, case.artifacts[CLUSTER])
    assert "2 shots x 21 points last 2.579408 ms; the first shot begins 9.008 µs" in told
    (drive,) = [line for line in told.splitlines() if line.startswith("q2.drive")]
    assert drive.split()[1:4] == ["slot6.out0_1", "QCM", "0"]
    assert "80/16384" in drive
    (readout,) = [line for line in told.splitlines() if line.startswith("q1.readout")]
    assert readout.endswith("21/3000000")


def test_statements_are_numbered_as_in_the_program() -> None:
    lines = statements(ramsey()).splitlines()
    assert lines[0] == " 0  Play        q0.drive: Drag 40 ns x 0.2"
    assert lines[2] == " 2  ShiftPhase  q0.drive: 0.13 point turns"
    assert lines[13] == "13  Capture     q0.readout: q0, 800 ns, 152 ns later"
    assert len(lines) == len(ramsey().body)
