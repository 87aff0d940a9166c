"""Drivers of Tektronix AWGs share this: waveforms into the box, what plays what, run and stop."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from qcodes.instrument_drivers.tektronix.AWG70000A import TektronixAWG70000Base

from podium.drivers.errors import Refused
from podium.drivers.over_visa import OverVisa
from podium.drivers.roles import Examination
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces.tektronix_awg import Awg
from podium.firmware_interfaces.tektronix_waveform_files import SAMPLES_MIN

FULL_SCALE = 2.0
"""Peak to peak, of samples between -1 and 1."""
NAME_MAX = 60
SETTINGS = {
    "mode": ":INST:MODE?",
    "sample_rate": ":CLOC:SRAT?",
    "clock_source": ":CLOC:SOUR?",
    "all_off": ":OUTP:OFF?",
    "run_state": ":AWGC:RSTAT?",
}
CHANNEL_SETTINGS = {
    "on": ":OUTP{}:STAT?",
    "amplitude_v": ":SOUR{}:VOLT?",
    "offset_v": ":SOUR{}:VOLT:OFFS?",
    "resolution": ":SOUR{}:DAC:RES?",
    "plays": ":SOUR{}:CASS?",
}


class ReadsFirst(ChecksIdentity, TektronixAWG70000Base):
    """A QCoDeS driver that sets nothing on connecting: each file brings its folder along."""

    _connected = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._connected = True

    def get_idn(self) -> dict[str, str | None]:
        """Return who it is; raises :class:`.errors.Refused` when it is another box."""
        self.meet()  # out of the reach of QCoDeS, which goes on without an answer
        return super().get_idn()

    def write_raw(self, cmd: str) -> None:
        """Tell it, once connected."""
        if self._connected:
            super().write_raw(cmd)


class TektronixAwg(OverVisa):
    """A generator of waveforms. It is given samples of full scale; volts are set beside them."""

    def __init__(
        self, name: str, visa: str, connect: Callable[..., TektronixAWG70000Base], model: Awg
    ) -> None:
        """Connect by reading; what plays goes on."""
        self._model = model
        self._session = VisaSession(name, visa, connect)

    def examine(self) -> Examination:
        """Return the options that are fitted and where its clock comes from."""
        return Examination(
            options=self._session.options(), reference=self._session.ask(":CLOC:SOUR?")
        )

    def snapshot(self) -> dict[str, object]:
        """Return its settings, in one round trip."""
        queries = dict(SETTINGS)
        for channel in range(1, self._model.channels + 1):
            for name, query in CHANNEL_SETTINGS.items():
                queries[f"ch{channel}.{name}"] = query.format(channel)
        return self._session.ask_all(queries)

    def send_waveform(
        self, name: str, samples: Sequence[float], markers: Sequence[Sequence[bool]] = ()
    ) -> None:
        """Put a waveform into its list: samples between -1 and 1, and markers for each.

        It stays on its disk too. Returns once it is in the list; raises :class:`Refused` for what
        cannot be played, then nothing has changed.
        """
        said = f"{self._session.name}: waveform {name!r}"
        if not name or len(name) > NAME_MAX or not name.replace("_", "").isalnum():
            raise Refused(f"{said}: a name has letters, digits and _, at most {NAME_MAX}")
        wave = np.asarray(samples, dtype=np.float64)
        marks = [np.asarray(one, dtype=np.float64) for one in markers]
        if wave.ndim != 1 or len(wave) < SAMPLES_MIN:
            raise Refused(f"{said} has to have {SAMPLES_MIN} samples, not {wave.size}")
        if not np.all(np.abs(wave) <= 1):
            raise Refused(f"{said}: samples are between -1 and 1")
        if len(marks) > self._model.markers or any(one.shape != wave.shape for one in marks):
            raise Refused(
                f"{said}: there are up to {self._model.markers} markers, each with as many samples"
            )
        if any(not np.all(np.isin(one, (0.0, 1.0))) for one in marks):
            raise Refused(f"{said}: markers are on or off")
        data = np.array([wave, *marks]) if marks else wave
        instrument = self._session.instrument
        file = f"{name}.wfmx"
        self._session.scpi_error()  # of others, before
        with self._session.talking(f"to take the waveform {name}"):
            instrument.sendWFMXFile(instrument.makeWFMXFile(data, FULL_SCALE), file)
            instrument.visa_handle.write_raw(b"\n")  # over a socket nothing else ends the file
            self._session.scpi_error()  # the file that is deleted before need not be there
            instrument.loadWFMXFile(file)
        errors = self._session.scpi_error()
        if errors is not None or name not in self.waveforms():
            raise Refused(f"{said} is not in its list: {errors or 'it does not say why'}")

    def waveforms(self) -> tuple[str, ...]:
        """Return the names in its list of waveforms."""
        with self._session.talking("for its waveforms"):
            return tuple(name for name in self._session.instrument.waveformList if name)

    def assign(self, channel: int, waveform: str) -> None:
        """Let a channel play a waveform of the list; raises :class:`Refused` if it is not there."""
        self._check(channel)
        self.tell(f':SOUR{channel}:CASS:WAV "{waveform}"')

    def set_amplitude_v(self, channel: int, volts: float) -> None:
        """Set the amplitude, peak to peak, of samples from -1 to 1."""
        self._check(channel)
        low, high = (float(limit) for limit in self._model.amplitude_v)
        if not low <= volts <= high:
            raise Refused(f"{self._session.name} has amplitudes of {low} V to {high} V")
        self.tell(f":SOUR{channel}:VOLT {volts:.6g}")

    def output(self, channel: int, on: bool) -> None:
        """Switch a channel's output; return once it is read back."""
        self._check(channel)
        self.tell(f":OUTP{channel}:STAT {int(on)}")
        if self._session.ask(f":OUTP{channel}:STAT?") != str(int(on)):
            raise Refused(f"{self._session.name} was to switch output {channel}; it did not")

    def play(self) -> None:
        """Let all channels play what is assigned to them; return once the box has accepted it."""
        self.tell(":AWGC:RUN")

    def stop(self) -> None:
        """Let all channels stop; returns once it is read back."""
        self.tell(":AWGC:STOP")
        if self._session.ask(":AWGC:RSTAT?") != "0":
            raise Refused(f"{self._session.name} was to stop; it did not")

    def safe(self) -> None:
        """Stop, and switch all outputs off."""
        self.stop()
        for channel in range(1, self._model.channels + 1):
            self.output(channel, on=False)

    def _check(self, channel: int) -> None:
        if not 1 <= channel <= self._model.channels:
            raise Refused(
                f"{self._session.name} has channels 1 to {self._model.channels}, not {channel}"
            )
