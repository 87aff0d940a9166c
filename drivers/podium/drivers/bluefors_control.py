"""Driver of the Bluefors Control Software, by its Control API over HTTP or HTTPS, with httpx."""

import math
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import httpx

from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces import bluefors_control as api
from podium.firmware_interfaces.bluefors_control import ApiError, Assignment, Sample

ANSWER_S = 5.0
LOGGED_S = 900.0
"""Software that logs has written something within this, by the host's clock. ASSUMED."""
PART_PATHS: Mapping[str, str] = {
    **{name: f"{api.BF}.valves.{name}" for name in api.VALVES},
    **{name: f"{api.BF}.pumps.{name}" for name in api.PUMPS},
    **{name: f"{api.BF}.heaters.{name}" for name in api.SWITCHES},
    api.PULSE_TUBE: f"{api.BF}.{api.PULSE_TUBE}",
}
PA_PER_BAR = 1e5
MOL_PER_MMOL = 1e-3
POWER_W = 1e-9
"""A power that is read back within this is the one that was set."""


class BlueforsControl:
    """A Thermometer and a Cryostat. What is old or not valid is never a reading."""

    _client: httpx.Client | None

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        channels: Mapping[int, str],
        key: str = "",
        certificate: str = "",
        logs: str = "",
    ) -> None:
        """Connect by reading; ``channels`` names those of the temperature controller.

        With a ``key`` over HTTPS, else over HTTP. The software signs its certificate itself:
        without the file ``certificate`` nobody is asked who it is, so the network must be trusted.
        Whether it still writes into the folder ``logs`` is part of an examination.
        """
        self._begin(name, channels, None, logs)
        verify: ssl.SSLContext | bool = False
        if certificate:
            try:
                verify = ssl.create_default_context(cafile=certificate)
            except (OSError, ssl.SSLError) as error:
                raise Refused(f"{name}: no certificate in {certificate}: {error}") from error
        scheme, port = ("https", ports["https"]) if key else ("http", ports["http"])
        self._client = httpx.Client(
            base_url=f"{scheme}://{host}:{port}",
            params={"key": key} if key else {},
            verify=verify,
            timeout=ANSWER_S,
            trust_env=False,
        )
        try:
            self.identity()
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(
        cls,
        name: str,
        note: Callable[[str], None],
        channels: Mapping[int, str],
        key: str = "",
        certificate: str = "",
        logs: str = "",
    ) -> Self:
        """Return a driver of no fridge, which tells ``note`` what it would set."""
        driver = cls.__new__(cls)
        driver._begin(name, channels, note)
        return driver

    def _begin(
        self,
        name: str,
        channels: Mapping[int, str],
        note: Callable[[str], None] | None,
        logs: str = "",
    ) -> None:
        self._logs = logs
        self._name = name
        self._note = note
        self._client = None
        self._closed = False
        self._temperatures = {}
        for number, channel in channels.items():
            if number not in api.TEMPERATURES:
                known = ", ".join(map(str, api.TEMPERATURES))
                raise Refused(f"{name} has channels {known}, not {number}")
            path = f"{api.BF}.temperatures.{api.TEMPERATURES[number]}"
            self._temperatures[channel] = path

    # --- as any instrument ------------------------------------------------------------

    def identity(self) -> Identity:
        """Return who answers."""
        if self._note is not None:
            return Identity("Bluefors", "Control Software", "", "")
        try:
            said = api.read_system(self._get(f"/{api.SYSTEM}"))
        except ApiError as error:
            raise self._nonsense("who it is", error) from error
        name, version = said.get("system_name", ""), said.get("system_version", "")
        return Identity("Bluefors", f"Control Software of {name}", "", version)

    def snapshot(self) -> dict[str, object]:
        """Return what is switched on, and the powers of heaters, in two round trips."""
        if self._note is not None:
            return {}
        parts, heaters = self._values(api.BF), self._values(api.HEATERS_FOLDER)
        found: dict[str, object] = {}
        for part, path in PART_PATHS.items():
            if path in parts and math.isfinite(parts[path].number):
                found[part] = parts[path].number == 1
        for heater, number in api.HEATERS.items():
            power = heaters.get(f"{api.HEATER.format(number)}.power")
            if power is not None and math.isfinite(power.number):
                found[f"{heater}.power_w"] = power.number
        return found

    def examine(self) -> Examination:
        """Return what it shows as old or not valid, and whether it has stopped logging."""
        values = {} if self._note is not None else self._values(f"{api.BF}.temperatures")
        wrong = [
            f"{channel}: {_why(values[path])}"
            for channel, path in self._temperatures.items()
            if path in values and not math.isfinite(values[path].number)
        ]
        missing = [
            f"{channel}: there is no {path}"
            for channel, path in self._temperatures.items()
            if values and path not in values
        ]
        return Examination(complaints=(*wrong, *missing, *_log_complaints(self._logs)))

    def readings(self) -> Mapping[str, Value]:
        """Return temperatures, pressures, flow, parts and powers of heaters, in SI units.

        What is old, not valid or no number is left out.
        """
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return the same and what is left out, with the reason, in two round trips."""
        if self._note is not None:
            return ChannelReadings({})
        values, heaters = self._values(api.BF), self._values(api.HEATERS_FOLDER)
        found: dict[str, Value | Missing] = {
            channel: _reading(values, path, 1.0, "K", lowest=0.0)
            for channel, path in self._temperatures.items()
        }
        for name in api.PRESSURES:
            path = f"{api.BF}.pressures.{name}"
            found[name] = _reading(values, path, PA_PER_BAR, "Pa")
        found["flow"] = _reading(values, f"{api.BF}.flow", MOL_PER_MMOL, "mol/s")
        for part, path in PART_PATHS.items():
            found[part] = _reading(values, path, 1.0, "1")
        for heater in api.HEATERS:
            found[f"heater.{heater}"] = self._power(heaters, heater)
        return ChannelReadings.of(found)

    def _power(self, values: Mapping[str, Sample], heater: str) -> Value | Missing:
        """Return the power that a heater is set to, W; off: 0."""
        device = self._heater(heater)
        on = _reading(values, f"{device}.active", 1.0, "W")
        power = _reading(values, f"{device}.power", 1.0, "W")
        if isinstance(on, Missing) or on[0] == 0:
            return on
        return power

    def close(self) -> None:
        """Close the connection; the fridge goes on. A call that hangs ends within 5 s."""
        self._closed = True
        if self._client is not None:
            self._client.close()

    # --- as a thermometer -------------------------------------------------------------

    def temperature_k(self, channel: str) -> float:
        """Return the temperature in K.

        Raises :class:`Refused` for a channel without a name here or without a valid reading.
        """
        if channel not in self._temperatures:
            known = ", ".join(sorted(self._temperatures)) or "none"
            raise Refused(f"{self._name} has no channel {channel!r}; it has {known}")
        if self._note is not None:
            return 0.0
        sample = self._value(self._temperatures[channel])
        if not sample.number > 0 or not math.isfinite(sample.number):
            raise Refused(f"{self._name} has no valid reading of {channel}: {_why(sample)}")
        return sample.number

    # --- as a cryostat ----------------------------------------------------------------

    def parts(self) -> tuple[str, ...]:
        """Return all that can be switched."""
        return tuple(PART_PATHS)

    def is_on(self, part: str) -> bool:
        """Return whether a valve is open, or another part on, as it reads back."""
        if self._note is not None:
            return False
        sample = self._value(self._part(part))
        if sample.number not in (0, 1):
            raise Refused(f"{self._name} does not know how {part} is: {_why(sample)}")
        return sample.number == 1

    def switch(self, part: str, on: bool) -> None:
        """Open a valve, start a pump ..., or the reverse; returns once that is accepted."""
        self._set(Assignment(self._part(part), str(int(on))))

    def heater_w(self, heater: str) -> float:
        """Return the power that a heater is set to; off: 0 W."""
        if self._note is not None:
            return 0.0
        power = self._power(self._values(self._heater(heater)), heater)
        if isinstance(power, Missing):
            raise Refused(f"{self._name} does not know how the heater {heater} is set: {power.why}")
        return power[0]

    def set_heater_w(self, heater: str, power_w: float) -> None:
        """Set a heater's power by hand, 0 W: off; returns once it is read back at the device.

        The values go to the software first, then the software is told to write them.
        """
        device = self._heater(heater)
        on = power_w > 0
        wanted = {"pid_mode": "0", "power": repr(float(power_w)), "active": str(int(on))}
        for name, value in wanted.items():
            self._set(Assignment(f"{device}.{name}", value))
        self._set(Assignment(f"{device}.write", None))
        if self._note is None and not abs(self.heater_w(heater) - power_w) <= POWER_W:
            raise Refused(
                f"{self._name} was asked for {power_w} W of the heater {heater} and reads back "
                f"{self.heater_w(heater)} W"
            )

    def _part(self, part: str) -> str:
        if part not in PART_PATHS:
            raise Refused(f"{self._name} has no part {part!r}; it has {', '.join(PART_PATHS)}")
        return PART_PATHS[part]

    def _heater(self, heater: str) -> str:
        if heater not in api.HEATERS:
            raise Refused(f"{self._name} has heaters {', '.join(api.HEATERS)}, not {heater!r}")
        return api.HEATER.format(api.HEATERS[heater])

    # --- requests ---------------------------------------------------------------------

    def _value(self, path: str) -> Sample:
        values = self._values(path)
        if path not in values:
            raise self._nonsense(path, ApiError(f"an answer without it, but {len(values)} others"))
        return values[path]

    def _values(self, path: str) -> dict[str, Sample]:
        try:
            return api.read_values(self._get(api.url_of(path)))
        except ApiError as error:
            raise self._nonsense(path, error) from error

    def _set(self, one: Assignment) -> None:
        if self._note is not None:
            self._note(f"call {one.path}" if one.value is None else f"{one.path} = {one.value}")
            return
        body = api.assignments_body((one,))
        answer = self._exchange(
            f"to set {one.path}",
            lambda client: client.post(
                f"/{api.VALUES}/", content=body, headers={"Content-Type": "application/json"}
            ),
        )
        try:
            data = api.read_values(answer)
        except ApiError as error:
            raise Refused(f"{self._name} was asked to set {one.path}: {error}") from error
        if one.path not in data:
            raise Refused(f"{self._name} has no {one.path}: nothing was set")

    def _get(self, path: str) -> bytes:
        return self._exchange(f"for {path}", lambda client: client.get(path))

    def _exchange(self, asked: str, call: Callable[[httpx.Client], httpx.Response]) -> bytes:
        """Return the body of an answer; a refusal without words of its own raises Refused."""
        said = f"{self._name} was asked {asked}"
        client = self._client
        if self._closed or client is None:
            raise Unreachable(f"{said}, but its connection was closed")
        try:
            response = call(client)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as error:
            self.close()
            raise Unreachable(f"{said}: {str(error) or type(error).__name__}") from error
        if response.is_success:
            return response.content
        try:
            words = api.error_of(response.content)
        except ApiError:
            words = None
        told = response.reason_phrase if words is None else f"{words.name}: {words.description}"
        raise Refused(f"{said}: {response.status_code} {told}")

    def _nonsense(self, asked: str, error: ApiError) -> ProtocolError:
        self.close()
        return ProtocolError(f"{self._name} was asked for {asked} and said: {error}")


def _reading(
    values: Mapping[str, Sample], path: str, factor: float, unit: str, lowest: float | None = None
) -> Value | Missing:
    """Return a value in SI units; missing: not there, not valid, or not above ``lowest``."""
    sample = values.get(path)
    if sample is None:
        return Missing(unit, f"there is no {path}")
    if not math.isfinite(sample.number) or (lowest is not None and sample.number <= lowest):
        return Missing(unit, _why(sample))
    return sample.number * factor, unit


def _why(sample: Sample) -> str:
    """Return why a value is no reading."""
    if sample.outdated:
        return f"it is old ({sample.text!r})"
    return f"it says {sample.text!r}, {sample.status.value}"


def _log_complaints(folder: str) -> tuple[str, ...]:
    """Return what is wrong with log files; nothing where no folder is named."""
    if not folder:
        return ()
    try:
        written_s = max(file.stat().st_mtime for file in Path(folder).glob("*/*.log"))
    except (OSError, ValueError):
        return (f"there are no log files in {folder}",)
    silent_s = time.time() - written_s
    if silent_s <= LOGGED_S:
        return ()
    return (f"nothing was written into {folder} for {silent_s / 60:.0f} min",)
