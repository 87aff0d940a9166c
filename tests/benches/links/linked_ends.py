"""Link routines on the ends of examples/linked, with what calibrations have found of them."""

from pathlib import Path

import numpy as np

from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_session import link_validities
from podium.control.compilers.placing import place_in_fs
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Program

EXAMPLES = Path(__file__).parents[3] / "examples"
LINKED = EXAMPLES / "linked" / "facility.yaml"
KNOWN = {
    "node_a.q0.f01": (6.3443e9, "Hz"),
    "node_b.q0.f01": (6.1084e9, "Hz"),
    "node_a.q0.anharmonicity": (-264.7e6, "Hz"),
    "node_b.q0.anharmonicity": (-305.1e6, "Hz"),
    "node_a.q0.t1": (5e-6, "s"),
    "node_b.q0.t1": (4.5e-6, "s"),
    "node_a.q0.pi_amplitude": (0.42, "1"),
    "node_b.q0.pi_amplitude": (0.42, "1"),
    "link_ab.a.sideband_rate": (12.3e6, "Hz"),
    "link_ab.a.stark_shift": (-25.6e6, "Hz"),
    "link_ab.b.kappa": (13.3e6, "Hz"),
    "link_ab.best_lag": (7.2e-9, "s"),
}


class NoRunner:
    """Knows the facility and plays nothing."""

    def __init__(self, facility) -> None:
        self.facility = facility


def entry(name: str, value: float, unit: str) -> ParameterEntry:
    return ParameterEntry(name, value, abs(value) * 1e-4, unit, "run", "routine", 1.0, 1)


def bench_of(file: Path = LINKED, **over: tuple[float, str]) -> LinkBench:
    facility = load_facility(file)
    record = MemoryRecord(entry(name, *one) for name, one in {**KNOWN, **over}.items())
    return LinkBench.of(
        NoRunner(facility),  # type: ignore[arg-type]
        facility.links["link_ab"],
        record,
        lambda data: None,
        link_validities(facility),
    )


def sidebands_ns(bench: LinkBench, program: Program) -> list[list[tuple[int, int]]]:
    """Begin and end of each sideband pulse of each end, ns, at the program's first point."""
    frames = {one.frame.name: one for one in place_in_fs(program).frames}
    return [
        [
            (
                begin := int(np.ravel(one.start_fs)[0]) // 10**6,
                begin + one.waveform.duration_fs // 10**6,
            )
            for one in frames[end.sideband].pulses
        ]
        for end in bench.ends
    ]
