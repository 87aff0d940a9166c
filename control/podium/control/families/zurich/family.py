"""Instruments of Zurich Instruments behind a data server: compiled for by
:mod:`podium.control.compilers.zurich`, started by their own trigger inputs or by a PQSC's."""

from collections.abc import Callable, Mapping, Sequence, Set

from podium.control.compilers.batching import in_batches
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.batches import MOST, compile_in_batches
from podium.control.compilers.zurich.compile import compile_program, compile_together
from podium.control.compilers.zurich.external_start import (
    ANALYSERS,
    compile_timed,
    external_start,
    recorded,
    recorded_by,
)
from podium.control.compilers.zurich.loopback import marker_program
from podium.control.compilers.zurich.precompensation import STEP_FS, latest_fs
from podium.control.compilers.zurich.prepared_program import PreparedProgram
from podium.control.compilers.zurich.recompilation import Recompiler
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import modules_of
from podium.control.facility.line_response import LineResponse
from podium.control.facility.timing import TriggerWiring
from podium.control.families.family import (
    ControllerFamily,
    FiredProgram,
    Parts,
    RecompiledProgram,
)
from podium.control.families.markers import marker_of, module_of
from podium.control.families.start_wiring import SIGMAS, StartWiring
from podium.control.families.zurich.targets import Cabled, pqscs_of, zurich_targets_of
from podium.control.program.batches import Batch, whole
from podium.control.program.program import Program, played_ports
from podium.firmware_interfaces.compiled_program import Artifact
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.limits import (
    PQSC,
    REGISTERS_OF_AN_INSTRUMENT,
    RESULT_PORTS,
    TRIGGER_INPUT_PERIOD_NS,
    TRIGGER_LATENCY_NS,
)
from podium.firmware_interfaces.zurich.program import Start, ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack

ORIGIN_WINDOW_FS = FS_PER_S
"""Within this, full width, the counter of an instrument that knows no time of day lies around TAI
before it is measured: it was told by whoever read both clocks over networks. ASSUMED."""
SYNTHESIZER_NS = 20
"""In whole steps of this the synthesizers of Zurich Instruments, multiples of 100 MHz, turn whole
turns, and sequencers whole cycles: phases are then the same in each run."""


