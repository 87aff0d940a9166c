"""What starts at a time behind data servers of Zurich Instruments."""

from collections.abc import Mapping, Sequence, Set

from podium.control.agent.start_wiring import StartWiring
from podium.control.agent.timed_families import marker_of, module_of
from podium.control.agent.zurich_targets import Cabled, pqscs_of, zurich_targets_of
from podium.control.compilers.artifact import Artifact
from podium.control.compilers.batching import in_batches
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.batches import MOST
from podium.control.compilers.zurich.batches import compile_in_batches as zurich_batches
from podium.control.compilers.zurich.compile import compile_together
from podium.control.compilers.zurich.loopback import marker_program
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.compilers.zurich.timed import (
    ANALYSERS,
    compile_timed,
    external_start,
    recorded,
    recorded_by,
)
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.program.batches import Batch, whole
from podium.control.program.program import Program
from podium.firmware_interfaces.zurich.limits import PQSC
from podium.firmware_interfaces.zurich.program import Start, ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack


class TimedZurich:
    """Data servers: by a trigger input of one instrument, or of a PQSC, which starts the others."""

    def __init__(self, facility: Facility) -> None:
        self._facility = facility
        self._targets = zurich_targets_of(facility)
        self._pqscs = pqscs_of(facility)

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        """By data server."""
        return {
            server: frozenset(port for one in targets for port in one.ports)
            for server, targets in self._targets.items()
        }

    def compile(self, program: Program, wiring: StartWiring) -> Artifact:
        """Return what plays it, and records its start."""
        ports = {frame.port for frame in program.frames}
        pqsc = self._pqsc(wiring)
        if pqsc is not None:
            return self._together(program, wiring, pqsc)
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
                f"{wiring.controller} starts; a trigger at a PQSC's input starts all that hang on "
                "its ZSync ports"
            )
        return compile_timed(program, target, _start(target.model, wiring))

    def batches(self, program: Program, wiring: StartWiring) -> list[Batch]:
        """Return the parts that it takes."""
        pqsc = self._pqsc(wiring)
        if pqsc is None:
            target = self._target(wiring)
            made = zurich_batches(program, target, _start(target.model, wiring))
            return [one.batch for one in made]
        everything = Batch(0, program.shots, whole(program))
        parts = in_batches(
            program, everything, lambda part: self._together(part, wiring, pqsc), MOST
        )
        return [batch for batch, _ in parts]

    def markers(
        self, outputs: Sequence[ConnectorRef], pulses: int, wiring: StartWiring
    ) -> Artifact:
        """Return what raises the marker outputs of signal generators."""
        channels: dict[str, list[int]] = {}
        for output in outputs:
            _, module = module_of(self._facility, output)
            device = output.channel.partition(".")[0]
            channels.setdefault(f"{wiring.controller}.{device}", []).append(
                marker_of(module, output).bit
            )
        pqsc = self._pqsc(wiring)
        if pqsc is None:
            target = self._target(wiring)
            start = _start(target.model, wiring)
            if away := sorted(channels.keys() - {target.instrument}):
                raise DoesNotFit(
                    f"markers of {', '.join(away)}: the trigger of {wiring.controller} starts "
                    f"{target.instrument}"
                )
            bits = channels[target.instrument]
            return recorded(marker_program(target.instrument, target.model, bits, pulses, start))
        start = _start(PQSC, wiring)
        targets = {one.instrument: one for one in self._targets[wiring.controller]}
        programs = [
            marker_program(name, targets[name].model, bits, pulses, start)
            for name, bits in channels.items()
        ]
        return self._rack("loopback markers", programs, wiring, pqsc)

    def tags(self, inputs: Sequence[ConnectorRef], pulses: int, wiring: StartWiring) -> Artifact:
        """Raise ``DoesNotFit``: they tag nothing."""
        raise DoesNotFit(f"{inputs[0]} is no channel of a time-tag module")

    def _together(self, program: Program, wiring: StartWiring, pqsc: Cabled) -> ZurichRack:
        """Return what all that take part play, begun by the PQSC."""
        ports = {frame.port for frame in program.frames}
        targets = [one for one in self._targets[wiring.controller] if ports & one.ports.keys()]
        programs = compile_together(program, targets, _start(PQSC, wiring))
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
                f"{name!r}: {', '.join(away)} hang on no ZSync port of {wiring.controller}."
                f"{pqsc.device}, which the trigger starts: say under 'zsync' of "
                f"{wiring.controller} on which"
            )
        ports = tuple(one for one in pqsc.ports if one.device in devices)
        return ZurichRack(name, made, pqsc.device, ports, _start(PQSC, wiring).source)

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
    return external_start(model, socket, wiring.offset_fs)
