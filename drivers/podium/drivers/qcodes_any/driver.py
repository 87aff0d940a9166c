"""Driver of any instrument that QCoDeS has a driver for, named by its import path."""

import inspect
import logging
import threading
from functools import partial
from types import new_class
from typing import Any

from pyvisa.errors import Error as VisaError
from qcodes.instrument import Instrument, VisaInstrument
from qcodes.parameters import ParameterBase

from podium.drivers.errors import Refused
from podium.drivers.manual_access import Plain, plain
from podium.drivers.qcodes_any.driver_class import NoSuchClass, driver_class
from podium.drivers.qcodes_any.flux_source import FluxParameters
from podium.drivers.qcodes_any.microwave_source import MicrowaveParameters
from podium.drivers.qcodes_any.parameter import RoleParameter, parameters
from podium.drivers.roles import Identity, Tone
from podium.drivers.visa_session import VisaSession
from podium.firmware_interfaces.qcodes_any import QcodesDriver


class QcodesAny:
    """Reads all parameters; plays the roles that the facility file maps.

    It has one channel, the empty string, except as a Thermometer. What it does on
    connecting is the QCoDeS driver's own doing: most only read.
    """

    def __init__(self, name: str, visa: str, driver: QcodesDriver) -> None:
        """Connect. Raises :class:`Refused` if a parameter of a role is not there or is no such."""
        self._interrupted = threading.Event()
        self._session: VisaSession[Any] = VisaSession(name, visa, partial(_open, name, driver))
        roles = driver.roles
        try:
            self._flux = (
                None
                if roles.FluxSource is None
                else FluxParameters(self._session, roles.FluxSource, self._interrupted)
            )
            self._microwave = (
                None
                if roles.MicrowaveSource is None
                else MicrowaveParameters(self._session, roles.MicrowaveSource)
            )
            channels = () if roles.Thermometer is None else roles.Thermometer.channels
            self._channels = {
                channel: RoleParameter(self._session, parameter, "K")
                for channel, parameter in channels
            }
        except BaseException:
            self._session.close()
            raise

    def identity(self) -> Identity:
        """Return who answers."""
        instrument = self._session.instrument
        own = type(instrument).get_idn is not Instrument.get_idn
        with self._session.talking("who it is"):
            if own or not isinstance(instrument, VisaInstrument):
                told = instrument.get_idn()
                fields = [told.get(key) for key in ("vendor", "model", "serial", "firmware")]
            else:  # QCoDeS' own would take no answer for an answer
                fields = [*instrument.ask("*IDN?").strip().split(",", 3), "", "", ""][:4]
            vendor, model, serial, firmware = (str(field or "").strip() for field in fields)
            return Identity(vendor, model or type(instrument).__name__, serial, firmware)

    def snapshot(self) -> dict[str, object]:
        """Return the parameters by name, those that were never read so far are read now.

        The others are as last known on this connection: one by one, all would take long.
        """
        self._interrupted.clear()
        known: dict[str, object] = {}
        for name, parameter in parameters(self._session.instrument):
            if self._interrupted.is_set():
                raise Refused(f"{self._session.name}: reading its settings was given up")
            wanted = parameter.snapshot_value and parameter._snapshot_get
            cache: Any = parameter.cache
            if wanted and parameter.gettable and not cache.valid:
                self._refresh(name, parameter)
            if cache.valid:
                known[name] = plain(cache.get(get_if_invalid=False))
        return known

    def _refresh(self, name: str, parameter: ParameterBase) -> None:
        with self._session.talking(f"for {name!r}"):
            try:
                parameter.get()
            except (VisaError, OSError, EOFError):
                raise  # no answer: a late one must not be taken for the next
            except Exception:
                return  # it has no value now, e.g. a reading of what is off

    def close(self) -> None:
        """Close the connection; all stays as it is."""
        self._interrupted.set()
        self._session.close()

    def interrupt(self) -> None:
        """Ask a ramp made of steps, or a snapshot, to end early. From another thread."""
        self._interrupted.set()

    def ask(self, message: str) -> str:
        """Send a query in the instrument's own words and return the reply."""
        return self._session.ask(message)

    def tell(self, message: str) -> None:
        """Send a command in the instrument's own words; whether it is accepted is not known."""
        self._session.write(message)

    def get(self, parameter: str) -> tuple[Plain, str]:
        """Read a parameter; return its value and unit."""
        return self._session.get(parameter)

    def set(self, parameter: str, value: object) -> None:
        """Set a parameter."""
        self._session.set(parameter, value)

    # FluxSource

    def level_v(self, channel: str = "") -> float:
        """Return the level as read from the instrument, V."""
        return self._as_flux(channel).level_v()

    def output_on(self, channel: str = "") -> bool:
        """Return whether the level is at the terminals."""
        return self._as_flux(channel).output_on()

    def ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        """Ramp by the box's own rate if the file names one, else in steps; see FluxParameters."""
        flux = self._as_flux(channel)
        self._interrupted.clear()
        flux.ramp_v(target_v, slew_v_per_s)

    # MicrowaveSource

    def set_tone(self, frequency_hz: float, power_dbm: float, modulated: bool) -> None:
        """Set the tone; whether it leaves the connector is unchanged."""
        self._as_microwave().set_tone(frequency_hz, power_dbm, modulated)

    def tone(self) -> Tone:
        """Return the tone as read from the instrument."""
        return self._as_microwave().tone()

    def output(self, on: bool) -> None:
        """Switch the output of the tone."""
        self._as_microwave().output(on)

    # Thermometer

    def temperature_k(self, channel: str) -> float:
        """Return the temperature of a channel that the facility file names, K."""
        if channel not in self._channels:
            raise Refused(
                f"{self._session.name} has no channel {channel!r}; the facility file names "
                f"{', '.join(self._channels) or 'none'}"
            )
        return self._channels[channel].number()

    def safe(self) -> None:
        """Hold a bias where it is; switch a tone off."""
        if self._flux is not None:
            self._flux.hold()
        if self._microwave is not None:
            self._microwave.output(False)

    def _as_flux(self, channel: str) -> FluxParameters:
        if self._flux is None:
            raise Refused(f"{self._session.name}: the facility file makes it no FluxSource")
        if channel != "":
            raise Refused(f"{self._session.name} has one output, '', and no channel {channel!r}")
        return self._flux

    def _as_microwave(self) -> MicrowaveParameters:
        if self._microwave is None:
            raise Refused(f"{self._session.name}: the facility file makes it no MicrowaveSource")
        return self._microwave