class ZurichFamily:
    """The data servers of a facility. See :class:`.ControllerFamily`.

    At a time a trigger input of one instrument starts it, or one of a PQSC all that are connected
    to it.
    """

    def __init__(self, facility: Facility, lines: Mapping[str, LineResponse] | None = None) -> None:
        """``lines``: by flux port, what its line does to pulses, which is undone in samples."""
        self._facility = facility
        self._undoes = bool(lines)
        self._targets = zurich_targets_of(facility, lines or {})
        self._pqscs = pqscs_of(facility)
        self._recompiling = Recompiler()
        self._corrected: dict[tuple[tuple[str, LineResponse], ...], ZurichFamily] = {}

    def corrected(self, lines: Mapping[str, LineResponse]) -> "ZurichFamily":
        """Return a family that undoes these lines; the latest one is kept."""
        key = tuple(sorted(lines.items(), key=lambda one: one[0]))
        if key not in self._corrected:
            self._corrected = {key: ZurichFamily(self._facility, lines)}
        return self._corrected[key]

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        """By data server."""
        return {
            server: frozenset(port for one in targets for port in one.ports)
            for server, targets in self._targets.items()
        }

    @property
    def hold_step_fs(self) -> int:
        """See :class:`.CorrectsLines`."""
        return STEP_FS

    def filters_fs(self, program: Program, controller: str) -> int:
        """See :class:`.CorrectsLines`."""
        return latest_fs(self._targets[controller], played_ports(program))

    def compile(self, program: Program, controller: str, start: StartWiring | None) -> Artifact:
        """Return what plays ``program``; at once, little is compiled again."""
        if start is not None:
            return self._compile_timed(program, start)
        targets = self._taking_part(program, controller)
        pqsc = self._starter(targets, controller)
        if pqsc is None and self._undoes:  # amplitudes are not those of the program's parameters
            return compile_program(program, targets[0])
        if pqsc is None:
            return self._recompiling.compile(program, targets[0])
        return self._together(program, targets, pqsc)

    def prepare(self, program: Program, controller: str) -> FiredProgram:
        """Return ``program``, compiled for what starts at once."""
        targets = self._taking_part(program, controller)
        if self._undoes or self._starter(targets, controller) is not None:
            return RecompiledProgram(self, program, controller)
        return PreparedProgram(program, targets[0])

    def batches(self, program: Program, controller: str, start: StartWiring | None) -> Parts:
        """Return ``program`` in as many parts as it takes, with what plays each."""
        if start is not None:
            return self._timed_batches(program, start)
        targets = self._taking_part(program, controller)
        pqsc = self._starter(targets, controller)
        if pqsc is None:
            made = compile_in_batches(program, targets[0])
            return tuple((one.batch, one.artifact) for one in made)
        return _parts(program, lambda part: self._together(part, targets, pqsc))

    def started_by(self, controller: str, trigger: TriggerWiring) -> StartWiring:
        """Return how what is behind a data server is started at a time.

        Raises ``ValueError`` where the server's counter would be another instrument's.
        """
        devices = modules_of(self._facility.instruments[controller]) or {}
        first = next(iter(devices), None)
        if trigger.input.slot != first:
            raise ValueError(
                f"timing > triggers > {controller}: the trigger goes to {trigger.input}; the "
                "instrument that it starts has to be the first under devices, which is "
                f"dev{first}"
            )
        cable = trigger.delay
        # A PQSC samples as the others do. ASSUMED: it passes an edge on as fast as they begin.
        from_edge_ns = TRIGGER_INPUT_PERIOD_NS // 2 + TRIGGER_LATENCY_NS
        after_fs = cable.value_fs + from_edge_ns * FS_PER_NS
        return StartWiring(
            controller,
            trigger.output.instrument,
            trigger.output.socket,
            start_after_fs=after_fs,
            begins_after_fs=after_fs,
            resolution_fs=ORIGIN_WINDOW_FS + round(SIGMAS * cable.sigma_fs),
            grid_fs=SYNTHESIZER_NS * FS_PER_NS,
            input=trigger.input,
        )

    def markers(self, outputs: Sequence[ConnectorRef], pulses: int, start: StartWiring) -> Artifact:
        """Return what raises the marker outputs of signal generators."""
        channels: dict[str, list[int]] = {}
        for output in outputs:
            _, module = module_of(self._facility, output)
            device = output.channel.partition(".")[0]
            channels.setdefault(f"{start.controller}.{device}", []).append(
                marker_of(module, output).bit
            )
        pqsc = self._pqsc(start)
        if pqsc is None:
            target = self._target(start)
            begun = _start(target.model, start)
            if away := sorted(channels.keys() - {target.instrument}):
                raise DoesNotFit(
                    f"markers of {', '.join(away)}: the trigger of {start.controller} starts "
                    f"{target.instrument}"
                )
            bits = channels[target.instrument]
            return recorded(marker_program(target.instrument, target.model, bits, pulses, begun))
        begun = _start(PQSC, start)
        targets = {one.instrument: one for one in self._targets[start.controller]}
        programs = [
            marker_program(name, targets[name].model, bits, pulses, begun)
            for name, bits in channels.items()
        ]
        return self._rack("loopback markers", programs, start, pqsc)

    def tags(self, inputs: Sequence[ConnectorRef], pulses: int, start: StartWiring) -> Artifact:
        """Raise ``DoesNotFit``: they tag nothing."""
        raise DoesNotFit(f"{inputs[0]} is no channel of a time-tag module")

    def tags_at(self, entry: ConnectorRef) -> str:
        """Raise ``DoesNotFit``: they tag nothing."""
        raise DoesNotFit(f"{entry} is no channel of a time-tag module")

    # At once

    def _taking_part(self, program: Program, server: str) -> tuple[ZurichTarget, ...]:
        """Return the instruments that play or hear something of a program."""
        ports = played_ports(program)
        declared = {frame.port for frame in program.frames}
        return tuple(one for one in self._targets[server] if (ports or declared) & one.ports.keys())

    def _starter(self, targets: Sequence[ZurichTarget], server: str) -> Cabled | None:
        """Return who starts these instruments; None: the one there is has a trigger of its own.

        Raises :class:`DoesNotFit` where nobody would start them all.
        """
        if len(targets) == 1 and not targets[0].model.startswith("HDAWG"):
            return None
        names = ", ".join(one.instrument for one in targets)
        what = "on the instruments" if len(targets) > 1 else "on one that has no trigger of its own"
        pqsc = self._pqscs.get(server)
        if pqsc is None:
            raise DoesNotFit(
                f"its ports are {what}: {names}; nobody starts them: say under 'zsync' of {server} "
                "which are connected to its PQSC, or wire what plays together to one instrument"
            )
        cabled = {one.device for one in pqsc.ports}
        away = [one.instrument for one in targets if _device(one) not in cabled]
        if away:
            raise DoesNotFit(
                f"its ports are {what}: {names}; of these {', '.join(away)} are connected to no "
                f"ZSync port of {server}.{pqsc.device}: say under 'zsync' of {server} on which"
            )
        return pqsc

    def _together(
        self, program: Program, targets: Sequence[ZurichTarget], pqsc: Cabled
    ) -> ZurichRack:
        compiled = compile_together if self._undoes else self._recompiling.compile_together
        made = compiled(program, targets, Start(0, zsync=True))
        _check_forwarding(made, targets, pqsc)
        return _rack_of(program.name, made, pqsc)

    # At a time

    def _compile_timed(self, program: Program, wiring: StartWiring) -> Artifact:
        """Return what plays it, and records its start."""
        ports = {frame.port for frame in program.frames}
        pqsc = self._pqsc(wiring)
        if pqsc is not None:
            return self._timed_together(program, wiring, pqsc)
        target = self._target(wiring)
        elsewhere = {
            port
            for other in self._targets[wiring.controller]
            if other is not target
            for port in ports & other.ports.keys()
        }
        if elsewhere:
            raise DoesNotFit(
                f"{', '.join(sorted(elsewhere))}: not on {target.instrument}, which the trigger of "
                f"{wiring.controller} starts; a trigger at a PQSC's input starts all that are "
                "connected to its ZSync ports"
            )
        return compile_timed(program, target, _start(target.model, wiring))

    def _timed_batches(self, program: Program, wiring: StartWiring) -> Parts:
        pqsc = self._pqsc(wiring)
        if pqsc is None:
            target = self._target(wiring)
            made = compile_in_batches(program, target, _start(target.model, wiring))
            return tuple((one.batch, one.artifact) for one in made)
        return _parts(program, lambda part: self._timed_together(part, wiring, pqsc))

    def _timed_together(self, program: Program, wiring: StartWiring, pqsc: Cabled) -> ZurichRack:
        """Return what all that take part play, begun by the PQSC."""
        ports = {frame.port for frame in program.frames}
        targets = [one for one in self._targets[wiring.controller] if ports & one.ports.keys()]
        programs = compile_together(program, targets, _start(PQSC, wiring))
        _check_forwarding(programs, targets, pqsc)
        return self._rack(program.name, programs, wiring, pqsc)

    def _rack(
        self, name: str, programs: Sequence[ZurichProgram], wiring: StartWiring, pqsc: Cabled
    ) -> ZurichRack:
        """Return programs as one; raises :class:`DoesNotFit` where one hears no PQSC."""
        made = recorded_by(programs, self._recorder(wiring, pqsc))
        devices = {one.instrument.partition(".")[2] for one in made}
        cabled = {one.device for one in pqsc.ports}
        if away := sorted(devices - cabled):
            raise DoesNotFit(
                f"{name!r}: {', '.join(away)} are connected to no ZSync port of "
                f"{wiring.controller}.{pqsc.device}, which the trigger starts: say under 'zsync' "
                f"of {wiring.controller} on which"
            )
        return _rack_of(name, made, pqsc, _start(PQSC, wiring).source)

    def _recorder(self, wiring: StartWiring, pqsc: Cabled) -> ZurichTarget:
        """Return the instrument whose counter shows when all began: the first with an analyser."""
        for one in self._targets[wiring.controller]:
            if one.model in ANALYSERS:
                return one
        raise DoesNotFit(
            f"{wiring.controller}: none of its instruments has an analyser, and nothing else shows "
            f"when they began; hang an SHFQC or SHFQA on a ZSync port of {pqsc.device}"
        )

    def _pqsc(self, wiring: StartWiring) -> Cabled | None:
        """Return the PQSC where the trigger goes to it."""
        found = self._pqscs.get(wiring.controller)
        return found if found is not None and found.device == _place(wiring) else None

    def _target(self, wiring: StartWiring) -> ZurichTarget:
        """Return the instrument that the trigger starts; raises :class:`DoesNotFit`."""
        for one in self._targets[wiring.controller]:
            if one.instrument == f"{wiring.controller}.{_place(wiring)}" and one.model != PQSC:
                return one
        raise DoesNotFit(
            f"{wiring.controller}: {wiring.input} is no trigger input of an instrument that plays, "
            f"nor of a PQSC whose ports the file names under 'zsync' of {wiring.controller}"
        )


