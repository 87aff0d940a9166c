"""Twin of a power supply with a battery, behind the server ``upsd`` of Network UPS Tools.

It shows mains and charge as the fridge's installation has them. The server knows no users, so
nobody can command the supply: all that is asked is read.
"""

from collections.abc import Callable, Iterator

from podium.firmware_interfaces import nut_ups as nut
from podium.firmware_interfaces.nut_ups import NutError, Refusal, Word
from podium.sim_instruments.twins.plain_twin import PlainTwin
from podium.sim_instruments.twins.twin import Session

SERVERS = {
    "2.7.4": "Network UPS Tools upsd 2.7.4 - http://www.networkupstools.org/",
    "2.8.0": "Network UPS Tools upsd 2.8.0 - https://www.networkupstools.org/",
}
"""By release, what the server says of itself."""
DESCRIPTION = "UPS of the fridge"
LOW_CHARGE = 0.2
"""Of a full battery: below it the supply says that it is low. ASSUMED, as all values here."""
FULL_S = 900.0
"""How long a full battery lasts under the load."""
LOAD_PERCENT = 45.0
MAINS_V = 230.0
CHARGED = 0.999
HELP = "HELP VER GET LIST SET INSTCMD LOGIN LOGOUT USERNAME PASSWORD STARTTLS"
NUMBERS = ("battery.charge", "battery.runtime", "input.voltage", "output.voltage", "ups.load")
WANT_USER = ("LOGIN", "INSTCMD", "SET", "FSD", "PRIMARY", "MASTER")
"""Commands that want a user's name and password first (upsd, netcmds.h: FLAG_USER)."""
OPEN_TO_ALL = (
    *("VER", "PROTVER", "NETVER", "HELP", "LOGOUT", "STARTTLS"),
    *("USERNAME", "PASSWORD", "GET", "LIST"),
)
SERVER_SPACE = "server."
UNDESCRIBED = "Description unavailable"
"""What upsd says of what its file of descriptions has not; here none is installed."""

Read = Callable[[str, int], float]
"""Returns an output of the fridge by name at a time (fs), in SI units."""


