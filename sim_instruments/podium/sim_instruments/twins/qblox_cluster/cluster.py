"""The twin of a Qblox cluster: its CMM, its modules, its clock, its connections."""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.command_table import (
    COMMANDS,
    CommandMatch,
    Reply,
    Socket,
    look_up,
)
from podium.firmware_interfaces.qblox_cluster.framing import (
    END_OF_REPLY,
    Command,
    CommandSplitter,
    MalformedLine,
)
from podium.firmware_interfaces.qblox_cluster.identity import MODULE_MODELS, NEWEST, RELEASES
from podium.sim_instruments.execution.breakpoints import Breakpoint, Halted
from podium.sim_instruments.execution.playback import Playback
from podium.sim_instruments.execution.processor_watch import stops_at
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.physics.signals import RunSignals
from podium.sim_instruments.twins.command_observer import (
    CommandListener,
    CommandObserver,
    cluster_words,
)
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import (
    SUBS_PER_TICK,
    ClusterClock,
    IdealClock,
)
from podium.sim_instruments.twins.qblox_cluster.commands.cluster_commands import (
    cmm_handlers,
    linq_handlers,
    run_handlers,
    timed_module_handlers,
)
from podium.sim_instruments.twins.qblox_cluster.commands.dispatch import Request
from podium.sim_instruments.twins.qblox_cluster.commands.module_commands import module_handlers
from podium.sim_instruments.twins.qblox_cluster.management import Management
from podium.sim_instruments.twins.qblox_cluster.module import Module
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import PERFECT, Mixer
from podium.sim_instruments.twins.qblox_cluster.processor.linq import CMM_SLOT
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.processor.q1_watch import WORDS, SeenProcessor
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    SUFFIX_OUT_OF_RANGE,
    SYNTAX_ERROR,
    UNDEFINED_HEADER,
    ErrorQueue,
    Refusal,
)
from podium.sim_instruments.twins.qblox_cluster.runs.runs import Runs
from podium.sim_instruments.twins.qblox_cluster.time_tagging.time_tag_collection import (
    TimeTagCollector,
)
from podium.sim_instruments.twins.qblox_cluster.timekeeping import CMM, TRIGGER_INPUT
from podium.sim_instruments.twins.trigger_line import TriggerSink
from podium.sim_instruments.twins.twin import Horizon

_CMM = cmm_handlers().by_header
_MODULE = module_handlers().by_header
_RUN = run_handlers().by_header
_TIMED = timed_module_handlers().by_header
_LINQ = linq_handlers().by_header

_ROUTERS = frozenset(header for header in _LINQ if header.startswith("ROUter"))
"""Of these the CMM has its own, addressed as slot 0."""

_SETTINGS = frozenset(entry.header for entry in COMMANDS if not entry.header.endswith("?"))

PULSE_FS = 100 * FS_PER_NS
"""ASSUMED: how long a pulse is that arrives at an input from outside."""

_SEQUENCER = re.compile(r"slot(\d{1,2})\.seq(?:uencer)?(\d{1,2})")
_SLOT = re.compile(r"SLOT(\d{1,4}):", re.IGNORECASE)


def meant_headers() -> frozenset[str]:
    """Return the headers of the command table that mean something in the simulation."""
    return frozenset({*_CMM, *_MODULE, *_RUN, *_TIMED, *_LINQ})


def _reads_back(found: CommandMatch) -> bool:
    """Return whether ``found`` asks for what can be set, which is kept."""
    name, question, _ = found.entry.header.partition("?")
    return bool(question) and name in _SETTINGS


