"""One channel of a 33512B: what it is set to, and how its settings limit one another.

A number out of range is clipped to its limit and set; the error says so.
"""

from collections.abc import Mapping
from decimal import Decimal
from math import log10, sqrt

from podium.firmware_interfaces import keysight_33512b as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.keysight_33512b import Limits

CREST: Mapping[str, float] = {
    "SIN": 2 * sqrt(2),
    "SQU": 2.0,
    "PULS": 2.0,
    "PRBS": 2.0,
    "TRI": 2 * sqrt(3),
    "RAMP": 2 * sqrt(3),
}
"""Volts from peak to peak of one volt RMS; others as a sine. ASSUMED: that of a pulse."""
MILLIWATT = 1e-3
_OTHER_LEVEL = {box.HIGH: box.LOW, box.LOW: box.HIGH}
"""The guide, page 323: a level that comes past the other takes it along."""


class WaveformChannel:
    """Settings of *RST first; see the guide's page of each command."""

    def __init__(self) -> None:
        self.words = dict(box.WORDS)
        self._numbers = {command: limits.default for command, limits in box.FIXED_LIMITS.items()}
        self.frequency_hz = Decimal(1000)
        self.pulse_width_s = Decimal("100E-6")
        self.emf_vpp = Decimal("0.2")
        """Of the amplitude, into an open circuit."""
        self.emf_offset_v = Decimal(0)
        self.burst_from_fs = 0
        """A burst that the bus has triggered begins then: after its delay."""
        self.busy_until_fs = 0
        """A burst that the bus has triggered ends then; -1: it does not end."""

    # --- reading ----------------------------------------------------------------------

    def number(self, command: Command) -> Decimal:
        """Return a number, in the unit in which it is asked."""
        match command:
            case box.FREQUENCY:
                return self.frequency_hz
            case box.PULSE_WIDTH:
                return self.pulse_width_s
            case box.AMPLITUDE:
                return self._in_unit(self.amplitude_vpp)
            case box.OFFSET:
                return self.offset_v
            case box.HIGH:
                return self.offset_v + self.amplitude_vpp / 2
            case box.LOW:
                return self.offset_v - self.amplitude_vpp / 2
            case box.PULSE_DUTY:
                return 100 * self.pulse_width_s * self.frequency_hz
        return self._numbers[command]

    @property
    def amplitude_vpp(self) -> Decimal:
        """Return the amplitude into its termination, V from peak to peak."""
        return self.emf_vpp * self._divider

    @property
    def offset_v(self) -> Decimal:
        """Return the offset into its termination, V."""
        return self.emf_offset_v * self._divider

    def limits(self, command: Command) -> Limits:
        """Return what a number can be now."""
        match command:
            case box.FREQUENCY:
                high = box.FREQUENCY_MAX_HZ.get(self.function, box.FREQUENCY_MAX_HZ["SIN"])
                return Limits(box.FREQUENCY_MIN_HZ, high, Decimal(1000))
            case box.PULSE_WIDTH:
                most = max(box.EDGE_S, 1 / self.frequency_hz - box.EDGE_S)
                return Limits(box.EDGE_S, most, Decimal("100E-6"))
            case box.AMPLITUDE:
                low, high = (emf * self._divider for emf in (box.EMF_MIN_VPP, box.EMF_MAX_VPP))
                usual = Decimal("0.2") * self._divider
                return Limits(*(self._in_unit(one) for one in (low, high, usual)))
            case box.OFFSET:
                most = self._peak_max_v
                return Limits(-most, most, Decimal(0))
            case box.HIGH:
                most, usual = self._peak_max_v, Decimal("0.1") * self._divider
                return Limits(self._least_vpp - most, most, usual)
            case box.LOW:
                most, usual = self._peak_max_v, Decimal("0.1") * self._divider
                return Limits(-most, most - self._least_vpp, -usual)
            case box.PULSE_DUTY:
                least = 100 * box.EDGE_S * self.frequency_hz
                return Limits(least, max(least, 100 - least), Decimal(10))
        return box.FIXED_LIMITS[command]

    @property
    def function(self) -> str:
        """Return the function's word."""
        return str(self.words[box.FUNCTION])

    # --- setting ----------------------------------------------------------------------

    def set_word(self, command: Command, value: Value) -> None:
        """Set what is no number; raises :class:`ScpiError` where another setting follows it."""
        if command is box.UNIT and value == "DBM" and self._endless_load:
            raise ScpiError(-221, "no power into an open circuit")
        self.words[command] = value
        most = self.limits(box.FREQUENCY).high
        if command is box.FUNCTION and self.frequency_hz > most:
            self.frequency_hz = most
            self._fit_burst()
            raise ScpiError(-221, f"the frequency is now {most} Hz")
        if not self._fit_burst():
            raise ScpiError(-221, "not in bursts")

    def set_number(self, command: Command, given: Value) -> None:
        """Set a number or what a word stands for; raises as the box reports what it clipped."""
        if isinstance(given, str) and " " in given:
            self._set_in_its_unit(command, given)
            return
        limits = self.limits(command)
        if given == "INF":
            value = box.INFINITE
        elif isinstance(given, Decimal):
            value = min(max(given, limits.low), limits.high)
        else:
            value = limits.word(str(given))
        other = self.number(_OTHER_LEVEL[command]) if command in _OTHER_LEVEL else None
        self._put(command, value)
        if isinstance(given, Decimal) and given != value:
            raise ScpiError(-222, text=box.CLIPPED.format("upper" if given > value else "lower"))
        if other is not None and self.number(_OTHER_LEVEL[command]) != other:
            raise ScpiError(-221, "the other level has moved")
        self._settle(command)

    def _set_in_its_unit(self, command: Command, given: str) -> None:
        """Set an amplitude that came with its unit; the unit in use stays. ASSUMED: stays."""
        number, unit = given.split()
        in_use = self.words[box.UNIT]
        try:
            self.set_word(box.UNIT, unit)
            self.set_number(command, Decimal(number))
        finally:
            self.words[box.UNIT] = in_use

    def apply(self, function: str, numbers: tuple[Value, ...]) -> None:
        """Put out a function at once: frequency, amplitude, offset, where None is the default.

        An offset that its amplitude leaves no room for is clipped. ASSUMED: of what goes wrong
        the first is told, and all is set.
        """
        frequency, amplitude, offset = ("DEF" if one is None else one for one in numbers)
        self.words |= box.APPLIES | {box.FUNCTION: function}
        self.emf_offset_v = Decimal(0)  # the old one limits nothing
        wrong: list[ScpiError] = []
        for command, given in ((box.FREQUENCY, frequency), (box.AMPLITUDE, amplitude)):
            try:
                self.set_number(command, given)
            except ScpiError as error:
                wrong.append(error)
        most = self._peak_max_v - (Decimal(0) if function == "DC" else self.amplitude_vpp / 2)
        room = Limits(-most, most, Decimal(0))
        wanted = offset if isinstance(offset, Decimal) else room.word(str(offset))
        value = min(max(wanted, -most), most)
        self._put(box.OFFSET, value)
        if value != wanted:
            side = "upper" if wanted > value else "lower"
            wrong.append(ScpiError(-222, text=box.CLIPPED.format(side)))
        if wrong:
            raise wrong[0]

    def applied(self) -> str:
        """Return function, frequency, amplitude and offset. ASSUMED: digits as of each alone."""
        numbers = (self.number(one) for one in (box.FREQUENCY, box.AMPLITUDE, box.OFFSET))
        return f"{self.function} {','.join(map(box.written, numbers))}"

    def _put(self, command: Command, value: Decimal) -> None:
        match command:
            case box.FREQUENCY:
                self.frequency_hz = value
            case box.PULSE_WIDTH:
                self.pulse_width_s = value
            case box.AMPLITUDE:
                self.emf_vpp = self._in_vpp(value) / self._divider
            case box.OFFSET:
                self.emf_offset_v = value / self._divider
            case box.HIGH:
                self._put_levels(min(self.number(box.LOW), value - self._least_vpp), value)
            case box.LOW:
                self._put_levels(value, max(self.number(box.HIGH), value + self._least_vpp))
            case box.PULSE_DUTY:
                self.pulse_width_s = value / 100 / self.frequency_hz
            case box.LOAD:
                self._numbers[command] = value
                if self._endless_load and self.words[box.UNIT] == "DBM":
                    self.words[box.UNIT] = "VPP"
            case box.BURST_CYCLES | box.TRIGGER_COUNT if value < box.INFINITE:
                self._numbers[command] = Decimal(round(value))
            case _:
                self._numbers[command] = value

    def _put_levels(self, low_v: Decimal, high_v: Decimal) -> None:
        self.emf_vpp = (high_v - low_v) / self._divider
        self.emf_offset_v = (high_v + low_v) / 2 / self._divider

    def _fit_burst(self) -> bool:
        """Make function and frequency those that bursts can have; tell whether they were.

        ASSUMED: what cannot come in bursts ends them, and a frequency goes to the nearest.
        """
        words = self.words
        if not words[box.BURST]:
            return True
        counted = words[box.BURST_MODE] == "TRIG"
        if self.function == "DC" or (self.function == "NOIS" and counted):
            words[box.BURST] = False
            return False
        ends = counted and self._numbers[box.BURST_CYCLES] < box.INFINITE
        if ends and self.function in ("SIN", "SQU") and self.frequency_hz > box.BURST_MAX_HZ:
            self.frequency_hz = box.BURST_MAX_HZ
            return False
        if self._bursts_by_itself and self.frequency_hz < box.BURST_MIN_HZ:
            self.frequency_hz = box.BURST_MIN_HZ
            return False
        return True

    @property
    def _bursts_by_itself(self) -> bool:
        """Tell whether bursts begin at their period, which means nothing otherwise; page 177."""
        return self.words[box.BURST_MODE] == "TRIG" and self.words[box.TRIGGER_SOURCE] == "IMM"

    def _settle(self, command: Command) -> None:
        """Change what another setting leaves no room for; the error says that it was done."""
        peak_v, most = abs(self.offset_v) + self.amplitude_vpp / 2, self._peak_max_v
        if command is box.AMPLITUDE and peak_v > most and self.function != "DC":
            room = most - self.amplitude_vpp / 2
            sign = 1 if self.emf_offset_v > 0 else -1
            self.emf_offset_v = sign * room / self._divider
            raise ScpiError(-221, "the offset is smaller now")
        if command is box.OFFSET and peak_v > most and self.function != "DC":
            # ASSUMED as in the 33220A's guide: the new offset is set, the amplitude is reduced
            room = max(2 * (most - abs(self.offset_v)), box.EMF_MIN_VPP * self._divider)
            self.emf_vpp = room / self._divider
            raise ScpiError(-221, "the amplitude is smaller now")
        if command is box.FREQUENCY and self.pulse_width_s > self.limits(box.PULSE_WIDTH).high:
            self.pulse_width_s = self.limits(box.PULSE_WIDTH).high
            if self.function == "PULS":
                raise ScpiError(-221, "the pulse is shorter now")
        if command in (box.BURST_PERIOD, box.BURST_CYCLES, box.FREQUENCY):
            if not self._fit_burst():
                raise ScpiError(-221, "not in bursts")
            self._lengthen_burst_period()

    def _lengthen_burst_period(self) -> None:
        cycles = self._numbers[box.BURST_CYCLES]
        if cycles >= box.INFINITE:
            return
        least = cycles / self.frequency_hz + box.BURST_GAP_S
        if self._numbers[box.BURST_PERIOD] < least:
            self._numbers[box.BURST_PERIOD] = least
            if self.words[box.BURST] and self._bursts_by_itself:
                raise ScpiError(-221, "the burst period is longer now")

    # --- bursts -----------------------------------------------------------------------

    def trigger(self, now_fs: int) -> None:
        """Take a trigger from the bus: a burst that waits for one begins.

        ASSUMED: one that comes during a burst is ignored.
        """
        waits = self.words[box.BURST] and self.words[box.TRIGGER_SOURCE] == "BUS"
        if not waits or self.words[box.BURST_MODE] != "TRIG" or self.is_busy(now_fs):
            return
        cycles = self._numbers[box.BURST_CYCLES]
        self.burst_from_fs = now_fs + int(self._numbers[box.TRIGGER_DELAY] * FS_PER_S)
        if cycles >= box.INFINITE:
            self.busy_until_fs = -1
            return
        count = self._numbers[box.TRIGGER_COUNT]  # ASSUMED: so many bursts for one trigger
        took_s = self._numbers[box.TRIGGER_DELAY] + count * cycles / self.frequency_hz
        self.busy_until_fs = now_fs + int(took_s * FS_PER_S)

    def is_busy(self, now_fs: int) -> bool:
        """Tell whether a burst is not over."""
        return self.busy_until_fs < 0 or self.busy_until_fs > now_fs

    def abort(self) -> None:
        """End a burst."""
        self.busy_until_fs = 0

    # --- units ------------------------------------------------------------------------

    @property
    def _endless_load(self) -> bool:
        return self._numbers[box.LOAD] >= box.INFINITE

    @property
    def _divider(self) -> Decimal:
        """Return volts at the channel's termination per volt into an open circuit."""
        if self._endless_load:
            return Decimal(1)
        load = self._numbers[box.LOAD]
        return load / (load + box.SOURCE_OHM)

    @property
    def _peak_max_v(self) -> Decimal:
        return box.EMF_MAX_VPP / 2 * self._divider

    @property
    def _least_vpp(self) -> Decimal:
        """Return by how much the levels differ at least: 1 mV into 50 ohm."""
        return box.EMF_MIN_VPP * self._divider

    def _in_unit(self, vpp: Decimal) -> Decimal:
        crest = CREST.get(self.function, CREST["SIN"])
        match self.words[box.UNIT]:
            case "VRMS":
                return Decimal(float(vpp) / crest)
            case "DBM":
                watts = (float(vpp) / crest) ** 2 / float(self._numbers[box.LOAD])
                return Decimal(10 * log10(watts / MILLIWATT))
        return vpp

    def _in_vpp(self, value: Decimal) -> Decimal:
        crest = CREST.get(self.function, CREST["SIN"])
        match self.words[box.UNIT]:
            case "VRMS":
                return Decimal(float(value) * crest)
            case "DBM":
                watts = 10 ** (float(value) / 10) * MILLIWATT
                return Decimal(sqrt(watts * float(self._numbers[box.LOAD])) * crest)
        return value