class NutUps(PlainTwin):
    """One supply, by the name ``ups`` or another."""

    def __init__(
        self,
        serial: str,
        read: Read,
        ups: str = "ups",
        release: str = "2.8.0",
        description: str = DESCRIPTION,
    ) -> None:
        """``read`` has ``mains.on`` and ``ups.charge``; ``release``: of upsd, 2.7.4 or 2.8.0.

        ``description``: what the server's administrator calls the supply. Raises ValueError for
        another release.
        """
        super().__init__({"nut": nut.TCP_PORT}, str.strip)
        if release not in SERVERS:
            raise ValueError(f"release {release!r}: upsd is here {' or '.join(SERVERS)}")
        self.name = ups
        self._description = description
        self._protocol = nut.PROTOCOLS[release]
        self._server = {"server.info": SERVERS[release], "server.version": release}
        self._serial = serial
        self._read = read

    def _session(self) -> Session:
        return NutSession(self)

    def power_cycle(self, now_fs: int) -> None:
        """Switch the computer of its server off and on, where nothing is kept of a client.

        The supply itself goes on.
        """

    def variables(self, now_fs: int) -> dict[str, str]:
        """Return all variables, by name in order."""
        charge = min(max(self._read("ups.charge", now_fs), 0.0), 1.0)
        mains = self._read("mains.on", now_fs) > 0
        return {
            "battery.charge": f"{100 * charge:.0f}",
            "battery.charge.low": f"{100 * LOW_CHARGE:.0f}",
            "battery.runtime": f"{FULL_S * charge:.0f}",
            "device.mfr": "EATON",
            "device.model": "9PX 3000",
            "device.serial": self._serial,
            "device.type": "ups",
            "driver.name": "usbhid-ups",
            "driver.version": "2.8.0",
            "input.voltage": f"{MAINS_V if mains else 0.0:.1f}",
            "output.voltage": f"{MAINS_V if mains or charge > 0 else 0.0:.1f}",
            "ups.load": f"{LOAD_PERCENT:.0f}",
            "ups.status": " ".join(word.value for word in _status(mains, charge)),
        }

    def answer(self, line: str, state: "NutSession", now_fs: int) -> str:
        """Return the answer to a line, with its end."""
        before = self._ear.begin()
        self._commands += 1
        refused = True
        try:
            lines = tuple(self._lines(nut.words(line), state, now_fs))
            refused = False
        except NutError:
            lines = (f"ERR {Refusal.UNKNOWN_COMMAND.value}",)
            self._unknown += 1
        except _Refused as error:
            lines = (f"ERR {error.refusal.value}",)
            self._unknown += error.refusal in (
                Refusal.UNKNOWN_COMMAND,
                Refusal.VARIABLE_NOT_SUPPORTED,
            )
        self._ear.end(before, line, refused)
        return "".join(f"{one}\n" for one in lines)

    def _lines(self, said: tuple[str, ...], state: "NutSession", now_fs: int) -> Iterator[str]:
        if not said:
            raise _Refused(Refusal.UNKNOWN_COMMAND)
        command, given = said[0].upper(), said[1:]
        if not self._knows(command):
            raise _Refused(Refusal.UNKNOWN_COMMAND)
        if command in WANT_USER:
            if state.missing is not None:  # upsd, check_command: before anything else
                raise _Refused(state.missing)
            yield self._privileged(command, given, state)
            return
        match command, given:
            case "VER", ():
                yield self._server["server.info"]
            case "PROTVER" | "NETVER", ():
                yield self._protocol
            case "HELP", ():
                yield f"Commands: {HELP}"
            case "LOGOUT", ():
                state.ended = True
                yield "OK Goodbye"
            case "STARTTLS", ():
                raise _Refused(Refusal.FEATURE_NOT_CONFIGURED)
            case "USERNAME" | "PASSWORD", (_,):
                yield state.identify(command)
            case "GET", (what, *names):
                yield self._get(what.upper(), names, state, now_fs)
            case "LIST", (what, *names):
                yield from self._list(what.upper(), names, now_fs)
            case (known, _) if known in OPEN_TO_ALL:
                raise _Refused(Refusal.INVALID_ARGUMENT)
            case _:
                raise _Refused(Refusal.UNKNOWN_COMMAND)

    def _get(self, what: str, names: list[str], state: "NutSession", now_fs: int) -> str:
        """Return a line; what is said beyond the arguments is passed over, as upsd does."""
        if what == "TRACKING" and self._knows(what):
            return state.tracked(names)
        if what in ("NUMLOGINS", "UPSDESC") and names:
            ups = self._known(names[0])
            return f"NUMLOGINS {ups} 0" if what == "NUMLOGINS" else self._described(what, ups)
        if what not in ("VAR", "TYPE", "DESC", "CMDDESC") or len(names) < 2:
            raise _Refused(Refusal.INVALID_ARGUMENT)
        ups, name = names[:2]
        if what == "VAR" and name.lower().startswith(SERVER_SPACE):  # of whatever supply
            if name.lower() not in self._server:
                raise _Refused(Refusal.VARIABLE_NOT_SUPPORTED)
            return nut.variable_line(ups, name, self._server[name.lower()])
        self._known(ups)
        if what in ("DESC", "CMDDESC"):  # of whatever there is, or is not
            return f"{what} {ups} {name} {nut.quoted(UNDESCRIBED)}"
        value = self._value(name, now_fs)
        if what == "VAR":
            return nut.variable_line(ups, name, value)
        return f"TYPE {ups} {name} {'NUMBER' if name.lower() in NUMBERS else 'STRING:64'}"

    def _list(self, what: str, names: list[str], now_fs: int) -> Iterator[str]:
        if what == "UPS":
            yield from nut.list_lines("UPS", (self._described("UPS", self.name),))
            return
        wanted = {"VAR": 1, "RW": 1, "CMD": 1, "CLIENT": 1, "ENUM": 2, "RANGE": 2}.get(what)
        if wanted is None or len(names) < wanted:
            raise _Refused(Refusal.INVALID_ARGUMENT)
        ups = self._known(names[0])
        rows: tuple[str, ...] = ()
        if what == "VAR":
            variables = self.variables(now_fs)
            rows = tuple(nut.variable_line(ups, name, value) for name, value in variables.items())
        if wanted == 2:  # no variable has any: it can only be that there is none
            self._value(names[1], now_fs)
        yield from nut.list_lines(" ".join((what, *names[:wanted])), rows)

    def _privileged(self, command: str, given: tuple[str, ...], state: "NutSession") -> str:
        """Return the answer to one who has said a name and a password: no user may do anything."""
        match command, given:
            case "SET", (what, value, *_) if what.upper() == "TRACKING" and self._knows("TRACKING"):
                return state.track(value.upper())
            case "SET", (what, ups, _, _, *_) if what.upper() == "VAR":
                self._known(ups)
            case "INSTCMD", (ups, _, *_):
                self._known(ups)
                raise _Refused(Refusal.COMMAND_NOT_SUPPORTED)  # asked for before the user's rights
            case (("LOGIN" | "PRIMARY" | "MASTER" | "FSD"), (ups,)):
                self._known(ups)
            case _:
                raise _Refused(Refusal.INVALID_ARGUMENT)
        raise _Refused(Refusal.ACCESS_DENIED)

    def _knows(self, word: str) -> bool:
        """Tell whether a server of its release knows a word of the protocol."""
        return word not in nut.NEW_IN_1_3 or self._protocol == nut.PROTOCOL

    def _described(self, what: str, ups: str) -> str:
        return f"{what} {ups} {nut.quoted(self._description)}"

    def _known(self, ups: str) -> str:
        """Return the name as it was said, in capitals or not; refuse that of another supply."""
        if ups.lower() != self.name.lower():
            raise _Refused(Refusal.UNKNOWN_UPS)
        return ups

    def _value(self, name: str, now_fs: int) -> str:
        value = self.variables(now_fs).get(name.lower())
        if value is None:
            raise _Refused(Refusal.VARIABLE_NOT_SUPPORTED)
        return value


