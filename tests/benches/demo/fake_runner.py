"""A facility that answers at once: no bus, no instruments, data made of zeros."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray
from tests.benches.facility.loaded_examples import loaded

from podium.control.bus.mixers import MixerFound
from podium.control.facility.facility import Facility
from podium.control.program.program import Program
from podium.control.runs.errors import RunFailed
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
RUN_S = 7


class FakeRunner:
    """Implements ``Runner``: every run takes 7 s of laboratory time."""

    def __init__(self, kelvin: float = 0.015) -> None:
        self.facility: Facility = loaded(EXAMPLE)
        self.kelvin = kelvin
        self.biases: list[dict[str, float]] = []
        self.runs = 0
        self.dies_at: int | None = None
        """Number of the run that fails."""

    async def run(self, program: Program) -> xarray.Dataset:
        self.runs += 1
        if self.runs == self.dies_at:
            raise RunFailed("cluster_a: the connection was lost")
        return xarray.Dataset(
            {"q0_i": ("shot", np.zeros(3), {"units": "V"})},
            attrs={"run": f"1767225637-{self.runs:05d}", "epoch": 4, "program": program.name},
        )

    async def bias(self, volts: Mapping[str, float]) -> None:
        self.biases.append(dict(volts))

    async def calibrate_mixers(self, ports: Sequence[str]) -> Mapping[str, MixerFound]:
        wiring = self.facility.wiring
        return {str(wiring[port].output): MixerFound(1e-3, -2e-3, 1.01, 0.02) for port in ports}

    async def read(self, instrument: str, channel: str) -> float:
        assert (instrument, channel) == ("thermometry_a", "mixing_chamber")
        return self.kelvin

    async def now(self) -> Tai:
        return Tai.from_fs(1_767_225_637 * FS_PER_S + self.runs * RUN_S * FS_PER_S)