class ClusterTwin:
    """A Qblox cluster as seen from its sockets: one for the CMM, one for each module.

    ``modules`` names the type of the module in each slot (``{2: "QRM-RF"}``); KeyError for
    a type that is not emulated, ValueError for a slot that does not exist. ``clock`` is the
    cluster's own, ``lines`` the digital cables at its connectors (none by default),
    ``mixers`` what is wrong behind RF outputs, by connector (``slot4.out0``): perfect by default.
    ``firmware`` is a release of :data:`.identity.RELEASES`: it knows no command, and no
    instruction, that came later; ValueError for one that is not there.
    """

    kernels = "qblox_cluster"
    """Family of the kernels that its programs execute."""
    ports: Mapping[str, int] = {"scpi": 5025, "module_scpi_base": 25000}
    """A module's socket is at the base plus its slot."""

    def __init__(
        self,
        modules: Mapping[int, str],
        serial: str,
        playback: Playback,
        clock: ClusterClock | None = None,
        lines: LinesEnd | None = None,
        mixers: Mapping[str, Mixer] | None = None,
        firmware: str = NEWEST.name,
    ) -> None:
        for slot in modules:
            if not 1 <= slot <= limits.SLOTS:
                raise ValueError(f"slot {slot} does not exist, a cluster has 1-{limits.SLOTS}")
        if firmware not in RELEASES:
            raise ValueError(f"no firmware {firmware!r} is known, there are {', '.join(RELEASES)}")
        self.release = RELEASES[firmware]
        self._later = frozenset(list(RELEASES)[list(RELEASES).index(firmware) + 1 :])
        self.serial = serial
        self.lines = lines or LinesEnd(DigitalLines(), "cluster")
        self.modules = {
            slot: Module(MODULE_MODELS[name], slot, serial, playback, self.lines, self.release)
            for slot, name in sorted(modules.items())
        }
        for slot, module in self.modules.items():
            module.mixers = tuple(
                (mixers or {}).get(f"slot{slot}.out{n}", PERFECT) for n in range(len(module.mixers))
            )
        self.clock = clock or IdealClock(serial)
        self.management = Management(
            serial, {s: m.model for s, m in self.modules.items()}, self.clock, self.release
        )
        self.runs = Runs(
            playback,
            lambda: tuple(self.modules.values()),
            self.clock,
            self.management,
            self.lines,
            TimeTagCollector(self.lines, self.clock, serial),
        )
        self.lines.watch(self._settle)
        self._awaited_until_fs = 0
        """When a calibration ends that a command waits for: another module may begin its own."""
        self._tallies = {"commands": 0, "unknown": 0, "unmeant": 0}
        self._ear: CommandObserver[Command] = CommandObserver(lambda: self._tallies, cluster_words)

    def open(self, port: str) -> "ClusterSession":
        """Return a connection to the CMM (``scpi``) or to a module (``slot2``)."""
        if port == "scpi":
            return ClusterSession(self, None)
        slot = int(port.removeprefix("slot")) if re.fullmatch(r"slot\d+", port) else -1
        if slot not in self.modules:
            known = ", ".join(["scpi", *(f"slot{s}" for s in self.modules)])
            raise KeyError(f"no port {port!r} at this cluster, it has {known}")
        return ClusterSession(self, self.modules[slot])

    def stop_at(self, sequencer: str, breakpoints: Sequence[Breakpoint], halted: Halted) -> str:
        """Stop a sequencer (``slot2.seq0``) at lines and conditions; see :class:`.StopsPrograms`.

        It is stopped from its next start on.
        """
        found = _SEQUENCER.fullmatch(sequencer)
        module = self.modules.get(int(found[1])) if found else None
        if found is None or module is None or int(found[2]) >= len(module.sequencers):
            slots = ", ".join(f"slot{slot}" for slot in self.modules)
            raise ValueError(f"{sequencer!r} is no sequencer like slot2.seq0; there are {slots}")
        name = f"slot{module.slot}.seq{int(found[2])}"

        def stands(seen: SeenProcessor) -> bool:
            return halted(name, seen.told)

        module.sequencers[int(found[2])].stops = stops_at(breakpoints, WORDS, stands)
        return name

    def signals_until_now(self, sequencer: str) -> tuple[RunSignals, int] | None:
        """Return what a run plays until a sequencer of it stands at a breakpoint, and when that is.

        The time is in ns of the run. None: it stands at none, or the run depends on measurements.
        """
        slot, number = sequencer.removeprefix("slot").split(".seq")
        one = self.modules[int(slot)].sequencers[int(number)]
        execution = self.runs.execution_of(one)
        seen = None if one.stops is None else one.stops.standing
        if execution is None or seen is None:
            return None
        triggers = [Trigger(at_ns, address) for at_ns, address in seen.triggers.T.tolist()]
        at_ns = seen.time_ns
        signals = execution.signals_until(at_ns, triggers)
        return None if signals is None else (signals, at_ns)

    def horizon(self, now_fs: int) -> Horizon:
        """Return how far world time may leap as far as this cluster is concerned."""
        self._settle(now_fs)
        horizon = self.runs.horizon(now_fs)
        modules = self.modules.values()
        if any(module.assembler.busy for module in modules):
            return replace(horizon, computing=True)
        until_fs = self._awaited_until_fs
        if until_fs > now_fs:
            ends = [until_fs, *([] if (end_fs := horizon.busy_until_fs) is None else [end_fs])]
            return replace(horizon, busy_until_fs=max(ends))
        return horizon

    def edge(self, at_fs: int) -> None:
        """Let a rising edge arrive at the trigger input; see :class:`.TriggerSink`."""
        self.management.network.edge(at_fs)
        self.runs.expect(at_fs)

    def lost(self, at_fs: int) -> None:
        """Take back an edge at the trigger input that will not come."""
        self.management.network.lost(at_fs)

    def input(self, connector: str) -> TriggerSink:
        """Return the trigger input (``trigger``) or an input of a QTM (``slot10.io3``).

        KeyError where there is none of that name.
        """
        if connector == "trigger":
            return self
        slot, _, channel = connector.partition(".")
        module = self.modules.get(int(slot[4:])) if re.fullmatch(r"slot\d+", slot) else None
        if module is None or channel not in {f"io{n}" for n in range(module.model.channels)}:
            raise KeyError(f"no digital input {connector!r} at this cluster")
        return ChannelInput(self.lines, connector)

    def _settle(self, now_fs: int) -> None:
        for edge in self.management.network.take(now_fs):
            at_fs = self.clock.to_world(edge.tick)
            self.management.time.event(
                CMM, TRIGGER_INPUT, at_fs, edge.tick * SUBS_PER_TICK, rising=True
            )
            if edge.arrival_tick is not None:
                self.runs.trigger(edge.arrival_tick, edge.address)
        self.runs.settle(now_fs)
        if (ahead_fs := self.management.network.ahead_fs()) is not None:
            self.runs.expect(ahead_fs)
        for module in self.modules.values():
            module.assembler.settle(module.errors)

    def must_wait(self, module: Module | None, command: Command, now_fs: int) -> bool:
        """Tell whether a command must wait until its module has assembled or calibrated."""
        if module is None:
            slot = _SLOT.match(command.header)
            module = self.modules.get(int(slot[1])) if slot is not None else None
        if module is None:
            return False
        if module.assembler.busy:
            return True
        calibrates = now_fs < module.calibrates_until_fs
        if calibrates:
            self._awaited_until_fs = module.calibrates_until_fs
        return calibrates

    def levels_v(self) -> dict[str, float]:
        """Return the static level of every baseband output, by connector (``slot6.out2``)."""
        return {
            f"slot{slot}.{output}": volts
            for slot, module in self.modules.items()
            for output, volts in module.levels_v().items()
        }

    def tallies(self) -> dict[str, int]:
        """Return how many commands came, how many were unknown, how many mean nothing."""
        return dict(self._tallies)

    def tell(self, listener: CommandListener) -> None:
        """Tell of every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self._ear.listener = listener

    def reset(self, now_fs: int) -> None:
        """Return the whole cluster to the state after power-on, error queues excepted."""
        self.runs.reset(now_fs)
        self.management.reset()
        for module in self.modules.values():
            module.let_fall(now_fs)
            module.reset()

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on, at once (ASSUMED: a real one takes minutes)."""
        self._settle(now_fs)
        self.reset(now_fs)
        self.management.power_on(now_fs)
        for module in self.modules.values():
            module.errors.clear()

    def execute(self, module: Module | None, command: Command, now_fs: int) -> bytes:
        """Carry one command out on a module, or on the CMM, and return the reply."""
        before = self._ear.begin()
        self._tallies["commands"] += 1
        self._settle(now_fs)
        refused = False
        errors = self.management.errors if module is None else module.errors
        try:
            return self._route(module, command, now_fs)
        except Refusal as refusal:
            errors.put(refusal)
            refused = True
        finally:
            self._ear.end(before, command, refused)
        # The client reads an empty line as "ask the error queue".
        found = look_up(_SLOT.sub("", command.header, count=1))
        expected = command.is_query or (
            found is not None and found.entry.reply is not Reply.NOTHING
        )
        return END_OF_REPLY if expected else b""

    def _route(self, module: Module | None, command: Command, now_fs: int) -> bytes:
        header, routed = command.header, module
        slot = _SLOT.match(header) if module is None else None
        if slot is not None:
            header = header[slot.end() :]
            routed = self.modules.get(int(slot[1]))
            found = look_up(header)
            if int(slot[1]) == CMM_SLOT and found is not None and found.entry.header in _ROUTERS:
                request = Request(found, command, now_fs)
                return _LINQ[found.entry.header]((self.management, CMM_SLOT), request)
            if routed is None:
                raise Refusal(SUFFIX_OUT_OF_RANGE, f"Module in slot {slot[1]} is not available")
        found = look_up(header)
        wrong = Socket.MODULE if routed is None else Socket.CMM
        if found is None or found.entry.socket is wrong or found.entry.since in self._later:
            self._tallies["unknown"] += 1
            raise Refusal(UNDEFINED_HEADER, f"Undefined header;{command.header}")
        request = Request(found, command, now_fs)
        if routed is None:
            return self._on_cmm(found, request)
        return self._on_module(routed, found, request)

    def _on_cmm(self, found: CommandMatch, request: Request) -> bytes:
        if found.entry.header == "*RST":
            self.reset(request.now_fs)
            return b""
        handler = _CMM.get(found.entry.header)
        if handler is not None:
            return handler(self.management, request)
        self._tallies["unmeant"] += not _reads_back(found)
        return self.management.kept.handle(found, request.command)

    def _on_module(self, module: Module, found: CommandMatch, request: Request) -> bytes:
        header = found.entry.header
        if header in ("*RST", "RST"):
            self.runs.stop(module.sequencers, request.now_fs)
            module.let_fall(request.now_fs)
            module.reset()
            self.runs.reconfigured(request.now_fs)
            return b""
        run_handler = _RUN.get(header)
        if run_handler is not None:
            return run_handler((self.runs, module), request)
        timed_handler = _TIMED.get(header)
        if timed_handler is not None:
            return timed_handler((self.management, module), request)
        linq_handler = _LINQ.get(header)
        if linq_handler is not None:
            return linq_handler((self.management, module.slot), request)
        handler = _MODULE.get(header)
        if handler is not None:
            answer = handler(module, request)
            if header == "SEQuencer#:CONFiguration":
                self.runs.reconfigured(request.now_fs)
            return answer
        self._tallies["unmeant"] += not _reads_back(found)
        return module.kept.handle(found, request.command)


