"""Twin of the Oxford Mercury iPS with a vector magnet.

Each axis ramps its current in closed form, on its own. With its switch heater on, the magnet
follows; with it off, it keeps what it had. A switch is not opened onto a current that is not the
magnet's. It opens and closes at once.
"""

from collections.abc import Callable, Mapping

from podium.firmware_interfaces import oxford_grammar as grammar
from podium.firmware_interfaces import oxford_mercury_ips as box
from podium.firmware_interfaces.oxford_mercury_ips import Action, Axis
from podium.sim_instruments.twins.command_observer import CommandListener, CommandObserver
from podium.sim_instruments.twins.heater_loop import Setpoint, StepGrid, Write
from podium.sim_instruments.twins.oxford_session import OxfordSession
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session

RATE_T_PER_MIN = 0.1
"""At power-on. ASSUMED."""
MATCHED_T = 1e-4
"""How near a current has to be to the magnet's for the switch to open. ASSUMED."""


class Wrong(ValueError):
    """There is no such signal, or it does not take that value."""


class _Supply:
    """One axis: what its current does, and what the magnet keeps."""

    def __init__(self, axis: Axis) -> None:
        self.axis = axis
        self.target_t = 0.0
        self.rate_t_per_min = RATE_T_PER_MIN
        self.switch_on = True
        self.clamped = False
        self.kept_t = 0.0
        """Field in the magnet while its switch is closed."""
        self._moving_to: Action = Action.HOLD
        self.ramp = Setpoint(0.0, 0.0, 0, 0.0)

    def output_t(self, now_fs: int) -> float:
        """Return the supply's current as a field."""
        return self.ramp.at(now_fs)

    def field_t(self, now_fs: int) -> float:
        """Return the field of the magnet."""
        return self.output_t(now_fs) if self.switch_on else self.kept_t

    def action(self, now_fs: int) -> Action:
        """Return what it does: a ramp that has arrived is a hold."""
        if self.clamped:
            return Action.CLAMP
        return self._moving_to if self.ramp.moving(now_fs) else Action.HOLD

    def act(self, action: Action, now_fs: int) -> None:
        """Begin to hold, to ramp, or to clamp; raises :class:`Wrong`."""
        now_t = self.output_t(now_fs)
        match action:
            case Action.CLAMP:
                if abs(now_t) > MATCHED_T:
                    raise Wrong  # ASSUMED: only without a current
                self.clamped, goal_t = True, now_t
            case Action.HOLD:
                self.clamped, goal_t = False, now_t
            case Action.TO_SETPOINT | Action.TO_ZERO:
                if self.clamped:
                    raise Wrong  # QCoDeS: unclamp first, by a hold
                goal_t = self.target_t if action is Action.TO_SETPOINT else 0.0
        self._moving_to = action
        if goal_t != now_t and self.rate_t_per_min == 0:
            goal_t = now_t  # it would never arrive
        self.ramp = Setpoint(now_t, goal_t, now_fs, self.rate_t_per_min / 60)

    def change_rate(self, rate_t_per_min: float, now_fs: int) -> None:
        """Go on at another rate."""
        moving = self.action(now_fs)
        self.rate_t_per_min = rate_t_per_min
        if moving in (Action.TO_SETPOINT, Action.TO_ZERO):
            self.act(moving, now_fs)

    def power_on(self, now_fs: int) -> None:
        """Begin anew: clamped, switch cooled; a current that flowed through it has run down."""
        self.kept_t = 0.0 if self.switch_on else self.kept_t
        self.switch_on, self.clamped = False, True
        self.target_t, self.rate_t_per_min = 0.0, RATE_T_PER_MIN
        self.ramp = Setpoint(0.0, 0.0, now_fs, 0.0)

    def switch(self, on: bool, now_fs: int) -> None:
        """Heat or cool the switch; raises :class:`Wrong` onto a current unlike the magnet's."""
        if on and not self.switch_on and abs(self.output_t(now_fs) - self.kept_t) > MATCHED_T:
            raise Wrong
        if not on:
            self.kept_t = self.field_t(now_fs)
        self.switch_on = on


