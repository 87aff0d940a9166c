"""Twin of the Oxford Mercury iPS with a vector magnet.

Each axis ramps its current in closed form, on its own. With its switch heater on, the magnet
follows; with it off, it keeps what it had. A switch is not opened onto a current that is not the
magnet's, and opens and closes a while after its heater is switched. What is wrong is answered as
the manual's 10.3.6 has it: behind the term that is not understood.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from podium.firmware_interfaces import oxford_grammar as grammar
from podium.firmware_interfaces import oxford_mercury_ips as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.oxford_mercury_ips import Action, Axis
from podium.sim_instruments.twins.heater_loop import Setpoint, StepGrid, Write
from podium.sim_instruments.twins.oxford_session import OxfordSession
from podium.sim_instruments.twins.plain_twin import PlainTwin
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session

RATE_T_PER_MIN = 0.1
"""At power-on. ASSUMED."""
MATCHED_T = 1e-4
"""How near a current has to be to the magnet's for the switch to open. ASSUMED."""


SET_POINT_MAX_K = 2000.0
"""Of a temperature (10.3.5: 0 to 2000)."""
TAI_MINUS_UTC_S = 37  # since 2017-01-01, IERS Bulletin C


class Wrong(ValueError):
    """There is no such signal, or it does not take that value."""

    def __init__(self, terms: int | None = None, verdict: str = grammar.INVALID) -> None:
        """``terms``: so many of the noun, from its first, were read until one was wrong."""
        super().__init__(verdict)
        self.terms, self.verdict = terms, verdict


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
        self.open = True
        """Whether the switch is open, as far as :meth:`settle` has looked."""
        self.acts_fs: int | None = None
        """The switch opens or closes then, as its heater is on or off."""
        self._moving_to: Action = Action.HOLD
        self.ramp = Setpoint(0.0, 0.0, 0, 0.0)

    def output_t(self, now_fs: int) -> float:
        """Return the supply's current as a field."""
        return self.ramp.at(now_fs)

    def settle(self, now_fs: int) -> None:
        """Let the switch open or close, if it does until now. To be done before anything changes.

        Closing it keeps the current of that moment.
        """
        if self.acts_fs is None or now_fs < self.acts_fs:
            return
        if self.open and not self.switch_on:
            self.kept_t = self.output_t(self.acts_fs)
        self.open, self.acts_fs = self.switch_on, None

    def field_t(self, now_fs: int) -> float:
        """Return the field of the magnet."""
        self.settle(now_fs)
        return self.output_t(now_fs) if self.open else self.kept_t

    def action(self, now_fs: int) -> Action:
        """Return what it does: a ramp that has arrived is a hold."""
        if self.clamped:
            return Action.CLAMP
        return self._moving_to if self.ramp.moving(now_fs) else Action.HOLD

    def act(self, action: Action, now_fs: int) -> None:
        """Begin to hold, to ramp, or to clamp; raises :class:`Wrong`."""
        self.settle(now_fs)
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
        self.settle(now_fs)
        self.kept_t = 0.0 if self.open else self.kept_t
        self.switch_on, self.clamped, self.open, self.acts_fs = False, True, False, None
        self.target_t, self.rate_t_per_min = 0.0, RATE_T_PER_MIN
        self.ramp = Setpoint(0.0, 0.0, now_fs, 0.0)

    def switch(self, on: bool, now_fs: int) -> None:
        """Heat or cool the switch; raises :class:`Wrong` onto a current unlike the magnet's."""
        self.settle(now_fs)
        if on and not self.open and abs(self.output_t(now_fs) - self.kept_t) > MATCHED_T:
            raise Wrong
        if on != self.switch_on:
            self.acts_fs = now_fs + round(box.SWITCH_S * FS_PER_S)
        self.switch_on = on


