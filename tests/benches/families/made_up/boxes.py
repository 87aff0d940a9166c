"""A family of controllers that nobody has: its entry, its compiler and its driver in one folder."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from math import prod

import numpy as np

from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import DriveWiring, Facility, FeedlineWiring
from podium.control.facility.timing import TriggerWiring
from podium.control.families.family import Parts
from podium.control.families.start_wiring import StartWiring
from podium.control.program.batches import Batch, whole
from podium.control.program.program import Capture, Program, walk
from podium.control.program.render import render
from podium.drivers.roles import Acquired, Identity
from podium.firmware_interfaces.compiled_program import ExternalTone, Quantised
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.instrument_model import (
    InstrumentModel,
    Range,
    RfInput,
    RfOutput,
)
from podium.firmware_interfaces.tai import Tai

BAND = Range(-500e6, 500e6, "Hz")
LO = Range(1e9, 9e9, "Hz")
LEVEL = Range(0, 30, "dB", step=1)


@dataclass(frozen=True, slots=True)
class MadeUpProgram:
    """What the box is given: a program as it is, which it plays by reading it."""

    program: Program
    duration_fs: int
    quantised: Sequence[Quantised] = ()
    tones: Mapping[str, ExternalTone] = field(default_factory=dict, hash=False)
    told_apart_shots: int = 0
    first_shot_fs: int = 0

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def listing(self) -> str:
        return repr(self.program)


class MadeUpFamily:
    """See :class:`.ControllerFamily`."""

    def __init__(self, facility: Facility) -> None:
        self._ports: dict[str, set[str]] = {
            name: set() for name, one in facility.instruments.items() if one.model == MODEL.name
        }
        for port, wiring in facility.wiring.items():
            if isinstance(wiring, DriveWiring | FeedlineWiring):
                self._ports.get(wiring.output.instrument, set()).add(port)
        for qubit in facility.qubits().values():
            for served in self._ports.values():
                if qubit.feedline in served:
                    served.add(qubit.readout_port)

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        return self._ports

    def compile(
        self, program: Program, controller: str, start: StartWiring | None
    ) -> MadeUpProgram:
        first = render(program, (0,) * len(program.axes))
        return MadeUpProgram(program, program.shots * first.duration_ns * FS_PER_NS)

    def batches(self, program: Program, controller: str, start: StartWiring | None) -> Parts:
        everything = Batch(0, program.shots, whole(program))
        return ((everything, self.compile(program, controller, start)),)

    def started_by(self, controller: str, trigger: TriggerWiring) -> StartWiring:
        raise ValueError(f"{controller} has no trigger input")

    def markers(
        self, outputs: Sequence[ConnectorRef], pulses: int, start: StartWiring
    ) -> MadeUpProgram:
        raise ValueError(f"{outputs[0]} raises no marker")

    def tags(
        self, inputs: Sequence[ConnectorRef], pulses: int, start: StartWiring
    ) -> MadeUpProgram:
        raise ValueError(f"{inputs[0]} tags nothing")

    def tags_at(self, entry: ConnectorRef) -> str:
        raise ValueError(f"{entry} tags nothing")


class MadeUpBox:
    """Its driver: plays nothing, and hears a volt at each point."""

    def __init__(self, name: str, host: str, ports: Mapping[str, int]) -> None:
        self.name = name

    def identity(self) -> Identity:
        return Identity("Nobody", "made up", "1", "0.1")

    def load(self, artifact: MadeUpProgram) -> None:
        self.program = artifact.program

    def arm(self) -> None: ...

    def start(self) -> None: ...

    def wait(self, duration_s: float) -> None: ...

    def collect(self) -> dict[str, Acquired]:
        shape = tuple(axis.count for axis in self.program.axes)
        ones = np.ones(shape)
        heard = [one.name for _, one in walk(self.program.body) if isinstance(one, Capture)]
        counts = np.full(shape, self.program.shots, np.int64)
        assert prod(shape) > 0
        return {name: Acquired(ones, 2 * ones, counts) for name in heard}

    def now(self) -> Tai:
        return Tai(1_800_000_000, 0)

    def snapshot(self) -> dict[str, object]:
        return {}

    def safe(self) -> None: ...

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


MODEL = InstrumentModel(
    name="made_up",
    vendor="Nobody",
    product="made up",
    address="host",
    ports={"control": 1},
    roles=("PulseSequencer", "Clock"),
    driver=f"{__name__}:MadeUpBox",
    twin="",
    family=f"{__name__}:MadeUpFamily",
    connectors=(
        RfOutput("drive", LO, BAND, LEVEL, "drive", 0.0),
        RfOutput("out", LO, BAND, LEVEL, "out", 0.0),
        RfInput("in", LO, BAND, LEVEL, "out"),
    ),
)
