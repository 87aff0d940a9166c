"""Driver of the Lake Shore 372 AC resistance bridge, over QCoDeS."""

from collections.abc import Mapping
from math import sqrt

from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372

from podium.drivers.errors import Refused
from podium.drivers.lakeshore_box import LakeShoreBox
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces.built_in_models.thermometry import LAKESHORE_372
from podium.firmware_interfaces.lakeshore_372 import (
    SAMPLE,
    SAMPLE_FULL_SCALE_A,
    STILL_FULL_SCALE_V,
    WARM_UP,
    WARM_UP_FULL_SCALE_A,
    OutputMode,
    ReadingStatus,
)

VALID = "OK"  # QCoDeS, LakeshoreModel372Channel.SENSOR_STATUSES
SETTINGS = {"input": "INSET?", "range": "INTYPE?", "filter": "FILTER?"}
"""What a snapshot holds of each input: enabled, dwell, pause, curve; excitation, range; filter."""
OUTPUT_SETTINGS = {"mode": "OUTMODE?", "heater_range": "RANGE?", "heater": "HTRSET?"}
"""And of each output with a heater."""
STILL_LOAD_OHM = 120.0
"""The box does not know what hangs at its analog output. ASSUMED, as Bluefors has it."""
WARM_UP_LOADS_OHM = {1: 25.0, 2: 50.0}  # HTRSET


class _CheckedDriver(ChecksIdentity, LakeshoreModel372):
    """The QCoDeS driver, for such a box and no other."""

    model = LAKESHORE_372


