"""Driver of the Bluefors Temperature Controller, by its own API over HTTP, with httpx."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Self

import httpx

from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces import bluefors_tc as api
from podium.firmware_interfaces.bluefors_tc import ApiError, Denied

ANSWER_S = 5.0
OLD_S = 900.0
"""A measurement that is older, by the controller's own clock, is no reading. ASSUMED."""
NOT_VALID = "it has no valid temperature of the last 15 min"
DELIVERED_S = 60.0
"""So far back it is asked what a heater has delivered."""
POWER_W = 1e-9
"""A power that is read back within this is the one that was set."""


class BlueforsTc:
    """A Thermometer and a Heater. It measures one channel after the other, seconds each.

    Its own clock says how old a measurement is: nobody else's is asked.
    """

    _client: httpx.Client | None

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        channels: Mapping[int, str],
        heaters: Mapping[int, str] | None = None,
    ) -> None:
        """Connect by reading; ``channels`` and ``heaters`` name those of the controller."""
        self._begin(name, channels, heaters, None)
        self._client = httpx.Client(
            base_url=f"http://{host}:{ports['http']}", timeout=ANSWER_S, trust_env=False
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
        heaters: Mapping[int, str] | None = None,
    ) -> Self:
        """Return a driver of no fridge, which tells ``note`` what it would set."""
        driver = cls.__new__(cls)
        driver._begin(name, channels, heaters, note)
        return driver

    def _begin(
        self,
        name: str,
        channels: Mapping[int, str],
        heaters: Mapping[int, str] | None,
        note: Callable[[str], None] | None,
    ) -> None:
        self._name = name
        self._note = note
        self._client = None
        self._closed = False
        self._channels = {channel: number for number, channel in channels.items()}
        self._heaters = {heater: number for number, heater in (heaters or {}).items()}

    # --- as any instrument ------------------------------------------------------------

    def identity(self) -> Identity:
        """Return who answers; raises :class:`Refused` where it is another kind of box."""
        if self._note is not None:
            return Identity(api.VENDOR, api.TYPE, "", "")
        said = self._get(api.SYSTEM)
        if said.get("type") != api.TYPE:
            raise Refused(f"{self._name} says that it is {said.get('type')!r}, no {api.TYPE}")
        serial, software = (str(said.get(key, "")) for key in ("serial", "software_version"))
        return Identity(api.VENDOR, api.TYPE, serial, software)

    def snapshot(self) -> dict[str, object]:
        """Return the settings of named channels and heaters, in two round trips."""
        if self._note is not None:
            return {}
        found: dict[str, object] = {}
        for path, key, named in (
            (api.ALL_CHANNELS, "channel_nr", self._channels),
            (api.ALL_HEATERS, "heater_nr", self._heaters),
        ):
            rows = {row.get(key): row for row in self._list(path)}
            for name, number in named.items():
                for setting, value in rows.get(number, {}).items():
                    if isinstance(value, bool | int | float | str) and setting != key:
                        found[f"{name}.{setting}"] = value
        return found

    def examine(self) -> Examination:
        """Return which named channels it does not measure, and what has no valid temperature."""
        if self._note is not None:
            return Examination()
        answer = self._get(api.ALL_CHANNELS)
        rows = self._rows(answer)
        active = {row.get("channel_nr") for row in rows if row.get("active")}
        wrong = []
        for name, number in self._channels.items():
            if number not in active:
                wrong.append(f"{name}: channel {number} is switched off")
            elif self._last_k(number, self._clock(answer)) is None:
                wrong.append(f"{name}: channel {number} has no valid temperature")
        return Examination(complaints=tuple(wrong))

    def readings(self) -> Mapping[str, Value]:
        """Return temperatures of channels, K, and powers of heaters, W, that are valid.

        One round trip for each of them, as its API has it, and one for its clock.
        """
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return the same, and what is left out with the reason."""
        if self._note is not None:
            return ChannelReadings({})
        clock = self._clock(self._get(api.SYSTEM))
        found: dict[str, Value | Missing] = {}
        for name, number in self._channels.items():
            kelvin = self._last_k(number, clock)
            found[name] = Missing("K", NOT_VALID) if kelvin is None else (kelvin, "K")
        for name in self._heaters:
            found[f"{name}.power"] = (self._power_w(name, clock), "W")
        return ChannelReadings.of(found)

    def close(self) -> None:
        """Close the connection; heaters stay as they are. A call that hangs ends within 5 s."""
        self._closed = True
        if self._client is not None:
            self._client.close()

    # --- as a thermometer -------------------------------------------------------------

    def temperature_k(self, channel: str) -> float:
        """Return the last measurement of ``channel``, at most 15 min old, in K.

        Raises :class:`Refused` for a channel without a name here or without a valid measurement.
        """
        if channel not in self._channels:
            known = ", ".join(sorted(self._channels)) or "none"
            raise Refused(f"{self._name} has no channel {channel!r}; it has {known}")
        if self._note is not None:
            return 0.0
        number = self._channels[channel]
        kelvin = self._last_k(number, self._clock(self._get(api.SYSTEM)))
        if kelvin is None:
            raise Refused(
                f"{self._name} has no valid temperature of {channel} (channel {number}) of the "
                "last 15 min: is it active, its sensor there, its curve set?"
            )
        return kelvin

    def _last_k(self, number: int, clock: datetime) -> float | None:
        kelvin = self._last(
            api.CHANNEL_HISTORY, {"channel_nr": number}, "temperature", clock, OLD_S
        )
        return kelvin if kelvin is not None and kelvin > 0 else None

    def _last(
        self, path: str, which: Mapping[str, int], field: str, clock: datetime, back_s: float
    ) -> float | None:
        """Return the newest sample of historical data; None: there is none that is valid."""
        ends = {"start_time": clock - timedelta(seconds=back_s), "stop_time": clock}
        span = {key: moment.strftime("%Y-%m-%dT%H:%M:%SZ") for key, moment in ends.items()}
        payload = {**which, **span, "fields": [field]}
        answer = self._post(path, payload)
        try:
            return api.last_sample(answer, field)
        except ApiError as error:
            raise self._nonsense(path, error) from error

    def _clock(self, answer: Mapping[str, Any]) -> datetime:
        """Return the end of the second in which the controller has answered."""
        try:
            return api.answered_at(answer) + timedelta(seconds=1)
        except ApiError as error:
            raise self._nonsense("the time", error) from error

    # --- as a heater ------------------------------------------------------------------

    def heater_power_w(self, heater: str) -> float:
        """Return the power that is delivered, W: as set by hand, or what its loop gave last."""
        self._output(heater)
        if self._note is not None:
            return 0.0
        return self._power_w(heater, None)

    def _power_w(self, heater: str, clock: datetime | None) -> float:
        number = self._output(heater)
        answer = self._post(api.HEATER, {"heater_nr": number})
        settings = self._settings(answer)
        if not settings.active:
            return 0.0
        if not settings.regulates:
            return min(settings.power_w, settings.max_power_w)
        now = self._clock(answer) if clock is None else clock
        given = self._last(api.HEATER_HISTORY, {"heater_nr": number}, "power", now, DELIVERED_S)
        return 0.0 if given is None else given

    def heat(self, heater: str, power_w: float) -> None:
        """Deliver a power by hand, 0 W: switch it off; returns once it is read back.

        Raises :class:`Refused` for more than its safety limit; then nothing has changed.
        """
        number = self._output(heater)
        if not power_w >= 0:
            raise Refused(f"{self._name}: {heater} cannot be heated by {power_w} W")
        wanted = {"heater_nr": number, "pid_mode": 0, "power": power_w, "active": power_w > 0}
        if self._note is not None:
            self._note(f"{api.HEATER_UPDATE} {wanted}")
            return
        most_w = self._settings(self._post(api.HEATER, {"heater_nr": number})).max_power_w
        if power_w > most_w:
            raise Refused(f"{self._name}: {heater} is to get {power_w} W; its limit is {most_w} W")
        found = self._settings(self._post(api.HEATER_UPDATE, wanted))
        as_told = found.active == (power_w > 0) and not found.regulates
        if not as_told or abs(found.power_w - power_w) > POWER_W:
            raise Refused(
                f"{self._name} was asked for {power_w} W of the heater {heater} and has "
                f"{found.power_w} W, {'on' if found.active else 'off'}"
            )

    def _output(self, heater: str) -> int:
        if heater not in self._heaters:
            known = ", ".join(sorted(self._heaters)) or "none"
            raise Refused(f"{self._name} has no heater {heater!r}; it has {known}")
        return self._heaters[heater]

    def _settings(self, answer: Mapping[str, Any]) -> api.Heater:
        try:
            return api.read_heater(answer)
        except ApiError as error:
            raise self._nonsense(api.HEATER, error) from error

    # --- requests ---------------------------------------------------------------------

    def _list(self, path: str) -> tuple[Mapping[str, Any], ...]:
        return self._rows(self._get(path))

    def _rows(self, answer: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        try:
            return api.read_list(answer)
        except ApiError as error:
            raise self._nonsense("a list", error) from error

    def _get(self, path: str) -> Mapping[str, Any]:
        return self._exchange(path, lambda client: client.get(path))

    def _post(self, path: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._exchange(path, lambda client: client.post(path, json=dict(payload)))

    def _exchange(
        self, path: str, call: Callable[[httpx.Client], httpx.Response]
    ) -> Mapping[str, Any]:
        """Return an answer; raises :class:`Refused` with the controller's words."""
        said = f"{self._name} was asked for {path}"
        client = self._client
        if self._closed or client is None:
            raise Unreachable(f"{said}, but its connection was closed")
        try:
            response = call(client)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as error:
            self.close()
            raise Unreachable(f"{said}: {str(error) or type(error).__name__}") from error
        try:
            return api.read_answer(response.content)
        except Denied as error:
            raise Refused(f"{said}: {error}") from error
        except ApiError as error:
            if not response.is_success:
                raise Refused(f"{said}: {response.status_code} {response.reason_phrase}") from error
            raise self._nonsense(path, error) from error

    def _nonsense(self, asked: str, error: ApiError) -> ProtocolError:
        self.close()
        return ProtocolError(f"{self._name} was asked for {asked} and said: {error}")
