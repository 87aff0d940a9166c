"""Twin of the Bluefors Temperature Controller: its own API over HTTP and WebSockets.

It measures one channel after the other, each for seconds: what it says of a channel is as old as
its last turn. Heaters heat what they are wired to.
"""

from collections.abc import Callable, Mapping
from typing import Any

from podium.firmware_interfaces import bluefors_tc as api
from podium.firmware_interfaces.bluefors_control import TAI_MINUS_UTC_S
from podium.firmware_interfaces.bluefors_tc import Code, Denied
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import stage_of
from podium.sim_instruments.twins.bluefors_tc.doors import (
    HttpDoor,
    NoSuchEndpoint,
    WebSocketDoor,
)
from podium.sim_instruments.twins.bluefors_tc.heaters import HeaterBank, Read
from podium.sim_instruments.twins.bluefors_tc.history import History
from podium.sim_instruments.twins.bluefors_tc.rounds import MeasurementRounds, Stop
from podium.sim_instruments.twins.command_observer import CommandListener, CommandObserver
from podium.sim_instruments.twins.faces.http_server import HttpSession
from podium.sim_instruments.twins.heater_loop import Write
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session

SOFTWARE = "2.0.1"  # ASSUMED
WAIT_S, MEASURE_S = 4.0, 4.0
"""How long it waits and measures at each channel. ASSUMED, as it comes."""
Payload = Mapping[str, Any]