class LakeShore372(LakeShoreBox):
    """A Thermometer and a Heater. What is scanned, and how, is the fridge's own matter."""

    _inputs: Mapping[str, int]
    _status_bits = ReadingStatus

    def __init__(
        self,
        name: str,
        visa: str,
        channels: Mapping[int, str],
        heaters: Mapping[int, str] | None = None,
    ) -> None:
        """Connect by reading; ``channels`` names measurement inputs, e.g. ``{6: "mixing"}``.

        ``heaters`` names what hangs at the outputs: 0 sample, 1 warm-up, 2 analog (still).
        """
        self._inputs = {channel: number for number, channel in channels.items()}
        self._outputs = {heater: number for number, heater in (heaters or {}).items()}
        self._session = VisaSession(name, visa, _CheckedDriver)

    def snapshot(self) -> dict[str, object]:
        """Return the settings of the named inputs, in one round trip."""
        queries = {
            f"{channel}.{setting}": f"{mnemonic} {number}"
            for channel, number in self._inputs.items()
            for setting, mnemonic in SETTINGS.items()
        }
        for heater, output in self._outputs.items():
            for setting, mnemonic in OUTPUT_SETTINGS.items():
                if output in (SAMPLE, WARM_UP) or setting != "heater":
                    queries[f"{heater}.{setting}"] = f"{mnemonic} {output}"
        return self._session.ask_all(queries) if queries else {}

    def temperature_k(self, channel: str) -> float:
        """Return the last reading of ``channel``, at most one round of the scanner old, in K.

        Raises :class:`Refused` for a channel without a name here or without a valid reading.
        """
        name = self._session.name
        if channel not in self._inputs:
            known = ", ".join(sorted(self._inputs)) or "none"
            raise Refused(f"{name} has no channel {channel!r}; it has {known}")
        number = self._inputs[channel]
        with self._session.talking(f"for the temperature of {channel} (input {number})"):
            sensor = self._session.instrument.channels[number - 1]
            temperature_k = float(sensor.temperature())
            status = str(sensor.sensor_status())
        if status != VALID or temperature_k <= 0:
            said = status if status != VALID else f"{temperature_k} K"
            raise Refused(
                f"{name} has no valid reading of {channel} (input {number}): it says {said}; "
                "is the input enabled, its curve set, its range wide enough?"
            )
        return temperature_k

    # --- as a Heater ------------------------------------------------------------------

    def _power_queries(self, output: int) -> tuple[str, ...]:
        """Return what tells the power of an output."""
        if output == SAMPLE:
            return "RANGE?", "HTRSET?", "HTR?"
        return ("RANGE?", "HTRSET?", "AOUT?") if output == WARM_UP else ("RANGE?", "AOUT?")

    def _power_w(self, output: int, said: Mapping[str, object]) -> float:
        """Return the power that the answers mean, W."""
        heater_range, percent = said["RANGE?"], said["HTR?" if output == SAMPLE else "AOUT?"]
        if not isinstance(heater_range, int) or not isinstance(percent, int | float):
            raise self._nonsense(f"RANGE? {output} ...", f"{said}")
        if heater_range == 0:
            return 0.0
        if output not in (SAMPLE, WARM_UP):
            return (percent / 100 * STILL_FULL_SCALE_V) ** 2 / STILL_LOAD_OHM
        load_ohm, full_a, in_power = self._setup_in(output, str(said["HTRSET?"]))
        if output == SAMPLE and in_power:
            return float(percent)
        if output == SAMPLE:
            if not 0 <= heater_range < len(SAMPLE_FULL_SCALE_A):
                raise self._nonsense(f"RANGE? {output}", f"{heater_range}")
            full_a = SAMPLE_FULL_SCALE_A[heater_range]
        return full_a**2 * load_ohm * (percent / 100 if in_power else (percent / 100) ** 2)

    def heat(self, heater: str, power_w: float) -> None:
        """Deliver a power in open loop, in the smallest range that reaches it; 0 is range off.

        The output's control input and loop settings stay. A heater that is off is set up before
        it is switched on; from a larger range it is switched down last.
        """
        output = self._output(heater)
        if not power_w > 0:
            if power_w < 0 or power_w != power_w:
                raise Refused(f"{self._session.name}: {heater} cannot be heated by {power_w} W")
            self.tell(f"RANGE {output},0")
            return
        percent, heater_range = self._setting(output, heater, power_w)
        mode = int(OutputMode.OPEN_LOOP)
        self.tell(f"RANGE {output},0;OUTMODE {output},{mode};MOUT {output},{percent:.6g}")
        self.tell(f"RANGE {output},{heater_range}")

    def _setting(self, output: int, heater: str, power_w: float) -> tuple[float, int]:
        """Return manual output and range for a power; raises :class:`Refused` if it has none."""
        if output not in (SAMPLE, WARM_UP):
            share = sqrt(power_w * STILL_LOAD_OHM) / STILL_FULL_SCALE_V
            choices = [(share, 1)]
            most_w = STILL_FULL_SCALE_V**2 / STILL_LOAD_OHM
            in_power, load_ohm = False, STILL_LOAD_OHM
        else:
            load_ohm, full_a, in_power = self._setup(output)
            scales = SAMPLE_FULL_SCALE_A[1:] if output == SAMPLE else (full_a,)
            choices = [
                (sqrt(power_w / load_ohm) / scale, number)
                for number, scale in enumerate(scales, start=1)
            ]
            most_w = scales[-1] ** 2 * load_ohm
        for share, heater_range in choices:
            if share <= 1:
                if in_power:
                    return (power_w if output == SAMPLE else 100 * share**2), heater_range
                return 100 * share, heater_range
        raise Refused(
            f"{self._session.name}: {heater} is to get {power_w} W; its output gives {most_w:.3g} W"
        )

    def _setup(self, output: int) -> tuple[float, float, bool]:
        """Return load (ohm), full-scale current (A, of the warm-up heater), shown in power."""
        return self._setup_in(output, self._session.ask(f"HTRSET? {output}"))

    def _setup_in(self, output: int, said: str) -> tuple[float, float, bool]:
        """Return the same of an answer to HTRSET?."""
        try:
            load, maximum, user_a, display = said.split(",")
            if output == SAMPLE:
                return float(load), 0.0, int(display) == 2
            full_a = WARM_UP_FULL_SCALE_A.get(int(maximum), float(user_a))
            return WARM_UP_LOADS_OHM[int(load)], full_a, int(display) == 2
        except (KeyError, ValueError) as error:
            raise self._nonsense(f"HTRSET? {output}", said) from error
