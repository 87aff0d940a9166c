"""Outputs of a Lake Shore 336, 350 or 372 to heaters: what all of these boxes have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.lakeshore_records import Record
from podium.sim_instruments.twins.heater_loop import HeaterLines, OutputBank, Setpoint
from podium.sim_instruments.twins.ieee4882_device import Call
from podium.sim_instruments.twins.lakeshore_settings import LakeshoreSettings, as_float, as_int

Mode = TypeVar("Mode", bound=IntEnum)
Read = Callable[[str, int], float | None]
"""Returns what an input reads at a time, fs; None without a valid reading."""


@dataclass(frozen=True, slots=True)
class OutputModel(Generic[Mode]):
    """Holds which outputs and inputs a box has, and which records tell what they do."""

    outputs: tuple[int, ...]
    inputs: tuple[str, ...]
    modes: type[Mode]
    regulated: tuple[Mode, ...]
    warm_up: Mode
    outmode: Record
    tlimit: Record
    ramp: Record


class LakeshoreOutputs(ABC, Generic[Mode]):
    """Outputs that deliver power to heaters.

    A sensor above its limit (TLIMIT) switches all of them off.
    """

    def __init__(
        self,
        model: OutputModel[Mode],
        settings: LakeshoreSettings,
        lines: HeaterLines,
        kelvin: Read,
    ) -> None:
        """Take the settings, and what an input reads, K."""
        self._outputs, self._settings, self._lines = model, settings, lines
        self._kelvin = kelvin
        self._bank = OutputBank(model.outputs)

    # --- what differs from box to box -------------------------------------------------

    @abstractmethod
    def _act(self, output: int, at_fs: int) -> None:
        """Regulate, or end a warm-up."""

    @abstractmethod
    def _fixed_share(self, output: int, mode: Mode) -> float:
        """Return the share of full current or voltage of an output that is not regulated."""

    @abstractmethod
    def _deliver(self, output: int, now_fs: int) -> None:
        """Tell the heater what it gets."""

    @abstractmethod
    def _highest_range(self, output: int) -> int:
        """Return up to where RANGE of an output goes."""

    # --- time -------------------------------------------------------------------------

    @property
    def acts(self) -> bool:
        """Tell whether a loop regulates, a warm-up may end or a limit may be passed."""
        on = self._bank.on()
        moving = (*self._outputs.regulated, self._outputs.warm_up)
        return any(self._mode(output) in moving for output in on) or (
            bool(on) and any(limit_k > 0 for _, limit_k in self._limits())
        )

    def advance(self, now_fs: int) -> None:
        """Take the steps that are due: limits, loops, heaters."""
        self._lines.now_fs = now_fs
        self._bank.advance(now_fs, self._too_warm, self._act, self.refresh)

    def refresh(self, now_fs: int) -> None:
        """Make the outputs follow settings that have changed."""
        for output in self._outputs.outputs:
            mode = self._mode(output)
            if self._bank.ranges[output] == 0 or mode not in self._outputs.regulated:
                self._bank.loops[output].reset()
                self._bank.shares[output] = self._fixed_share(output, mode)
            self._deliver(output, now_fs)

    def power_on(self, now_fs: int) -> None:
        """Switch off, as at power-on, outputs whose OUTMODE does not have them stay on (manual).

        ASSUMED: setpoints are kept; one that moved is where it was to go.
        """
        for output, setpoint in self._bank.setpoints.items():
            if not self._settings.fields(self._outputs.outmode, output)[2]:
                self._bank.ranges[output] = 0
            self._bank.setpoints[output] = Setpoint(setpoint.target, setpoint.target, now_fs, 0.0)
            self._bank.loops[output].reset()
        self.refresh(now_fs)

    def reset(self, now_fs: int) -> None:
        """DFLT: everything off."""
        self._bank.reset()
        self.refresh(now_fs)

    def _too_warm(self, at_fs: int) -> bool:
        """Return whether a sensor is above its TLIMIT."""
        return any(
            limit_k > 0 and (self._kelvin(name, at_fs) or 0.0) > limit_k
            for name, limit_k in self._limits()
        )

    def _limits(self) -> Iterator[tuple[str, float]]:
        """Return each input with its TLIMIT, K; 0 for none."""
        for name in self._outputs.inputs:
            yield name, as_float(self._settings.fields(self._outputs.tlimit, name)[0])

    def _mode(self, output: int) -> Mode:
        return self._outputs.modes(as_int(self._settings.fields(self._outputs.outmode, output)[0]))

    # --- commands ---------------------------------------------------------------------

    def set_range(self, call: Call) -> None:
        """RANGE."""
        output, heater_range = map(as_int, call.values)
        self._check_range(output, heater_range)
        self._bank.ranges[output] = heater_range
        self.refresh(call.now_fs)

    def _check_range(self, output: int, heater_range: int) -> None:
        highest = self._highest_range(output)
        if heater_range > highest:
            raise ScpiError(-222, f"output {output} has ranges to {highest}")

    def ask_range(self, call: Call) -> str:
        """RANGE?"""
        return str(self._bank.ranges[as_int(call.values[0])])

    def set_setpoint(self, call: Call) -> None:
        """SETP: at once, or at the rate of RAMP, K/min."""
        output = as_int(call.values[0])
        ramping, per_min = self._settings.fields(self._outputs.ramp, output)
        rate = as_float(per_min) if ramping else 0.0
        self._bank.move_setpoint(output, as_float(call.values[1]), rate, call.now_fs)

    def ask_fault(self, call: Call) -> str:
        """HTRST?: 1, open, where current is to flow and no heater is connected."""
        output = as_int(call.values[0])
        flows = self._bank.ranges[output] > 0 and self._bank.shares[output] > 0
        return str(int(flows and not self._lines.connected(output)))
