"""Readout pulses are as long as resonators want, or as their instrument can play them."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import Asked, MadeRunner, known
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.sequences import Pulses
from podium.control.facility.load import load_facility
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Play, Program
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.zurich.awg_limits import READOUT_SAMPLES

LONGEST_NS = READOUT_SAMPLES // 2


def bench_of(
    name: str, tmp_path: Path, played: list[Program], record: MemoryRecord | None = None
) -> Bench:
    """A bench of a facility whose resonators are narrow: 1 / (pi kappa) is 265 ns."""
    text = (ROOT / "examples" / "two_qubit" / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip().startswith("kappa:")]
    for line in lines:
        indent = line[: line.index("kappa")]
        text = text.replace(line, f"{indent}kappa: {{value: 1.2 MHz, spread: 0.1 MHz}}")
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    facility = load_facility(path)

    def made(asked: Asked, _: object) -> np.ndarray:
        played.append(asked.program)
        return np.zeros(asked.shape, complex)

    runner = MadeRunner(made, 1, facility=facility)
    qubits = tuple(facility.qubits().values())
    return Bench(runner, "node_a", qubits, record or known(facility), keep=lambda _: None)


@pytest.mark.parametrize(
    ("name", "longest_ns"), [("facility.yaml", 4096), ("facility_zi.yaml", LONGEST_NS)]
)
async def test_a_narrow_resonator_is_read_as_long_as_its_instrument_can(
    name: str, longest_ns: int, tmp_path: Path
) -> None:
    played: list[Program] = []
    bench = bench_of(name, tmp_path, played)
    [_ async for _ in bring_up(bench, ("dispersive_shift",))]
    lasting = [
        one.waveform.duration_fs / FS_PER_NS
        for program in played
        for one in program.body
        if isinstance(one, Play) and one.frame.endswith(".readout")
    ]
    assert lasting
    assert 1500 < max(lasting) <= longest_ns
    assert (max(lasting) > LONGEST_NS) == (name == "facility.yaml")


def test_the_first_readout_of_all_is_no_longer_either(tmp_path: Path) -> None:
    for name, at_most in (("facility.yaml", 4096), ("facility_zi.yaml", LONGEST_NS)):
        bench = bench_of(name, tmp_path, [], MemoryRecord())
        pulses = Pulses(bench, bench.qubits[0])
        assert 1500 < pulses.probe_ns <= at_most
        assert (pulses.probe_ns > LONGEST_NS) == (name == "facility.yaml")
