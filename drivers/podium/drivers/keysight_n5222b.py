"""Driver of the Keysight PNA N5222B network analyzer.

QCoDeS has a driver of it, which sets the format of data when it connects; this one only reads.
"""

from qcodes.instrument import VisaInstrument

from podium.drivers.errors import Refused
from podium.drivers.network_trace import check_sweep, complex_of, numbers_of, waiting_for
from podium.drivers.over_visa import OverVisa
from podium.drivers.roles import Examination, NetworkSweep, NetworkTrace
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import keysight_n5222b as box
from podium.firmware_interfaces.built_in_models.analyzers import KEYSIGHT_N5222B

TRACE = "podium"
SETTINGS = {
    "output": ":OUTP?",
    "mode": ":SENS1:SWE:MODE?",
    "start_hz": ":SENS1:FREQ:STAR?",
    "stop_hz": ":SENS1:FREQ:STOP?",
    "points": ":SENS1:SWE:POIN?",
    "bandwidth_hz": ":SENS1:BAND?",
    "power_dbm": ":SOUR1:POW?",
    "traces": ":CALC1:PAR:CAT:EXT?",
}


class _Named(ChecksIdentity, VisaInstrument):
    """Any connection to an N5222B, and to no other box."""

    default_terminator = "\n"
    model = KEYSIGHT_N5222B


class KeysightN5222B(OverVisa):
    """A NetworkAnalyzer with four ports. It measures on channel 1, whose settings it changes."""

    def __init__(self, name: str, visa: str) -> None:
        """Connect by reading; what it sweeps goes on."""
        self._session = VisaSession(name, visa, _Named)

    def examine(self) -> Examination:
        """Return the options that are fitted."""
        return Examination(options=self._session.options())

    def snapshot(self) -> dict[str, object]:
        """Return its settings, in one round trip."""
        return self._session.ask_all(SETTINGS)

    def trace(self, sweep: NetworkSweep) -> NetworkTrace:
        """Measure; the source is on meanwhile, and then as it was before."""
        reach = box.FREQUENCY_MIN_HZ, box.FREQUENCY_MAX_HZ
        powers = box.POWER_MIN_DBM, box.POWER_MAX_DBM
        check_sweep(self._session.name, sweep, reach, powers, box.POINTS_MAX, box.PORTS)
        was_on = self._session.ask(":OUTP?") == "1"
        try:
            return self._measured(sweep)
        finally:
            if not was_on:
                self.output(on=False)

    def _measured(self, sweep: NetworkSweep) -> NetworkTrace:
        session = self._session
        names = session.ask(":CALC1:PAR:CAT:EXT?").strip('"').split(",")[::2]
        define = f":CALC1:PAR:DEF:EXT '{TRACE}','{sweep.parameter}'"
        if TRACE in names:
            define = f":CALC1:PAR:SEL '{TRACE}';:CALC1:PAR:MOD:EXT '{sweep.parameter}'"
        for message in (
            f":SENS1:SWE:MODE HOLD;{define};:CALC1:PAR:SEL '{TRACE}';:FORM ASC,0;:OUTP 1",
            f":SENS1:SWE:TYPE LIN;:SENS1:SWE:TIME:AUTO ON;:SENS1:SWE:POIN {sweep.points};"
            f":SENS1:FREQ:STAR {sweep.start_hz:.3f};STOP {sweep.stop_hz:.3f};"
            f":SENS1:BAND {sweep.bandwidth_hz:.3f};:SOUR1:POW {sweep.power_dbm:.3f}",
            f":SENS1:AVER:COUN {sweep.averages};STAT ON;CLE;:SENS1:SWE:GRO:COUN {sweep.averages}",
        ):
            self.tell(message)
        duration_s = float(numbers_of(session, ":SENS1:SWE:TIME?")[0])
        session.write(":SENS1:SWE:MODE GRO")
        with waiting_for(session, duration_s * sweep.averages):
            session.ask("*OPC?")
        errors = session.scpi_error()
        if errors is not None:
            raise Refused(f"{session.name} was asked for {sweep}: {errors}")
        return NetworkTrace(
            frequency_hz=numbers_of(session, ":CALC1:X?"),
            s=complex_of(session, ":CALC1:DATA? SDATA", sweep.points),
        )

    def output(self, on: bool) -> None:
        """Switch the source."""
        self.tell(f":OUTP {int(on)}")

    def safe(self) -> None:
        """Switch the source off."""
        self.output(on=False)