@dataclass(frozen=True, slots=True)
class ChannelInput:
    """An input of a QTM, as something outside the laboratory's cables reaches it."""

    lines: LinesEnd
    connector: str

    def edge(self, at_fs: int) -> None:
        """Let a rising edge arrive."""
        self.lines.arrive(self.connector, at_fs)
        self.lines.arrive(self.connector, at_fs + PULSE_FS, rising=False)

    def lost(self, at_fs: int) -> None:
        """Take back an edge that will not come."""
        self.lines.take_back(self.connector, at_fs)
        self.lines.take_back(self.connector, at_fs + PULSE_FS, rising=False)


class ClusterSession:
    """One connection to a cluster: the CMM's when ``module`` is None."""

    def __init__(self, twin: ClusterTwin, module: Module | None) -> None:
        self._twin = twin
        self._module = module
        self._splitter = CommandSplitter()
        self._waiting: deque[Command | MalformedLine] = deque()

    @property
    def _errors(self) -> ErrorQueue:
        return self._twin.management.errors if self._module is None else self._module.errors

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take ``data`` as received at ``now_fs`` and return the replies that are due."""
        replies: list[bytes] = []
        self._waiting += self._splitter.feed(data)
        while self._waiting:
            match self._waiting[0]:
                case Command() as command:
                    if self._twin.must_wait(self._module, command, now_fs):
                        break
                    replies.append(self._twin.execute(self._module, command, now_fs))
                case MalformedLine(reason):
                    self._errors.put(Refusal(SYNTAX_ERROR, f"Syntax error;{reason}"))
            self._waiting.popleft()
        return b"".join(replies)
