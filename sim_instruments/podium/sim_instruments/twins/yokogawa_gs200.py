"""Twin of the Yokogawa GS200 DC voltage and current source.

The level is an exact decimal on the grid of its range. A running program is
kept as "begun then" and its level evaluated in closed form.
"""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from podium.firmware_interfaces import yokogawa_gs200 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Real, Value
from podium.firmware_interfaces.ieee4882.program_message import Parameter, Word
from podium.firmware_interfaces.ieee4882.responses import engineering, quoted
from podium.firmware_interfaces.yokogawa_gs200 import Condition, SourceRange
from podium.sim_instruments.twins.faces.message_ports import VXI11, MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer
from podium.sim_instruments.twins.source_program import Run, Step
from podium.sim_instruments.twins.twin import IDLE, Horizon

FIRMWARE = "2.02"  # ASSUMED
LINE_FREQUENCY_HZ = 50


class YokogawaGS200(MessageTwin):
    """A GS200 without options: a level, an output relay and a program that ramps the level."""

    def __init__(self, serial: str) -> None:
        self._device = Device(
            Manners(f"{box.VENDOR},{box.MODEL},{serial},{FIRMWARE}", box.NO_OPTIONS),
            self._table(),
            reset=self._reset,
            busy=self._busy,
            summaries=self._summaries,
            clear=self._clear,
        )
        self._ports = MessagePorts(self._device.open, {"scpi": box.TCP_PORT}, VXI11)
        self._programs: dict[str, tuple[Step, ...]] = {}
        self._event_enable = 0
        self._events = Condition(0)
        self._reset(0)

    def level_v(self, now_fs: int) -> float:
        """Return the voltage at the terminals: 0 when the output is off.

        Sourcing current it is 0 too: the voltage would be the load's doing.
        """
        if not self._output or self._function != "VOLT":
            return 0.0
        return float(self._level if self._run is None else self._run.level(now_fs))

    def horizon(self, now_fs: int) -> Horizon:
        """Return when the running program ends, once somebody has asked how far it is.

        Until then its client may be busy with other boxes: time that leapt to its end would pass
        for them as well, and they would stand still in it.
        """
        end_fs = self._end_fs(now_fs)
        if end_fs is None or not self._asked_about:
            return IDLE
        return Horizon(armed=False, busy_until_fs=end_fs, computing=False)

    def _end_fs(self, now_fs: int) -> int | None:
        end_fs = None if self._run is None else self._run.end_fs
        return None if end_fs is None or end_fs <= now_fs else end_fs

    def _busy(self, now_fs: int) -> bool:
        """Tell whether a program runs, to somebody who waits for its end."""
        self._asked_about = True
        return self._end_fs(now_fs) is not None

    # --- state ------------------------------------------------------------------------

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on. ASSUMED: as after *RST; programs that were saved are kept."""
        self._device.power_on()
        self._events, self._event_enable = Condition(0), 0
        self._reset(now_fs)

    def _reset(self, now_fs: int) -> None:
        """Go to the settings of power-on and of *RST."""
        self._settings = Settings(
            {
                box.PROTECT_VOLTAGE: Decimal(30),
                box.PROTECT_CURRENT: Decimal("200E-3"),
                box.PROGRAM_REPEAT: False,
                box.PROGRAM_INTERVAL: Decimal("1.0"),
                box.PROGRAM_SLOPE: Decimal("0.0"),
                box.FOUR_WIRE: False,
                box.GUARD: False,
                box.BNC_OUT: "TRIG",  # ASSUMED
                box.BNC_IN: "TRIG",  # ASSUMED
                box.DISPLAY: True,
            }
        )
        self._output = False
        self._function = "VOLT"
        self._range = box.VOLTAGE_RANGES[3]  # ASSUMED: 10 V
        self._level = Decimal(0)
        self._program: tuple[Step, ...] = ()
        self._loaded = ""
        self._edited: list[Step] | None = None
        self._edit_range = self._range
        self._run: Run | None = None
        self._asked_about = False
        """Somebody has looked at the running program."""
        self._steps_reported = 0

    def _settle(self, now_fs: int) -> None:
        """Bring registers and level up to date with a program that went on in between."""
        self._asked_about = True
        run = self._run
        if run is None:
            return
        done = run.steps_done(now_fs)
        if done > self._steps_reported:
            self._events |= Condition.END_OF_STEP
            self._steps_reported = done
        if not run.repeat and done == len(run.steps):
            self._events |= Condition.END_OF_PROGRAM
            self._stop(now_fs)

    def _stop(self, now_fs: int) -> None:
        """Leave the program where it is: its level is the source's level from now on."""
        if self._run is not None:
            self._range = self._run.step(now_fs).source_range
            self._level = _on_grid(self._run.level(now_fs), self._range)
            self._run = None

    def _running(self, now_fs: int) -> bool:
        self._settle(now_fs)
        return self._run is not None and self._run.paused_fs is None

    def _refuse_while_running(self, now_fs: int) -> None:
        if self._running(now_fs):
            raise ScpiError(-221, "a program is running")  # ASSUMED: the code
        self._stop(now_fs)

    def _summaries(self, now_fs: int) -> int:
        self._settle(now_fs)
        return box.EXTENDED_EVENT_SUMMARY if self._events & self._event_enable else 0

    def _clear(self, now_fs: int) -> None:
        self._settle(now_fs)
        self._events = Condition(0)

    # --- the source -------------------------------------------------------------------

    def _set_output(self, call: Call) -> None:
        self._settle(call.now_fs)
        self._output = bool(call.values[0])
        if not self._output:
            self._stop(call.now_fs)  # ASSUMED: opening the relay ends a program

    def _set_function(self, call: Call) -> None:
        self._refuse_while_running(call.now_fs)
        function = str(call.values[0])
        if function != self._function:
            # ASSUMED: another quantity begins at 0 in its largest range, the relay opens
            self._function = function
            self._range = box.RANGES[function][-1]
            self._level = Decimal(0)
            self._output = False

    def _set_range(self, call: Call) -> None:
        ranges = box.RANGES[self._function]
        present = self._edit_range if self._edited is not None else self._range
        match call.values[0]:
            case Word("MIN" | "MINIMUM"):
                chosen = ranges[0]
            case Word("MAX" | "MAXIMUM"):
                chosen = ranges[-1]
            case Word("UP"):
                chosen = ranges[min(ranges.index(present) + 1, len(ranges) - 1)]
            case Word("DOWN"):
                chosen = ranges[max(ranges.index(present) - 1, 0)]
            case value:
                most = ranges[-1].full_scale
                magnitude = _number(value, Real(box.UNITS[self._function], -most, most))
                chosen = box.range_for(magnitude, self._function) or ranges[-1]
        if self._edited is not None:
            self._edit_range = chosen
            return
        self._refuse_while_running(call.now_fs)
        self._range = chosen
        # ASSUMED: a level that the new range cannot hold becomes the nearest that it can
        clipped = max(-chosen.limit, min(self._level, chosen.limit))
        self._level = _on_grid(clipped, chosen)

    def _set_level(self, call: Call) -> None:
        present = self._edit_range if self._edited is not None else self._range
        self._put_level(call, present)

    def _set_level_auto(self, call: Call) -> None:
        most = box.RANGES[self._function][-1]
        level = _number(call.values[0], self._level_kind(most))
        self._put_level(call, box.range_reaching(level, self._function) or most)

    def _put_level(self, call: Call, source_range: SourceRange) -> None:
        level = _number(call.values[0], self._level_kind(source_range))
        if self._edited is not None:  # manual 13-12: sets the step and goes on to the next
            if len(self._edited) == box.PROGRAM_STEPS_MAX:
                raise ScpiError(-223, f"a program has at most {box.PROGRAM_STEPS_MAX} steps")
            self._edit_range = source_range
            self._edited.append(Step(self._function, source_range, level))
            return
        self._refuse_while_running(call.now_fs)
        self._range = source_range
        self._level = level
        self._events |= Condition.SOURCE_CHANGED

    def _level_kind(self, source_range: SourceRange) -> Real:
        unit, limit = box.UNITS[self._function], source_range.limit
        return Real(unit, -limit, limit, source_range.resolution)

    def _ask_range(self, call: Call) -> str:
        self._settle(call.now_fs)
        ranges = box.RANGES[self._function]
        present = self._range if self._run is None else self._run.step(call.now_fs).source_range
        chosen = {"MIN": ranges[0], "MAX": ranges[-1]}.get(str(call.values[0]), present)
        return engineering(chosen.full_scale)

    def _ask_level(self, call: Call) -> str:
        self._settle(call.now_fs)
        present, level = self._range, self._level
        if self._run is not None:
            present = self._run.step(call.now_fs).source_range
            level = self._run.level(call.now_fs)
        extremes = {"MIN": -present.limit, "MAX": present.limit}
        return engineering(_on_grid(extremes.get(str(call.values[0]), level), present))

    def _ask_level_auto(self, call: Call) -> str:
        """Return the level, or of all ranges together the lowest or highest (manual 13-12)."""
        most = box.RANGES[self._function][-1]
        extremes = {"MIN": -most.limit, "MAX": most.limit}
        asked = extremes.get(str(call.values[0]))
        return self._ask_level(call) if asked is None else engineering(_on_grid(asked, most))

    # --- the program ------------------------------------------------------------------

    def _edit_start(self, call: Call) -> None:
        self._refuse_while_running(call.now_fs)
        self._edited = []
        self._edit_range = self._range

    def _edit_end(self, call: Call) -> None:
        if self._edited is None:
            raise ScpiError(-221, "no program is being edited")
        self._program = tuple(self._edited)
        self._edited = None

    def _start(self, call: Call) -> None:
        self._refuse_while_running(call.now_fs)
        if self._edited is not None:
            raise ScpiError(-221, "a program is being edited")
        if not self._program:
            raise ScpiError(-221, "there is no program")
        if not self._output:  # ASSUMED: the code; QCoDeS says that it is refused
            raise ScpiError(-221, "the output is off")
        if any(step.function != self._function for step in self._program):
            raise ScpiError(-221, "the program sources another quantity")  # ASSUMED
        self._run = Run(
            steps=self._program,
            first_level=self._level,
            slope_fs=_femtoseconds(self._settings.value(box.PROGRAM_SLOPE)),
            interval_fs=_femtoseconds(self._settings.value(box.PROGRAM_INTERVAL)),
            repeat=bool(self._settings.value(box.PROGRAM_REPEAT)),
            begun_fs=call.now_fs,
        )
        self._asked_about = False
        self._steps_reported = 0

    def _pause(self, call: Call) -> None:
        if not self._running(call.now_fs) or self._run is None:
            raise ScpiError(-221, "no program is running")  # ASSUMED: the code
        self._run = replace(self._run, paused_fs=call.now_fs)

    def _continue(self, call: Call) -> None:
        self._settle(call.now_fs)
        if self._run is None or self._run.paused_fs is None:
            raise ScpiError(-221, "no program is paused")  # ASSUMED: the code
        paused_for_fs = call.now_fs - self._run.paused_fs
        self._run = replace(self._run, begun_fs=self._run.begun_fs + paused_for_fs, paused_fs=None)

    def _hold(self, call: Call) -> None:
        (self._pause if self._running(call.now_fs) else self._continue)(call)

    def _save(self, call: Call) -> None:
        self._programs[str(call.values[0])] = self._program

    def _load(self, call: Call) -> None:
        self._refuse_while_running(call.now_fs)
        name = str(call.values[0])
        if name not in self._programs:
            raise ScpiError(-256, name)
        self._program, self._loaded = self._programs[name], name

    def _delete(self, call: Call) -> None:
        if self._programs.pop(str(call.values[0]), None) is None:
            raise ScpiError(-256, str(call.values[0]))

    def _ask_count(self, call: Call) -> str:
        self._settle(call.now_fs)
        match call.values[0]:
            case "MIN":
                return "1"
            case "MAX":
                return str(max(1, len(self._program)))
        done = 0 if self._run is None else self._run.steps_done(call.now_fs)
        return str(done % max(1, len(self._program)) + 1)

    # --- status -----------------------------------------------------------------------

    def _ask_condition(self, call: Call) -> str:
        """Return that of a box at rest: it is ready for a program at once, also for another."""
        return str(int(box.AT_REST))

    def _ask_event(self, call: Call) -> str:
        self._settle(call.now_fs)
        events, self._events = self._events, Condition(0)
        return str(int(events))

    def _enable_events(self, call: Call) -> None:
        self._event_enable = _whole(call.values[0])

    def _ask_error(self, call: Call) -> str:
        return error_answer(self._device.status.take_error(), with_detail=False)

    def _stored(self, command: Command, meant: bool = False) -> Bound:
        """Bind a command that sets a value and a query that reads it back."""
        return Bound(
            command,
            lambda call: self._settings.put(command, call.values),
            lambda call: self._settings.answer(command, call.values),
            meant,
        )

    def _table(self) -> tuple[Bound, ...]:
        return (
            Bound(box.OUTPUT, self._set_output, lambda call: str(int(self._output))),
            Bound(box.FUNCTION, self._set_function, lambda call: self._function),
            Bound(box.RANGE, self._set_range, self._ask_range),
            Bound(box.LEVEL, self._set_level, self._ask_level),
            Bound(box.LEVEL_AUTO, self._set_level_auto, self._ask_level_auto),
            self._stored(box.PROTECT_VOLTAGE),
            self._stored(box.PROTECT_CURRENT),
            self._stored(box.PROGRAM_REPEAT, meant=True),
            self._stored(box.PROGRAM_INTERVAL, meant=True),
            self._stored(box.PROGRAM_SLOPE, meant=True),
            Bound(box.PROGRAM_SAVE, self._save),
            Bound(box.PROGRAM_LOAD, self._load, lambda call: quoted(self._loaded)),
            Bound(box.PROGRAM_DELETE, self._delete),
            Bound(box.PROGRAM_RUN, self._start),
            Bound(box.PROGRAM_HOLD, self._hold),
            Bound(box.PROGRAM_PAUSE, self._pause),
            Bound(box.PROGRAM_CONTINUE, self._continue),
            Bound(box.PROGRAM_COUNT, lambda call: None, self._ask_count, meant=False),
            Bound(box.PROGRAM_EDIT_START, self._edit_start),
            Bound(box.PROGRAM_EDIT_END, self._edit_end),
            self._stored(box.FOUR_WIRE),
            self._stored(box.GUARD),
            self._stored(box.BNC_OUT),
            self._stored(box.BNC_IN),
            self._stored(box.DISPLAY),
            Bound(box.ERROR, answer=self._ask_error),
            Bound(box.STATUS_ERROR, answer=self._ask_error),
            Bound(box.LINE_FREQUENCY, answer=lambda call: str(LINE_FREQUENCY_HZ)),
            Bound(box.LOCAL, lambda call: None, meant=False),
            Bound(box.REMOTE, lambda call: None, meant=False),
            Bound(box.CONDITION, answer=self._ask_condition),
            Bound(box.EVENT, answer=self._ask_event),
            Bound(box.EVENT_ENABLE, self._enable_events, lambda call: str(self._event_enable)),
        )


def _on_grid(level: Decimal, source_range: SourceRange) -> Decimal:
    steps = (level / source_range.resolution).to_integral_value(ROUND_HALF_UP)
    return int(steps) * source_range.resolution  # all digits of the range, zeros too


def _femtoseconds(seconds: Value) -> int:
    if not isinstance(seconds, Decimal):
        raise TypeError(f"{seconds!r} is not a time")
    return int(seconds * FS_PER_S)


def _number(value: Value, kind: Real) -> Decimal:
    if not isinstance(value, Parameter):
        raise TypeError(f"{value!r} is not a parameter of a message")
    return kind.take(value)


def _whole(value: Value) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value