class OxfordMercuryIps:
    """A Mercury iPS with the coils x, y and z of a fridge's magnet."""

    def __init__(
        self,
        serial: str,
        firmware: str = box.FIRMWARES[-1],
        read: Callable[[str, int], float] | None = None,
        write: Write | None = None,
    ) -> None:
        """``read`` gives temperatures of stages, ``write`` sets ``magnet.<x|y|z>.current``, A.

        A fridge without a magnet hears of no current.
        """
        if firmware not in box.GROUPS:
            raise ValueError(f"firmware {firmware!r}: there are {', '.join(box.GROUPS)}")
        self._serial, self._firmware = serial, firmware
        self._group = box.GROUPS[firmware]
        self._read, self._write = read, write
        self._supplies = {name: _Supply(axis) for name, axis in box.AXES.items()}
        self._grid = StepGrid()
        self._written: dict[str, float] = {}
        self._has_magnet = True
        self._commands = self._unknown = self._unmeant = 0
        self._ear: CommandObserver[str] = CommandObserver(self.tallies, str)

    @property
    def ports(self) -> Mapping[str, int]:
        """The port of its Ethernet connector."""
        return {"control": box.TCP_PORT}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        if port not in self.ports:
            raise KeyError(f"no port {port!r}, there is {', '.join(self.ports)}")
        return OxfordSession(self, box.END)

    def horizon(self, now_fs: int) -> Horizon:
        """Return that world time may leap up to the end of the first ramp."""
        ends = [one.ramp.end_fs for one in self._supplies.values() if one.ramp.moving(now_fs)]
        if not ends:
            return IDLE
        return Horizon(armed=False, busy_until_fs=min(ends), computing=False)

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return {"commands": self._commands, "unknown": self._unknown, "unmeant": self._unmeant}

    def tell(self, listener: CommandListener) -> None:
        """Report every line from now on; see :class:`.command_observer.ReportsCommands`."""
        self._ear.listener = listener

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on. ASSUMED: clamped, at 0 A, switches closed; these keep a field."""
        self.advance(now_fs)
        for supply in self._supplies.values():
            supply.power_on(now_fs)
        self._tell_currents(now_fs, now_fs)

    @property
    def acts(self) -> bool:
        """Tell whether a current has not arrived in a fridge that has a magnet."""
        return (
            self._has_magnet
            and self._write is not None
            and any(
                one.switch_on
                and one.ramp.target * one.axis.amperes_per_tesla
                != self._written.get(f"magnet.{one.axis.name}.current", 0.0)
                for one in self._supplies.values()
            )
        )

    def advance(self, now_fs: int) -> None:
        """Tell the fridge the currents of ramps, once a second up to ``now_fs``."""
        for at_fs in self._grid.due(now_fs):
            self._tell_currents(at_fs, now_fs)

    def _tell_currents(self, at_fs: int, now_fs: int) -> None:
        """Write what has changed; of a time that the fridge has passed, at ``now_fs``."""
        for supply in self._supplies.values():
            amperes = supply.field_t(at_fs) * supply.axis.amperes_per_tesla
            name = f"magnet.{supply.axis.name}.current"
            if (
                self._has_magnet
                and self._write is not None
                and amperes != self._written.get(name, 0.0)
            ):
                self._written[name] = amperes
                try:
                    self._write(name, amperes, at_fs)
                except ValueError:
                    self._write(name, amperes, now_fs)
                except KeyError:
                    self._has_magnet = False

    # --- lines ------------------------------------------------------------------------

    def answer(self, line: str, now_fs: int) -> str:
        """Return the answer to a line."""
        self.advance(now_fs)
        before = self._ear.begin()
        self._commands += 1
        said = self._said(line, now_fs)
        self._tell_currents(now_fs, now_fs)
        self._ear.end(before, line, said.endswith(f":{grammar.INVALID}"))
        return said

    def _said(self, line: str, now_fs: int) -> str:
        try:
            message = grammar.decode(line)
        except grammar.GrammarError:
            self._unknown += 1
            return f"STAT:{line}:{grammar.INVALID}"
        match message:
            case grammar.WhoAreYou():
                return f"IDN:{':'.join(box.IDENTITY)}:{self._serial}:{self._firmware}"
            case grammar.Read(noun):
                try:
                    return grammar.status(noun, self._get(noun.split(":"), now_fs))
                except Wrong:
                    return grammar.status(noun, grammar.INVALID)
            case grammar.Set(noun, value):
                verdict = grammar.VALID
                try:
                    self._put(noun.split(":"), value, now_fs)
                except Wrong:
                    verdict = grammar.INVALID
                return grammar.confirmation(noun, value, verdict)

    def _get(self, path: list[str], now_fs: int) -> str:
        match path:
            case ["DEV", board, "TEMP", "SIG", "TEMP"] if board in box.THERMOMETERS:
                if self._read is None:
                    return "0.0000K"  # ASSUMED: no sensor is connected
                stage = box.THERMOMETERS[board]
                return f"{self._read(f'temperature.{stage}', now_fs):.4f}K"
            case ["DEV", group, name, *signal] if group in self._supplies and name == self._group:
                return self._get_supply(self._supplies[group], ":".join(signal), now_fs)
        self._unknown += 1
        raise Wrong

    def _get_supply(self, supply: _Supply, signal: str, now_fs: int) -> str:
        per_t = supply.axis.amperes_per_tesla
        output_t, field_t = supply.output_t(now_fs), supply.field_t(now_fs)
        values = {
            "ACTN": supply.action(now_fs).value,
            "ATOB": f"{per_t:.4f}A/T",
            "SIG:SWHT": "ON" if supply.switch_on else "OFF",
            "SIG:VOLT": f"{self._volts(supply, now_fs):.4f}V",
            "SIG:CURR": f"{output_t * per_t:.4f}A",
            "SIG:FLD": f"{output_t:.6f}T",
            "SIG:PCUR": f"{field_t * per_t:.4f}A",
            "SIG:PFLD": f"{field_t:.6f}T",
            "SIG:CSET": f"{supply.target_t * per_t:.4f}A",
            "SIG:FSET": f"{supply.target_t:.6f}T",
            "SIG:RCST": f"{supply.rate_t_per_min * per_t:.4f}A/m",
            "SIG:RFST": f"{supply.rate_t_per_min:.6f}T/m",
        }
        if signal not in values:
            raise Wrong
        return values[signal]

    def _volts(self, supply: _Supply, now_fs: int) -> float:
        """Return the inductive voltage of a ramp. ASSUMED: 10 H in each coil."""
        if not supply.ramp.moving(now_fs) or not supply.switch_on:
            return 0.0
        sign = 1 if supply.ramp.target > supply.ramp.start else -1
        return sign * 10.0 * supply.ramp.per_s * supply.axis.amperes_per_tesla

    def _put(self, path: list[str], value: str, now_fs: int) -> None:
        match path:
            case ["DEV", group, name, *signal] if group in self._supplies and name == self._group:
                self._put_supply(self._supplies[group], ":".join(signal), value, now_fs)
            case _:
                self._unknown += 1
                raise Wrong

    def _put_supply(self, supply: _Supply, signal: str, value: str, now_fs: int) -> None:
        axis = supply.axis
        match signal:
            case "ACTN":
                if value not in list(Action):
                    raise Wrong
                supply.act(Action(value), now_fs)
            case "SIG:SWHT":
                if value not in ("ON", "OFF"):
                    raise Wrong
                supply.switch(value == "ON", now_fs)
            case "SIG:FSET":
                supply.target_t = _number(value, -axis.field_max_t, axis.field_max_t)
            case "SIG:CSET":
                most_a = axis.field_max_t * axis.amperes_per_tesla
                supply.target_t = _number(value, -most_a, most_a) / axis.amperes_per_tesla
            case "SIG:RFST":
                supply.change_rate(_number(value, 0.0, axis.rate_max_t_per_min), now_fs)
            case "SIG:RCST":
                most = axis.rate_max_t_per_min * axis.amperes_per_tesla
                rate = _number(value, 0.0, most) / axis.amperes_per_tesla
                supply.change_rate(rate, now_fs)
            case _:
                raise Wrong


def _number(value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        raise Wrong from None
    if not low <= number <= high:
        raise Wrong
    return number