class _Refused(Exception):
    """A command is answered by an error."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class NutSession:
    """One connection of a client."""

    def __init__(self, supply: NutUps) -> None:
        self._supply = supply
        self._buffer = b""
        self._given: set[str] = set()
        """Of user name and password, what the client has said."""
        self._tracking = False
        self.ended = False

    def track(self, wanted: str) -> str:
        """Switch tracking of what is commanded, which any user may (net-protocol: SET TRACKING)."""
        if wanted not in ("ON", "OFF"):
            raise _Refused(Refusal.INVALID_ARGUMENT)
        self._tracking = wanted == "ON"
        return "OK"

    def tracked(self, names: list[str]) -> str:
        """Return whether it tracks, or what came of a command: there never was one."""
        if not names:
            return "ON" if self._tracking else "OFF"
        if not self._tracking:
            raise _Refused(Refusal.FEATURE_NOT_CONFIGURED)
        return "ERR UNKNOWN"

    @property
    def missing(self) -> Refusal | None:
        """Return what a client has to say before it commands anything."""
        if "USERNAME" not in self._given:
            return Refusal.USERNAME_REQUIRED
        return None if "PASSWORD" in self._given else Refusal.PASSWORD_REQUIRED

    def identify(self, what: str) -> str:
        """Take a user name or a password; nobody looks at it before a command."""
        if what in self._given:
            raise _Refused(Refusal(f"ALREADY-SET-{what}"))
        self._given.add(what)
        return "OK"

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return the answers; see :class:`Session`."""
        if self.ended:
            return b""
        self._buffer += data
        *lines, self._buffer = self._buffer.split(nut.END)
        if len(self._buffer) > nut.LINE_MAX:
            self.ended = True
            return b""
        answers = ""
        for line in lines:
            if not self.ended:
                answers += self._supply.answer(line.decode("latin-1"), self, now_fs)
        return answers.encode("latin-1")

    def hung_up(self) -> None:
        """Nothing depends on a connection."""


def _status(mains: bool, charge: float) -> Iterator[Word]:
    yield Word.ON_LINE if mains else Word.ON_BATTERY
    if mains and charge < CHARGED:
        yield Word.CHARGING
    if not mains:
        yield Word.DISCHARGING
        if charge < LOW_CHARGE:
            yield Word.LOW_BATTERY
