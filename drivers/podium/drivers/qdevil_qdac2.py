"""Driver of the QDevil QDAC-II DC source, over plain SCPI.

QCoDeS's own package has no class for it; that of ``qcodes_contrib_drivers`` judges the twin.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from qcodes.instrument import VisaInstrument

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.over_visa import OverVisa
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import qdevil_qdac2 as box
from podium.firmware_interfaces.built_in_models.bias_sources import QDEVIL_QDAC2

NEAR_V = 50e-6
"""A level that differs from the wanted one by less is there. ASSUMED: the converter's step is
19 uV in the larger range, and a calibration stands between what is set and what is read."""
ALLOWANCE_S = 15.0
"""For the transport, beyond the computed duration of a ramp."""
POLL_S = (0.005, 0.1)
"""First and longest wait between two looks at a ramp."""
REHEARSAL = {"SOUR:VOLT:MODE": "FIX", "SOUR:RANG": "LOW"}
"""Answers of a recording fake beside what would have been set."""

SETTINGS = {
    "level_v": ":SOUR:VOLT?",
    "set_v": ":SOUR:VOLT:LAST?",
    "mode": ":SOUR:VOLT:MODE?",
    "slew_v_per_s": ":SOUR:VOLT:SLEW?",
    "range": ":SOUR:RANG?",
    "filter": ":SOUR:FILT?",
    "resolution_enhancement": ":SOUR:RENH?",
    "sensor_range": ":SENS:RANG?",
    "sensor_aperture_s": ":SENS:APER?",
}
"""What a snapshot holds of each channel. Not: what its sweeps, lists and triggers are set to."""
WORDS = ("mode", "range", "filter", "sensor_range")
"""Those of them that are no numbers."""


class _Identified(ChecksIdentity, VisaInstrument):
    """Asks nothing before the box has said what it is."""

    model = QDEVIL_QDAC2

    def __init__(self, name: str, address: str, **options: Any) -> None:
        super().__init__(name, address, terminator="\n", **options)


class QdevilQdac2(OverVisa):
    """A FluxSource with channels ``ch01`` to ``ch24``, which ramp by the box's own slew.

    It is a MovesTogether and no RampsByItself: beside other sources control would lead such a
    one channel by channel. It has no output relays: each level is at its terminals.
    """

    def __init__(self, name: str, visa: str) -> None:
        """Connect by reading; levels, ranges and slews stay as they are."""
        self._session = VisaSession(name, visa, _Identified)

    def snapshot(self) -> dict[str, object]:
        """Return the settings of all channels, a list for each; one question for each setting."""
        return {
            name: self._of_all(query, str if name in WORDS else float)
            for name, query in SETTINGS.items()
        }

    def level_v(self, channel: str) -> float:
        """Return the level that is programmed now, in V; during a ramp, where it is."""
        return self._levels((channel,), ":SOUR:VOLT?")[0]

    def output_on(self, channel: str) -> bool:
        """Return True: the box has no relays."""
        self._number(channel)
        return True

    def current_a(self, channel: str) -> float:
        """Measure the current out of a channel, A; a series of measurements is given up."""
        return self._levels((channel,), ":READ?")[0]

    def ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        """Move one channel as :meth:`ramp_together_v` does."""
        self.ramp_together_v({channel: (target_v, slew_v_per_s)})

    def ramp_together_v(self, ramps: Mapping[str, tuple[float, float]]) -> None:
        """Ramp channels to their levels, V, each at its slew, V/s; return once all are there.

        A target beyond the range in use is reached by way of 0 V, where the range is changed.
        Raises :class:`Refused` before any level moves where one cannot be done, or with the box's
        words when it says no: then some may move. :class:`Unreachable`: the box does not say in
        time that they are there; they go on.
        """
        for channel, (target_v, slew) in ramps.items():
            self._check(channel, target_v, slew)
        channels = tuple(ramps)
        self._check_modes(channels)
        narrow = self._beyond_range({name: target_v for name, (target_v, _) in ramps.items()})
        if narrow:
            self._move({name: (0.0, ramps[name][1]) for name in narrow})
            for name in narrow:
                self._do(f":SOUR{self._number(name)}:RANG HIGH")
        self._move(ramps)

    def safe(self) -> None:
        """Hold: stop what ramps where it is. Levels stay on; lists and sweeps are not ours."""
        levels = self._levels(box.NAMES, ":SOUR:VOLT?")
        wanted = self._levels(box.NAMES, ":SOUR:VOLT:LAST?")
        modes = self._of_all(":SOUR:VOLT:MODE?", str)
        for n, (level, last, mode) in enumerate(zip(levels, wanted, modes, strict=True), start=1):
            if mode == "FIX" and abs(level - last) > NEAR_V:
                self._session.write(f":SOUR{n}:VOLT {level:.8g}")
        self._session.scpi_error()

    # --- ramps ------------------------------------------------------------------------

    def _move(self, ramps: Mapping[str, tuple[float, float]]) -> None:
        """Set slews, then levels, and wait for all of them."""
        begun = dict(zip(ramps, self._levels(tuple(ramps), ":SOUR:VOLT?"), strict=True))
        for channel, (_, slew) in ramps.items():
            self._do(f":SOUR{self._number(channel)}:VOLT:SLEW {slew:.8g}")
        for channel, (target_v, _) in ramps.items():
            self._do(f":SOUR{self._number(channel)}:VOLT {target_v:.8g}")
        longest_s = max(abs(at_v - begun[name]) / slew for name, (at_v, slew) in ramps.items())
        self._await({name: target_v for name, (target_v, _) in ramps.items()}, longest_s)

    def _await(self, targets: Mapping[str, float], duration_s: float) -> None:
        deadline = time.monotonic() + duration_s + ALLOWANCE_S
        pause_s = POLL_S[0]
        while True:
            levels = self._levels(tuple(targets), ":SOUR:VOLT?")
            away = {
                name: level
                for (name, target), level in zip(targets.items(), levels, strict=True)
                if abs(level - target) > NEAR_V
            }
            if not away:
                return
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"{self._session.name} was given ramps of {duration_s:.3g} s, and "
                    f"{ALLOWANCE_S} s after their time it has not ended them: {away}"
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, POLL_S[1])

    def _check(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        self._number(channel)
        name, most = self._session.name, float(box.RANGES_V["HIGH"])
        if not abs(target_v) <= most:
            raise Refused(
                f"{name} was asked for {target_v} V at {channel}; it goes from -{most:g} to "
                f"{most:g} V"
            )
        low, high = float(box.SLEW_MIN_V_PER_S), float(box.SLEW_MAX_V_PER_S)
        if not low <= slew_v_per_s <= high:
            raise Refused(
                f"{name} was asked for a slew of {slew_v_per_s} V/s at {channel}; its own slew "
                f"goes from {low:g} to {high:g} V/s"
            )

    def _check_modes(self, channels: tuple[str, ...]) -> None:
        modes = self._words(channels, ":SOUR:VOLT:MODE?")
        for channel, mode in zip(channels, modes, strict=True):
            if mode not in ("FIX", "SWE", "LIST"):
                raise ProtocolError(
                    f"{self._session.name} was asked for the mode of {channel} and says {mode!r}"
                )
            if mode != "FIX":
                raise Refused(
                    f"{self._session.name}: {channel} plays a {mode}, it holds no level: somebody "
                    "uses it for something else; switch it to FIX by hand"
                )

    def _beyond_range(self, targets: Mapping[str, float]) -> list[str]:
        """Return the channels whose range in use does not reach their targets."""
        names = self._words(tuple(targets), ":SOUR:RANG?")
        found = []
        for (channel, target_v), name in zip(targets.items(), names, strict=True):
            if name not in box.RANGES_V:
                raise ProtocolError(
                    f"{self._session.name} was asked for the range of {channel}, says {name!r}"
                )
            if abs(target_v) > box.RANGES_V[name]:
                found.append(channel)
        return found

    # --- the wire ---------------------------------------------------------------------

    def _do(self, message: str) -> None:
        self._session.write(message)
        errors = self._session.scpi_error()
        if errors is not None:
            raise Refused(f"{self._session.name} was asked {message!r}: {errors}")

    def _levels(self, channels: tuple[str, ...], query: str) -> list[float]:
        answers = self._words(channels, query)
        with self._session.talking(repr(query)):
            return [float(answer) for answer in answers]

    def _words(self, channels: tuple[str, ...], query: str) -> list[str]:
        numbers = ",".join(str(self._number(channel)) for channel in channels)
        return self._split(f"{query} (@{numbers})", len(channels))

    def _of_all(self, query: str, parse: Callable[[str], Any]) -> list[Any]:
        answers = self._split(box.channel_messages(query), box.CHANNELS)
        with self._session.talking(repr(query)):
            return [parse(answer) for answer in answers]

    def _split(self, message: str, wanted: int) -> list[str]:
        answers = [answer.strip().upper() for answer in self._session.ask(message).split(",")]
        if len(answers) != wanted:
            raise ProtocolError(
                f"{self._session.name} at {self._session.visa} was asked {message!r}, "
                f"{wanted} things, and gave {len(answers)} answers: {answers}"
            )
        return answers

    def _number(self, channel: str) -> int:
        if channel not in box.NAMES:
            raise Refused(
                f"{self._session.name} has no channel {channel!r}; "
                f"it has {box.NAMES[0]} to {box.NAMES[-1]}"
            )
        return box.NAMES.index(channel) + 1
