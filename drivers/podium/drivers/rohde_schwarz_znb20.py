"""Driver of the Rohde & Schwarz ZNB20 network analyzer.

QCoDeS has a driver of it, which resets the box or writes to it when it connects; this one reads.
"""

from qcodes.instrument import VisaInstrument

from podium.drivers.errors import Refused
from podium.drivers.network_trace import check_sweep, complex_of, numbers_of, waiting_for
from podium.drivers.over_visa import OverVisa
from podium.drivers.roles import Examination, NetworkSweep, NetworkTrace
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import rohde_schwarz_znb20 as box
from podium.firmware_interfaces.built_in_models.analyzers import ROHDE_SCHWARZ_ZNB20

CHANNEL = 64
"""Its sweeps have a channel of their own: those of others stay as they are."""
TRACE = "podium"
SETTINGS = {
    "output": ":OUTP1:STAT?",
    "channels": ":CONF:CHAN:CAT?",
    "traces": ":CONF:TRAC:CAT?",
    "reference": ":ROSC:SOUR?",
}


class _Named(ChecksIdentity, VisaInstrument):
    """Any connection to a ZNB20, and to no other box."""

    default_terminator = "\n"
    model = ROHDE_SCHWARZ_ZNB20


class RohdeSchwarzZNB20(OverVisa):
    """A NetworkAnalyzer with two ports."""

    def __init__(self, name: str, visa: str) -> None:
        """Connect by reading; what it sweeps goes on."""
        self._session = VisaSession(name, visa, _Named)

    def examine(self) -> Examination:
        """Return the options that are fitted and where its reference frequency comes from."""
        source = self._session.ask(":ROSC:SOUR?")
        words = {"INT": "internal", "EXT": "external"}
        return Examination(
            options=self._session.options(), reference=words.get(source.upper()[:3], source)
        )

    def snapshot(self) -> dict[str, object]:
        """Return its settings, in one round trip."""
        return self._session.ask_all(SETTINGS)

    def trace(self, sweep: NetworkSweep) -> NetworkTrace:
        """Measure; the source is on meanwhile, and then as it was before."""
        name = self._session.name
        reach = box.FREQUENCY_MIN_HZ, box.FREQUENCY_MAX_HZ
        powers = box.POWER_MIN_DBM, box.POWER_MAX_DBM
        check_sweep(name, sweep, reach, powers, box.POINTS_MAX, box.PORTS)
        was_on = self._session.ask(":OUTP1:STAT?") == "1"
        try:
            return self._measured(sweep)
        finally:
            if not was_on:
                self.output(on=False)

    def _measured(self, sweep: NetworkSweep) -> NetworkTrace:
        session, n = self._session, CHANNEL
        for message in (
            f":CALC{n}:PAR:SDEF '{TRACE}', '{sweep.parameter}';:INIT{n}:CONT OFF;"
            f":CALC{n}:PAR:SEL '{TRACE}';:FORM ASC;:OUTP1:STAT ON",
            f":SENS{n}:SWE:TYPE LIN;:SENS{n}:SWE:TIME:AUTO ON;:SENS{n}:SWE:POIN {sweep.points};"
            f":SENS{n}:FREQ:STAR {sweep.start_hz:.3f};STOP {sweep.stop_hz:.3f};"
            f":SENS{n}:BAND {sweep.bandwidth_hz:.3f};:SOUR{n}:POW {sweep.power_dbm:.3f}",
            f":SENS{n}:SWE:COUN {sweep.averages};:SENS{n}:AVER:COUN {sweep.averages};STAT ON;CLE",
        ):
            self.tell(message)
        duration_s = float(numbers_of(session, f":SENS{n}:SWE:TIME?")[0])
        session.write(f":INIT{n}:IMM")
        with waiting_for(session, duration_s * sweep.averages):
            session.ask("*OPC?")
        errors = session.scpi_error()
        if errors is not None:
            raise Refused(f"{session.name} was asked for {sweep}: {errors}")
        return NetworkTrace(
            frequency_hz=numbers_of(session, f":CALC{n}:DATA:STIM?"),
            s=complex_of(session, f":CALC{n}:DATA? SDAT", sweep.points),
        )

    def output(self, on: bool) -> None:
        """Switch the source of all channels."""
        self.tell(f":OUTP1:STAT {int(on)}")

    def safe(self) -> None:
        """Switch the source off."""
        self.output(on=False)
