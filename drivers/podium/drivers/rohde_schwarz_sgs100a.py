"""Driver of the Rohde & Schwarz SGS100A RF source, over QCoDeS."""

import re

from qcodes.instrument_drivers.rohde_schwarz import RohdeSchwarzSGS100A as QCoDeSDriver

from podium.drivers.errors import Refused
from podium.drivers.over_visa import OverVisa
from podium.drivers.roles import Examination, Tone
from podium.drivers.tone_range import check_range
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import rohde_schwarz_sgs100a as box
from podium.firmware_interfaces.built_in_models.microwave_sources import ROHDE_SCHWARZ_SGS100A

SETTINGS = {
    "frequency_hz": ":SOUR:FREQ?",
    "power_dbm": ":SOUR:POW?",
    "phase_deg": ":SOUR:PHAS?",
    "output": ":OUTP:STAT?",
    "iq_modulation": ":SOUR:IQ:STAT?",
    "reference": ":SOUR:ROSC:SOUR?",
    "reference_output": ":SOUR:ROSC:OUTP:FREQ?",
    "reference_external": ":SOUR:ROSC:EXT:FREQ?",
    "trigger_connector": ":CONN:TRIG:OMOD?",
}
"""What a snapshot holds of every box."""
OPTION_SETTINGS = {
    r"SGS-B\d+V": {
        "operation_mode": ":SOUR:OPM?",
        "impairments": ":SOUR:IQ:IMP:STAT?",
        "leakage_i_percent": ":SOUR:IQ:IMP:LEAK:I?",
        "leakage_q_percent": ":SOUR:IQ:IMP:LEAK:Q?",
        "iq_gain_imbalance_db": ":SOUR:IQ:IMP:IQR?",
        "iq_angle_deg": ":SOUR:IQ:IMP:QUAD?",
    },
    "SGS-K22": {
        "pulse_modulation": ":SOUR:PULM:STAT?",
        "pulse_source": ":SOUR:PULM:SOUR?",
        "pulse_mode": ":SOUR:PULM:MODE?",
        "pulse_polarity": ":SOUR:PULM:POL?",
        "pulse_period_s": ":SOUR:PULM:PER?",
        "pulse_width_s": ":SOUR:PULM:WIDT?",
        "pulse_delay_s": ":SOUR:PULM:DEL?",
        "pulse_double_delay_s": ":SOUR:PULM:DOUB:DEL?",
        "pulse_double_width_s": ":SOUR:PULM:DOUB:WIDT?",
        "pulse_trigger_mode": ":SOUR:PULM:TRIG:MODE?",
        "pulse_trigger_gate_polarity": ":SOUR:PULM:TRIG:EXT:GATE:POL?",
        "pulse_trigger_impedance": ":SOUR:PULM:TRIG:EXT:IMP?",
        "pulse_trigger_slope": ":SOUR:PULM:TRIG:EXT:SLOP?",
    },
    "SGS-K90": {"lo_source": ":SOUR:LOSC:SOUR?", "lo_output": ":CONN:REFL:OUTP?"},
}
"""What it holds besides of one with an option whose name is of this pattern.

ASSUMED: a box without the option answers none of these, and one query without an answer spoils
the message that it is in.
"""

OF_THE_TONE = {
    "frequency": ":SOUR:FREQ?",
    "power": ":SOUR:POW?",
    "modulated": ":IQ:STAT?",
    "on": ":OUTP:STAT?",
}
"""What a tone is made of, in the words in which QCoDeS sets it."""
SWITCH = {"0": False, "1": True}


class _CheckedDriver(ChecksIdentity, QCoDeSDriver):
    """The QCoDeS driver, for such a box and no other."""

    model = ROHDE_SCHWARZ_SGS100A


class RohdeSchwarzSGS100A(OverVisa):
    """A MicrowaveSource, e.g. the local oscillator of its own I/Q modulator."""

    def __init__(self, name: str, visa: str) -> None:
        """Connect by reading; the tone stays as it is."""
        self._session = VisaSession(name, visa, _CheckedDriver)
        self._settings: dict[str, str] | None = None

    def examine(self) -> Examination:
        """Return the options that are fitted and where its reference frequency comes from."""
        source = self._session.ask("SOUR:ROSC:SOUR?")
        words = {"INT": "internal", "EXT": "external"}
        return Examination(
            options=self._session.options(), reference=words.get(source.upper()[:3], source)
        )

    def snapshot(self) -> dict[str, object]:
        """Return all settings, in one round trip; the first time the options are asked before."""
        if self._settings is None:
            fitted = self._session.options()
            self._settings = dict(SETTINGS)
            for pattern, queries in OPTION_SETTINGS.items():
                if any(re.fullmatch(pattern, option) for option in fitted):
                    self._settings |= queries
        return self._session.ask_all(self._settings)

    def set_tone(self, frequency_hz: float, power_dbm: float, modulated: bool) -> None:
        """Set the tone; whether it leaves the connector is unchanged.

        Frequency in steps of 0.01 Hz, power of 0.01 dB (what QCoDeS sends).
        Raises :class:`Refused` when the instrument, or QCoDeS for it, says no;
        settings made before the one that was refused stay.
        """
        lowest_hz = box.MODULATED_MIN_HZ if modulated else box.FREQUENCY_MIN_HZ
        check_range(
            self._session.name,
            "frequency",
            frequency_hz,
            float(lowest_hz),
            float(box.FREQUENCY_MAX_HZ),
            "Hz",
        )
        lowest_dbm, highest_dbm = float(box.POWER_MIN_DBM), float(box.POWER_MAX_DBM)
        check_range(self._session.name, "power", power_dbm, lowest_dbm, highest_dbm, "dBm")
        asked = f"for {frequency_hz} Hz, {power_dbm} dBm, {modulated=}"
        self._session.scpi_error()  # of others, before
        with self._session.talking(asked):
            instrument = self._session.instrument
            if not modulated:  # before a frequency that the modulator may not reach
                instrument.IQ_state(False)
            instrument.frequency(frequency_hz)
            instrument.power(power_dbm)
            if modulated:
                instrument.IQ_state(True)
        self._confirm(asked)

    def tone(self) -> Tone:
        """Return the tone as read from the instrument, in one round trip."""
        told = self._session.ask_all(OF_THE_TONE)
        with self._session.talking("for its tone"):
            return Tone(
                frequency_hz=float(str(told["frequency"])),
                power_dbm=float(str(told["power"])),
                modulated=SWITCH[str(told["modulated"])],
                on=SWITCH[str(told["on"])],
            )

    def output(self, on: bool) -> None:
        """Switch the output; return once the instrument has confirmed."""
        asked = f"to switch its output {'on' if on else 'off'}"
        with self._session.talking(asked):
            self._session.instrument.status(on)
            confirmed = bool(self._session.instrument.status())
        if confirmed != on:
            raise Refused(f"{self._session.name} was asked {asked}; it did not: {self._errors()}")

    def safe(self) -> None:
        """Switch the output off."""
        self.output(on=False)

    def _confirm(self, asked: str) -> None:
        errors = self._session.scpi_error()
        if errors is not None:
            raise Refused(f"{self._session.name} was asked {asked}: {errors}")

    def _errors(self) -> str:
        return self._session.scpi_error() or "it gives no reason"