class OxfordMercuryIps(PlainTwin):
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
        super().__init__({"control": box.TCP_PORT}, str)
        if firmware not in box.GROUPS:
            raise ValueError(f"firmware {firmware!r}: there are {', '.join(box.GROUPS)}")
        self._serial, self._firmware = serial, firmware
        self._group = box.GROUPS[firmware]
        self._read, self._write = read, write
        self._supplies = {name: _Supply(axis) for name, axis in box.AXES.items()}
        self._set_points = dict.fromkeys(box.THERMOMETERS, 0.0)
        self._grid = StepGrid()
        self._written: dict[str, float] = {}
        self._has_magnet = True

    def _session(self) -> Session:
        return OxfordSession(self, box.END, box.LINE_MAX)

    def horizon(self, now_fs: int) -> Horizon:
        """Return that world time may leap up to the end of the first ramp, or of a switch's act."""
        supplies = self._supplies.values()
        ends = [one.ramp.end_fs for one in supplies if one.ramp.moving(now_fs)]
        acts = (one.acts_fs for one in supplies if one.acts_fs is not None)
        ends += [at_fs for at_fs in acts if at_fs > now_fs]
        if not ends:
            return IDLE
        return Horizon(armed=False, busy_until_fs=min(ends), computing=False)

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
                one.acts_fs is not None
                or (
                    one.open
                    and one.ramp.target * one.axis.amperes_per_tesla
                    != self._written.get(f"magnet.{one.axis.name}.current", 0.0)
                )
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
        wrong = (grammar.INVALID, grammar.NOT_FOUND, grammar.NOT_APPLICABLE)
        self._ear.end(before, line, said.endswith(tuple(f":{word}" for word in wrong)))
        return said

    def _said(self, line: str, now_fs: int) -> str:
        try:
            message = grammar.decode(line, any_case=False)
        except grammar.GrammarError:
            self._unknown += 1
            verb = line.partition(":")[0]
            return f"{verb}:{grammar.INVALID}"  # 10.3.6: <VERB>:INVALID
        match message:
            case grammar.WhoAreYou():
                return f"IDN:{':'.join(box.IDENTITY)}:{self._serial}:{self._firmware}"
            case grammar.Read(noun):
                path = noun.split(":")
                try:
                    return grammar.status(noun, self._get(path, now_fs))
                except Wrong as wrong:
                    return grammar.status(":".join(path[: wrong.terms]), wrong.verdict)
            case grammar.Set(noun, value):
                verdict = grammar.VALID
                try:
                    self._put(noun.split(":"), value, now_fs)
                except Wrong as wrong:
                    verdict = wrong.verdict
                return grammar.confirmation(noun, value, verdict)

    def _get(self, path: list[str], now_fs: int) -> str:
        match path:
            case ["SYS", *signal]:
                return self._system(":".join(signal), now_fs)
            case ["DEV", board, "TEMP", "SIG", "TEMP"] if board in box.THERMOMETERS:
                if self._read is None:
                    return "0.0000K"  # ASSUMED: no sensor is connected
                stage = box.THERMOMETERS[board]
                return f"{self._read(f'temperature.{stage}', now_fs):.4f}K"
            case ["DEV", board, "TEMP", "TSET"] if board in box.THERMOMETERS:
                return f"{self._set_points[board]:.4f}K"
            case ["DEV", group, name, *signal] if group in self._supplies and name == self._group:
                return self._get_supply(self._supplies[group], ":".join(signal), now_fs)
        raise self._fault(path)

    def _system(self, signal: str, now_fs: int) -> str:
        """Return what the box says of itself; its clock is set to UTC. ASSUMED."""
        seconds = now_fs // FS_PER_S - TAI_MINUS_UTC_S
        devices = [f"DEV:{group}:{self._group}" for group in self._supplies]
        devices += [f"DEV:{board}:TEMP" for board in box.THERMOMETERS]
        day = datetime.fromtimestamp(seconds, UTC)
        values = {
            "TIME": f"{day:%H:%M:%S}",
            "DATE": f"{day:%Y:%m:%d}",
            "CAT": ":".join(devices),
            "MAN:SERL": self._serial,
            "MAN:FVER": self._firmware,
        }
        if signal not in values:
            raise self._fault(["SYS", *signal.split(":")])
        return values[signal]

    def _fault(self, path: list[str]) -> Wrong:
        """Return what is wrong with a noun that leads nowhere (10.3.1, 10.3.6).

        ASSUMED: NOT_FOUND and N/A stand where INVALID does, behind the term.
        """
        self._unknown += 1
        if path[0] not in ("SYS", "DEV"):
            return Wrong(1)
        known = {*self._supplies, *box.THERMOMETERS}
        if path[0] == "DEV" and len(path) > 1 and path[1] not in known:
            return Wrong(2, grammar.NOT_FOUND)
        kind = "TEMP" if path[1:2] and path[1] in box.THERMOMETERS else self._group
        if path[0] == "DEV" and len(path) > 2 and path[2] != kind:
            other = path[2] in ("TEMP", self._group)
            return Wrong(3, grammar.NOT_APPLICABLE if other else grammar.INVALID)
        first = 1 if path[0] == "SYS" else 3
        long = [n for n, word in enumerate(path[first:], first) if len(word) > box.KEYWORD_MAX]
        return Wrong(long[0] + 1 if long else None)

    def _get_supply(self, supply: _Supply, signal: str, now_fs: int) -> str:
        per_t = supply.axis.amperes_per_tesla
        output_t, field_t = supply.output_t(now_fs), supply.field_t(now_fs)
        limit_a = supply.axis.field_max_t * per_t
        values = {
            "CLIM": f"{limit_a:.4f}A",
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
            raise self._fault(["DEV", self._group_of(supply), self._group, *signal.split(":")])
        return values[signal]

    def _group_of(self, supply: _Supply) -> str:
        return next(group for group, one in self._supplies.items() if one is supply)

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
            case ["DEV", board, "TEMP", "TSET"] if board in box.THERMOMETERS:
                self._unmeant += 1  # there is no heater
                self._set_points[board] = _number(value, 0.0, SET_POINT_MAX_K)
            case _:
                self._get(path, now_fs)  # its own verdict, if there is no such noun
                raise Wrong  # 10.3.4: to set what is read-only is invalid

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
                self._get_supply(supply, signal, now_fs)
                raise Wrong


def _number(value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        raise Wrong from None
    if not low <= number <= high:
        raise Wrong
    return number
