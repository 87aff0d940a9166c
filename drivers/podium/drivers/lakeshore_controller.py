"""Driver of the Lake Shore 336 and 350, over the QCoDeS driver of the 336: one set of commands."""

from collections.abc import Mapping
from math import sqrt

from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336

from podium.drivers.channel_readings import Missing
from podium.drivers.errors import Refused
from podium.drivers.lakeshore_box import LakeShoreBox
from podium.drivers.visa_session import VisaSession
from podium.firmware_interfaces.lakeshore_controller import (
    CURRENT_OUTPUTS,
    HEATER_LOADS_OHM,
    INPUTS,
    SHOW_POWER,
    VOLTAGE_FULL_SCALE_V,
    Controller,
    HeaterSetup,
    OutputMode,
    ReadingStatus,
)

VOLTAGE_LOAD_OHM = 100.0
"""The box does not know what hangs at its voltage outputs. ASSUMED: 1 W at 10 V."""
INPUT_SETTINGS = {"input": "INTYPE?", "curve": "INCRV?", "limit": "TLIMIT?"}
OUTPUT_SETTINGS = {"mode": "OUTMODE?", "heater_range": "RANGE?", "setpoint": "SETP?"}


class LakeShoreController(LakeShoreBox):
    """A Thermometer and a Heater: what the drivers of both models do."""

    _status_bits = ReadingStatus

    def __init__(
        self,
        name: str,
        visa: str,
        connect: type[LakeshoreModel336],
        model: Controller,
        channels: Mapping[int, str],
        heaters: Mapping[int, str] | None,
    ) -> None:
        """Connect by reading; inputs 1 to 4 are A to D."""
        self._model = model
        self._inputs = {channel: INPUTS[number - 1] for number, channel in channels.items()}
        self._outputs = {heater: number for number, heater in (heaters or {}).items()}
        self._session = VisaSession(name, visa, connect)

    def snapshot(self) -> dict[str, object]:
        """Return the settings of the named inputs and outputs, in one round trip."""
        queries = {
            f"{channel}.{setting}": f"{mnemonic} {letter}"
            for channel, letter in self._inputs.items()
            for setting, mnemonic in INPUT_SETTINGS.items()
        }
        for heater, output in self._outputs.items():
            for setting, mnemonic in OUTPUT_SETTINGS.items():
                queries[f"{heater}.{setting}"] = f"{mnemonic} {output}"
        return self._session.ask_all(queries) if queries else {}

    def temperature_k(self, channel: str) -> float:
        """Return the temperature of ``channel``, K.

        Raises :class:`Refused` for a channel without a name here or without a valid reading.
        """
        name = self._session.name
        if channel not in self._inputs:
            known = ", ".join(sorted(self._inputs)) or "none"
            raise Refused(f"{name} has no channel {channel!r}; it has {known}")
        letter = self._inputs[channel]
        found = self._session.ask_all({"status": f"RDGST? {letter}", "kelvin": f"KRDG? {letter}"})
        read = self._temperature(letter, found["status"], found["kelvin"])
        if isinstance(read, Missing):
            raise Refused(
                f"{name} has no valid reading of {channel} (input {letter}): {read.why}; "
                "is a sensor connected, its type and curve set, its range wide enough?"
            )
        return read[0]

    # --- as a Heater ------------------------------------------------------------------

    def _power_queries(self, output: int) -> tuple[str, ...]:
        """Return what tells the power of an output."""
        return ("RANGE?", "HTRSET?", "HTR?") if output in CURRENT_OUTPUTS else ("RANGE?", "AOUT?")

    def _power_w(self, output: int, said: Mapping[str, object]) -> float:
        """Return the power that the answers mean, W."""
        heated = output in CURRENT_OUTPUTS
        heater_range, percent = said["RANGE?"], said["HTR?" if heated else "AOUT?"]
        if not isinstance(heater_range, int) or not isinstance(percent, int | float):
            raise self._nonsense(f"RANGE? {output} ...", f"{said}")
        if heater_range == 0:
            return 0.0
        if not heated:
            return (percent / 100 * VOLTAGE_FULL_SCALE_V) ** 2 / VOLTAGE_LOAD_OHM
        setup, load_ohm, in_power = self._setup_in(output, str(said["HTRSET?"]))
        full_a = self._model.full_scale_a(output, setup, heater_range)
        return full_a**2 * load_ohm * (percent / 100 if in_power else (percent / 100) ** 2)

    def heat(self, heater: str, power_w: float) -> None:
        """Deliver a power in open loop, in the smallest range that reaches it; 0 is range off.

        The output is off for a moment between two powers; its control input stays.
        """
        output = self._output(heater)
        if not power_w >= 0:
            raise Refused(f"{self._session.name}: {heater} cannot be heated by {power_w} W")
        if power_w == 0:
            self.tell(f"RANGE {output},0")
            return
        percent, heater_range = self._setting(output, heater, power_w)
        channel, powerup = self._session.ask(f"OUTMODE? {output}").split(",")[1:]
        mode = f"OUTMODE {output},{int(OutputMode.OPEN_LOOP)},{channel},{powerup}"
        self.tell(f"RANGE {output},0;{mode};MOUT {output},{percent:.6g}")
        self.tell(f"RANGE {output},{heater_range}")

    def _setting(self, output: int, heater: str, power_w: float) -> tuple[float, int]:
        """Return manual output, percent, and range; raises :class:`Refused` if there is none."""
        if output not in CURRENT_OUTPUTS:
            most_w, in_power = VOLTAGE_FULL_SCALE_V**2 / VOLTAGE_LOAD_OHM, False
            choices = {1: power_w / most_w}
        else:
            setup, load_ohm, in_power = self._setup(output)
            ranges = range(1, self._model.highest_range(output) + 1)
            full_w = {
                one: self._model.full_scale_a(output, setup, one) ** 2 * load_ohm for one in ranges
            }
            most_w = max(full_w.values())
            choices = {one: power_w / watts for one, watts in full_w.items() if watts > 0}
        for heater_range, share in choices.items():
            if share <= 1:
                return 100 * (share if in_power else sqrt(share)), heater_range
        raise Refused(
            f"{self._session.name}: {heater} is to get {power_w} W; its output gives {most_w:.3g} W"
        )

    def _setup(self, output: int) -> tuple[HeaterSetup, float, bool]:
        """Return the fields of HTRSET, the load in ohm, and whether power is shown."""
        return self._setup_in(output, self._session.ask(f"HTRSET? {output}"))

    def _setup_in(self, output: int, said: str) -> tuple[HeaterSetup, float, bool]:
        """Return the same of an answer to HTRSET?."""
        try:
            load, maximum, user_a, display = said.split(",")
            setup = int(load), int(maximum), float(user_a), int(display)
            return setup, HEATER_LOADS_OHM[setup[0]], setup[3] == SHOW_POWER
        except (KeyError, ValueError) as error:
            raise self._nonsense(f"HTRSET? {output}", said) from error