def _open(
    name: str,
    driver: QcodesDriver,
    unique: str,
    visa: str,
    visalib: str | None,
    device_clear: bool,
) -> Instrument:
    """Return the QCoDeS instrument, connected; raises :class:`Refused` if it cannot be made so."""
    told = logging.getLogger("qcodes")
    if not told.hasHandlers():
        told.addHandler(logging.NullHandler())  # what it would print is in the errors raised
    kind = _quiet(_class_of(name, driver.path))
    arguments: dict[str, Any] = {
        key: list(value) if isinstance(value, tuple) else value for key, value in driver.arguments
    }
    places = (unique, visa) if visa else (unique,)
    wanted = inspect.signature(kind).parameters
    takes_any = any(one.kind is one.VAR_KEYWORD for one in wanted.values())
    if issubclass(kind, VisaInstrument):
        ours = {"visalib": visalib, "device_clear": device_clear}
        arguments = {k: v for k, v in ours.items() if takes_any or k in wanted} | arguments
    try:
        return kind(*places, **arguments)
    except TypeError as error:
        given = ", ".join(["name", *(["address"] if visa else []), *driver.arguments_named])
        raise Refused(f"{name}: {driver.path} was given {given}: {error}") from error


def _class_of(name: str, path: str) -> type[Instrument]:
    try:
        return driver_class(path)
    except NoSuchClass as error:
        raise Refused(f"{name}: {error}") from error


def _quiet(kind: type[Instrument]) -> type[Instrument]:
    """Return the same class, but it does not print that it has connected."""

    def silent(self: Instrument, idn_param: str = "IDN", begin_time: float | None = None) -> None:
        """Print nothing."""

    def fill(body: dict[str, object]) -> None:
        body.update(connect_message=silent, __doc__=kind.__doc__)
        body.update(__module__=kind.__module__, __qualname__=kind.__qualname__)

    return new_class(kind.__name__, (kind,), exec_body=fill)