class BlueforsTc:
    """A controller whose sensors and heaters hang in a fridge."""

    def __init__(
        self,
        serial: str,
        read: Read,
        write: Write,
        channels: Mapping[int, str],
        heaters: Mapping[int, str] | None = None,
        reading: Callable[[int, int], float] | None = None,
    ) -> None:
        """``channels``: of the controller, to names of the facility file; they are all active.

        ``heaters``: output to the heater of the fridge that hangs there. ``reading`` gives the
        temperature (K) at such a channel and a time (fs), where the facility has a fridge for them.
        """
        for channel in channels:
            if channel not in api.CHANNELS:
                raise ValueError(f"channel {channel}: the controller has 1 to 12")

        def kelvin(channel: int, at_fs: int) -> float:
            if reading is not None:
                return reading(channel, at_fs)
            name = channels[channel]
            return read(f"temperature.{stage_of(name) or name}", at_fs)

        self._serial = serial
        self._times = {"wait_time": WAIT_S, "meas_time": MEASURE_S, "control_algorithm": 1}
        self.channels = {
            number: _delivered_with(number, channels.get(number)) for number in api.CHANNELS
        }
        self.rounds = MeasurementRounds(self._stops())
        self.history = History(serial, kelvin, frozenset(channels), self.rounds)
        self.heaters = HeaterBank(heaters, read, write, self.history.last_kelvin)
        for number, name in (heaters or {}).items():
            stage = {"4k": "second_stage", "50k": "first_stage"}.get(name, name)
            same = (one for one, channel in channels.items() if stage_of(channel) == stage)
            self._couple(next(same, 0), number)
        self._commands = 0
        self._unknown = 0
        self._unmeant = 0
        self.ear: CommandObserver[str] = CommandObserver(self.tallies, lambda words: words)

    @property
    def ports(self) -> Mapping[str, int]:
        """Of its HTTP and its WebSockets."""
        return {"http": api.HTTP_PORT, "websocket": api.WEBSOCKET_PORT}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        if port not in self.ports:
            raise KeyError(f"no port {port!r}, there are {', '.join(self.ports)}")
        return HttpSession(HttpDoor(self) if port == "http" else WebSocketDoor(self))

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return {"commands": self._commands, "unknown": self._unknown, "unmeant": self._unmeant}

    def tell(self, listener: CommandListener) -> None:
        """Report every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self.ear.listener = listener

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on. ASSUMED: it keeps settings and history; its heaters are off."""
        self.advance(now_fs)
        self.rounds.change(self._stops(), now_fs)
        for number in api.HEATERS:
            self.heaters.change(number, {"active": False}, now_fs)

    @property
    def acts(self) -> bool:
        """Tell whether a loop regulates."""
        return self.heaters.acts

    def advance(self, now_fs: int) -> None:
        """Do what loops do by themselves, up to ``now_fs``."""
        self.history.now_fs = now_fs
        self.heaters.advance(now_fs)

    # --- what is asked, by whatever door ----------------------------------------------

    def answer(self, endpoint: str, body: bytes, now_fs: int) -> tuple[bytes, bool]:
        """Return the answer to a request, and whether it is a good one.

        Raises :class:`.doors.NoSuchEndpoint`.
        """
        before = self.ear.begin()
        self._commands += 1
        payload: Payload = {}
        refused = True
        try:
            act = self._acts().get(endpoint)
            if act is None:
                self._unknown += 1
                raise NoSuchEndpoint(endpoint)
            payload = _payload(body)
            self.advance(now_fs)
            content = act(payload, now_fs)
            refused = False
            return api.answer_body(payload, History.utc_s(now_fs), content), True
        except Denied as error:
            return api.error_body(payload, History.utc_s(now_fs), error), False
        finally:
            shown = f" {body[:300].decode('latin-1')}" if body else ""
            self.ear.end(before, f"{endpoint}{shown}", refused)

    def _acts(self) -> dict[str, Callable[[Payload, int], dict[str, Any]]]:
        return {
            api.SYSTEM: self._system,
            api.DEVICE: lambda _, now_fs: {"device_id": self._serial, "device_firmware": SOFTWARE},
            api.NETWORK: self._network,
            api.STATEMACHINE: self.statemachine,
            api.STATEMACHINE_UPDATE: self._set_statemachine,
            api.ALL_CHANNELS: lambda _, now_fs: {"data": list(self.channels.values())},
            api.CHANNEL: lambda payload, now_fs: self.channels[_channel(payload)],
            api.CHANNEL_UPDATE: self._set_channel,
            api.CHANNEL_HEATER_UPDATE: self._set_relation,
            api.CHANNEL_HISTORY: self._channel_history,
            api.LATEST: lambda _, now_fs: self.latest(now_fs),
            api.ALL_HEATERS: lambda _, now_fs: {"data": list(self.heaters.settings.values())},
            api.HEATER: lambda payload, now_fs: self.heaters.settings[_heater(payload)],
            api.HEATER_UPDATE: self._set_heater,
            api.RELAY: lambda payload, now_fs: self._relay(_heater(payload)),
            api.RELAY_UPDATE: self._set_relay,
            api.HEATER_HISTORY: self._heater_history,
        }

    def _system(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        return {
            "api_version": api.API_VERSION,
            "type": api.TYPE,
            "serial": self._serial,
            "label": "",
            "addinfo": "",
            "software_version": SOFTWARE,
        }

    def _network(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        return {
            "state": "UP",
            "ip_configuration": "DHCP",
            "ip_address": "127.0.0.1",
            "netmask": "255.0.0.0",
            "gateway": "",
            "dns": "",
            "mac_address": "b8:27:eb:00:00:00",
        }  # ASSUMED

    def statemachine(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        """Return how it measures, and what."""
        measuring = any(one["active"] for one in self.channels.values())
        return {
            **self._times,
            "state": "measuring" if measuring else "idle",  # ASSUMED: the words
            "measuring": measuring,
            "channel_nr": self.rounds.channel(now_fs),
        }

    def latest(self, now_fs: int) -> dict[str, Any]:
        """Return the last measurement, of whatever channel; raises :class:`Denied` without one."""
        found = self.rounds.latest(now_fs)
        if found is None:
            raise Denied(Code.NO_DATA, "No data")
        return self.history.measurement(found[1], found[0])

    # --- settings ---------------------------------------------------------------------

    def _stops(self) -> tuple[Stop, ...]:
        found = []
        for number, channel in self.channels.items():
            times = channel if channel["use_non_default_timeconstants"] else self._times
            length_s = float(times["wait_time"]) + float(times["meas_time"])
            if channel["active"]:
                found.append(Stop(number, round(length_s * FS_PER_S)))
        return tuple(found)

    def _set_statemachine(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        self._times |= api.settings_in(payload, api.STATEMACHINE_SETTINGS)
        self.rounds.change(self._stops(), now_fs)
        return self.statemachine(payload, now_fs)

    def _set_channel(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        number = _channel(payload)
        changed = api.settings_in(payload, api.CHANNEL_SETTINGS)
        before = self._stops()
        self.channels[number] |= changed
        if self._stops() != before:
            self.rounds.change(self._stops(), now_fs)
        meant = {"active", "name", "wait_time", "meas_time", "use_non_default_timeconstants"}
        self._unmeant += bool(changed.keys() - meant)
        return self.channels[number]

    def _couple(self, channel: int, heater: int) -> None:
        """Couple a heater to a channel, 0: to none; each has one partner at most. ASSUMED."""
        for number, known in self.channels.items():
            if number == channel or known["coupled_heater_nr"] == heater:
                known["coupled_heater_nr"] = heater if number == channel else 0
        for other, coupled in self.heaters.channel_of.items():
            if coupled == channel:
                self.heaters.channel_of[other] = 0
        self.heaters.channel_of[heater] = channel

    def _set_relation(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        # A public client says channel 0 for none, where the reference has 1 to 12 and heater 0.
        channel = api.wanted(payload, "channel_nr", api.Setting(int, 0, api.CHANNELS.stop - 1))
        heater = api.wanted(payload, "heater_nr", api.Setting(int, 0, api.HEATERS.stop - 1))
        if heater:
            self._couple(channel, heater)
        elif channel:
            self.channels[channel]["coupled_heater_nr"] = 0
            for number, coupled in self.heaters.channel_of.items():
                if coupled == channel:
                    self.heaters.channel_of[number] = 0
        return {"relations": self.relations()}

    def relations(self) -> list[dict[str, int]]:
        """Return which heater is coupled to which channel."""
        return [
            {"channel_nr": channel, "heater_nr": heater}
            for heater, channel in self.heaters.channel_of.items()
            if channel
        ]

    def _set_heater(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        number = _heater(payload)
        settings = api.settings_in(payload, api.HEATER_SETTINGS)
        gains = payload.get(api.GAINS, {})
        if not isinstance(gains, Mapping):
            raise Denied(Code.WRONG_PARAMETERS, f"{api.GAINS} is no object")
        settings[api.GAINS] = api.settings_in(gains, api.GAIN_SETTINGS)
        return self.heaters.change(number, settings, now_fs)

    def _relay(self, number: int) -> dict[str, Any]:
        settings = self.heaters.settings[number]
        return {key: settings[key] for key in ("heater_nr", "relay_mode", "relay_status")}

    def _set_relay(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        number = _heater(payload)
        mode = api.wanted(payload, "relay_mode", api.RELAY_SETTINGS["relay_mode"])
        self.heaters.settings[number] |= {"relay_mode": mode, "relay_status": mode}
        self._unmeant += 1
        return self._relay(number)

    # --- historical data --------------------------------------------------------------

    def _channel_history(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        number = _channel(payload)
        since_fs, until_fs, fields = _span(payload, api.CHANNEL_FIELDS, now_fs)
        over, columns = self.history.columns(number, since_fs, until_fs, fields)
        return _told(payload, "channel_nr", over, columns)

    def _heater_history(self, payload: Payload, now_fs: int) -> dict[str, Any]:
        number = _heater(payload)
        since_fs, until_fs, fields = _span(payload, api.HEATER_FIELDS, now_fs)
        first = max(since_fs, now_fs - self.history.KEPT_FS) // FS_PER_S + 1
        times = [second * FS_PER_S for second in range(first, until_fs // FS_PER_S + 1)]
        powers = [self.heaters.power_w(number, at_fs) for at_fs in times]
        load_ohm = self.heaters.settings[number]["resistance"]
        known = {
            "power": powers,
            "current": [(one / load_ohm) ** 0.5 if load_ohm else 0.0 for one in powers],
        }
        columns = {"timestamp": [History.utc_s(at_fs) for at_fs in times]}
        return _told(
            payload, "heater_nr", False, columns | {field: known[field] for field in fields}
        )


def _delivered_with(number: int, name: str | None) -> dict[str, Any]:
    return {
        "channel_nr": number,
        "active": name is not None,
        "name": name or "",
        "excitation_mode": 0,
        "excitation_current_range": 5,
        "excitation_cmn_range": 1,
        "excitation_vmax_range": 1,
        "use_non_default_timeconstants": False,
        "wait_time": WAIT_S,
        "meas_time": MEASURE_S,
        "calib_curve_nr": number,
        "coupled_heater_nr": 0,
    }  # ASSUMED: excitation and curve


def _payload(body: bytes) -> Payload:
    try:
        return api.read_payload(body)
    except Denied:
        raise
    except api.ApiError as error:
        raise Denied(Code.WRONG_PARAMETERS, str(error)) from error


def _channel(payload: Payload) -> int:
    number: int = api.wanted(payload, "channel_nr", api.CHANNEL_NUMBER)
    return number


def _heater(payload: Payload) -> int:
    number: int = api.wanted(payload, "heater_nr", api.HEATER_NUMBER)
    return number


def _span(
    payload: Payload, known: tuple[str, ...], now_fs: int
) -> tuple[int, int, tuple[str, ...]]:
    """Return since when, until when (fs) and which fields are asked for."""
    ends = []
    for key in ("start_time", "stop_time"):
        try:
            moment = api.parse_utc(api.wanted(payload, key, api.Setting(str, 0, 40)))
        except Denied:
            raise
        except api.ApiError as error:
            raise Denied(Code.WRONG_PARAMETERS, f"{key}: {error}") from error
        ends.append(round((moment.timestamp() + TAI_MINUS_UTC_S) * 1e6) * (FS_PER_S // 10**6))
    fields = payload.get("fields")
    if not isinstance(fields, list) or not all(isinstance(one, str) for one in fields):
        raise Denied(Code.WRONG_PARAMETERS, "fields is no list of texts")
    lower = [one.lower() for one in fields]  # the reference writes Imz as well as imz
    if strange := [one for one in lower if one not in (*known, "timestamp")]:
        raise Denied(Code.WRONG_PARAMETERS, f"there is no field {strange[0][:40]!r}")
    return ends[0], min(ends[1], now_fs), tuple(one for one in lower if one != "timestamp")


def _told(
    payload: Payload, key: str, over: bool, columns: Mapping[str, list[Any]]
) -> dict[str, Any]:
    asked = {name: payload[name] for name in (key, "start_time", "stop_time", "fields")}
    return {**asked, "over_limit": over, "measurements": dict(columns)}
