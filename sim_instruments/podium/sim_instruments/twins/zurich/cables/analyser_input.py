"""One analyser's input without a world receives a cable's signal and its own noise."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from podium.sim_instruments.twins.zurich.cables.input_noise import InputNoise
from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import ReadoutSettings
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes, Integers


class Arrivals(Protocol):
    """Returns the signal at the input of an analyser: the world, for it."""

    def records(
        self,
        device: str,
        channel: int,
        sent: tuple[Complexes, ...],
        which: Integers,
        run_fs: int,
        ticks: Integers,
        samples: int,
    ) -> Complexes:
        """Return the records of readouts, shape (readouts, samples), in volts at 2 GSa/s from
        each start on: ``ticks`` samples after world time ``run_fs``. ``sent`` are pulses of full
        scale 1, ``which`` says which of them each readout sent."""
        ...


class Cable:
    """A cable from the output to the input: full scale out is 1 V in, at once."""

    def records(
        self,
        device: str,
        channel: int,
        sent: tuple[Complexes, ...],
        which: Integers,
        run_fs: int,
        ticks: Integers,
        samples: int,
    ) -> Complexes:
        """Return what was sent."""
        table = np.zeros((len(sent), samples), np.complex128)
        for row, wave in zip(table, sent, strict=True):
            used = wave[:samples]
            row[: len(used)] = used
        return np.asarray(table[which], np.complex128)


@dataclass(frozen=True, slots=True, eq=False)
class AnalyserInput:
    """One input. An output that is off sends nothing into it; off itself it hears noise alone."""

    device: str
    channel: int
    setting: node_settings.Setting
    arrivals: Arrivals
    floor: InputNoise

    def records(
        self,
        sent: tuple[Complexes, ...],
        which: Integers,
        run_fs: int,
        ticks: Integers,
        samples: int,
    ) -> Complexes:
        """Return the records of readouts, without noise; see :meth:`Arrivals.records`."""
        at = f"qachannels/{self.channel}"
        on = (node_settings.number(self.setting, f"{at}/{side}/on") for side in ("output", "input"))
        if not all(on):
            return np.zeros((len(which), samples), np.complex128)
        return self.arrivals.records(self.device, self.channel, sent, which, run_fs, ticks, samples)

    def noise(self, shape: tuple[int, ...]) -> Complexes:
        """Return noise, sample by sample, V."""
        return self.floor.volts(self._range_dbm(), shape)

    def noise_of_sums(self, settings: ReadoutSettings, count: int) -> Complexes:
        """Return what integrators make of noise, shape (count, integrators)."""
        weights = tuple(one[: settings.length] for one in settings.weights)
        return self.floor.sums(self._range_dbm(), weights, count)

    def _range_dbm(self) -> float:
        return node_settings.number(self.setting, f"qachannels/{self.channel}/input/range")