def _place(wiring: StartWiring) -> str:
    return "" if wiring.input is None else wiring.input.channel.partition(".")[0]


def _start(model: str, wiring: StartWiring) -> Start:
    socket = "" if wiring.input is None else wiring.input.socket
    return external_start(model, socket, wiring.offset_fs, wiring.filters_fs)


def _parts(program: Program, compiled: Callable[[Program], ZurichRack]) -> Parts:
    everything = Batch(0, program.shots, whole(program))
    return tuple(in_batches(program, everything, compiled, MOST))


def _rack_of(
    name: str, programs: tuple[ZurichProgram, ...], pqsc: Cabled, trigger: int | None = None
) -> ZurichRack:
    devices = {one.instrument.partition(".")[2] for one in programs}
    ports = tuple(one for one in pqsc.ports if one.device in devices)
    return ZurichRack(name, programs, pqsc.device, ports, trigger)


def _check_forwarding(
    programs: Sequence[ZurichProgram], targets: Sequence[ZurichTarget], pqsc: Cabled
) -> None:
    """Raise :class:`DoesNotFit` for results from an analyser at a port that takes none."""
    measured = {
        bit.register // REGISTERS_OF_AN_INSTRUMENT for one in programs for bit in one.forwarded
    }
    sources = {_device(t) for t in targets if t.model in ANALYSERS and t.analyser in measured}
    for one in pqsc.ports:
        if one.device in sources and one.port >= RESULT_PORTS:
            raise DoesNotFit(
                f"{one.device} measures what others act on, and is connected to ZSync port "
                f"{one.port} of {pqsc.device}, which takes results at its first {RESULT_PORTS} "
                f"ports: connect it to one of 0 to {RESULT_PORTS - 1}"
            )


def _device(target: ZurichTarget) -> str:
    return target.instrument.partition(".")[2]


_CONFORMS: Callable[[Facility], ControllerFamily] = ZurichFamily
"""For mypy: it is what the protocol asks for, made from what it says."""
