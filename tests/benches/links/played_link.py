"""Answers link programs by a law of their settings, on benches that know their readouts."""

from collections.abc import Callable

import numpy as np
import xarray
from tests.benches.links.linked_ends import LINKED, bench_of

from podium.control.calibration.links.link_bench import LinkBench
from podium.control.facility.load import load_facility
from podium.control.program.program import Linear, Program, Table
from podium.firmware_interfaces.tai import Tai

Law = Callable[[Program, dict[str, np.ndarray], str], np.ndarray]
"""Of a program, its settings by variable, and an end: how often each is read as 1."""
EXCITED_V = 1e-3
READOUT = {
    f"{end}.{name}": value
    for end in ("node_a.q0", "node_b.q0")
    for name, value in {
        "ground_i": (1e-9, "V"),
        "ground_q": (1e-9, "V"),
        "excited_i": (EXCITED_V, "V"),
        "excited_q": (1e-9, "V"),
        "ground_variance": (1e-4, "1"),
        "excited_variance": (1e-4, "1"),
        "rare_threshold": (0.5, "1"),
        "readout_threshold": (0.5, "1"),
        "thermal_population": (0.012, "1"),
        "second_i": (EXCITED_V, "V"),
        "second_q": (1e-9, "V"),
    }.items()
}


class LawRunner:
    """Draws shots by a law, each read as 0 or as 1 with next to no noise."""

    def __init__(self, law: Law, seed: int) -> None:
        self.facility = load_facility(LINKED)
        self.programs: list[Program] = []
        self._law, self._random = law, np.random.default_rng(seed)

    async def now(self) -> Tai:
        return Tai(1, 0)

    async def run(self, program: Program) -> xarray.Dataset:
        self.programs.append(program)
        settings = {v.name: _values(v.values) for axis in program.axes for v in axis.variables}
        dim = program.axes[0].name
        captures = [
            frame.name.removesuffix(".readout")
            for frame in program.frames
            if frame.name.endswith("readout")
        ]
        found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
        for name in captures:
            chance = np.asarray(self._law(program, settings, name))
            counts = self._random.binomial(1, chance, (program.shots, chance.size))
            seen = EXCITED_V * (counts + 1e-3 * self._random.normal(size=counts.shape))
            place = ("shot", dim) if program.keep_shots else (dim,)
            found[f"{name}_i"] = place, seen if program.keep_shots else seen.mean(axis=0)
            found[f"{name}_q"] = place, np.zeros_like(found[f"{name}_i"][1])
        in_fs = {v.name for axis in program.axes for v in axis.variables if v.unit == "fs"}
        coordinates = {
            name: (dim, values * 1e-15 if name in in_fs else values)
            for name, values in settings.items()
        }
        attributes = {"run": f"1-{len(self.programs):05d}", "epoch": 1, "started_tai_s": 1.0}
        return xarray.Dataset(found, coordinates, attributes)


def _values(values: Linear | Table) -> np.ndarray:
    if isinstance(values, Table):
        return np.array(values.values, dtype=np.float64)
    return values.start + values.step * np.arange(values.count)


def played_link(law: Law, seed: int = 1, **over: tuple[float, str]) -> LinkBench:
    """A bench of examples/linked whose readouts are known, and whose programs a law answers."""
    bench = bench_of(**{**READOUT, **over})
    runner = LawRunner(law, seed)
    for end in bench.ends:
        end.bench.runner = runner
    return bench
