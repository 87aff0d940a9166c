"""From the facility's wiring to what the compiler for Zurich Instruments must know."""

from collections.abc import Mapping
from typing import cast

from podium.control.compilers.artifact import Artifact
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.batches import compile_in_batches
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.target import (
    Channel,
    DriveChannel,
    Model,
    ReadoutChannel,
    ZurichTarget,
)
from podium.control.facility.facility import (
    ConnectorRef,
    DriveWiring,
    Facility,
    FeedlineWiring,
    Wiring,
)
from podium.control.facility.models_of import modules_of
from podium.control.program.batches import Batch
from podium.control.program.program import Program
from podium.firmware_interfaces.zurich.awg_limits import READOUT_SLOTS, READOUT_SLOTS_16W
from podium.firmware_interfaces.zurich.limits import (
    INPUT_RANGE_MIN_DBM,
    LONG_READOUT,
    MORE_SLOTS,
    OUTPUT_RANGE_MAX_DBM,
)

ZURICH = "zurich"
"""The model that this compiler serves: a data server with its instruments."""


class ZurichCompiler:
    """Compiles for the instruments behind the data servers of a facility."""

    def __init__(self, facility: Facility) -> None:
        self._targets = zurich_targets_of(facility)

    @property
    def ports(self) -> Mapping[str, frozenset[str]]:
        """By data server: the ports that its instruments serve."""
        return {
            server: frozenset(port for one in targets for port in one.ports)
            for server, targets in self._targets.items()
        }

    def compile(self, program: Program, controller: str) -> Artifact:
        """Return what plays ``program`` there; raises as the compiler does."""
        return compile_program(program, self._target(program, controller))

    def batches(self, program: Program, controller: str) -> tuple[tuple[Batch, Artifact], ...]:
        """Return ``program`` in as many parts as it takes, with what plays each."""
        made = compile_in_batches(program, self._target(program, controller))
        return tuple((one.batch, one.artifact) for one in made)

    def _target(self, program: Program, server: str) -> ZurichTarget:
        ports = {frame.port for frame in program.frames}
        taking_part = [one for one in self._targets[server] if ports & one.ports.keys()]
        if len(taking_part) > 1:
            names = ", ".join(one.instrument for one in taking_part)
            raise DoesNotFit(
                f"its ports are on the instruments {names}: one program on several of them is not "
                "started together yet; wire what plays together to one instrument"
            )
        return taking_part[0]


def zurich_targets_of(facility: Facility) -> dict[str, tuple[ZurichTarget, ...]]:
    """Return what the compiler must know of each instrument, by data server."""
    found: dict[str, tuple[ZurichTarget, ...]] = {}
    for server, entry in facility.instruments.items():
        if entry.model == ZURICH:
            ports = _ports(facility, server)
            given = entry.options.get("options")
            options: Mapping[int, str] = {} if given is None or isinstance(given, str) else given
            found[server] = tuple(
                _target(
                    f"{server}.dev{serial}",
                    cast(Model, model),
                    ports.get(serial, {}),
                    options.get(serial, ""),
                )
                for serial, model in (modules_of(entry) or {}).items()
            )
    return found


def _target(name: str, model: Model, ports: Mapping[str, Channel], options: str) -> ZurichTarget:
    """Return one instrument; a channel of an SHFQA4 has 16 slots without an option."""
    words = options.split()
    slots = READOUT_SLOTS_16W if MORE_SLOTS in words or model == "SHFQA4" else READOUT_SLOTS
    return ZurichTarget(name, model, ports, slots, LONG_READOUT in words)


def _ports(facility: Facility, server: str) -> dict[int, dict[str, Channel]]:
    """Return the channels behind a data server, by serial number and port."""
    found: dict[int, dict[str, Channel]] = {}
    for port, wiring in facility.wiring.items():
        made = _channel(wiring)
        if made is not None and made[0].instrument == server and made[0].slot is not None:
            found.setdefault(made[0].slot, {})[port] = made[1]
    for qubit in facility.qubits().values():
        for served in found.values():
            if qubit.feedline in served:
                served[qubit.readout_port] = served[qubit.feedline]
    return found


def _channel(wiring: Wiring) -> tuple[ConnectorRef, Channel] | None:
    """Return what a line is plugged into, and its settings; None: it plays no pulses.

    The file's attenuations tell ranges: full scale is the largest output range less the one, an
    input takes as much more than its smallest range as the other.
    """
    match wiring:
        case DriveWiring():
            range_dbm = OUTPUT_RANGE_MAX_DBM - wiring.output_attenuation_db
            number = _number(wiring.output.socket.removeprefix("sg"))
            return wiring.output, DriveChannel(number, wiring.lo_hz, range_dbm)
        case FeedlineWiring():
            number = _number(wiring.output.socket.removeprefix("qa").removesuffix("_out"))
            return wiring.output, ReadoutChannel(
                number,
                wiring.lo_hz,
                OUTPUT_RANGE_MAX_DBM - wiring.output_attenuation_db,
                INPUT_RANGE_MIN_DBM + wiring.input_attenuation_db,
            )
        case _:
            return None


def _number(text: str) -> int:
    """Return the number of a channel; -1 where the connector is another family's."""
    return int(text) if text.isdigit() else -1
