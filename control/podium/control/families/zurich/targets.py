"""From the facility's wiring to what the compiler for Zurich Instruments must know."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import cast

from podium.control.compilers.zurich.external_start import ANALYSERS
from podium.control.compilers.zurich.target import (
    Channel,
    DriveChannel,
    FluxChannel,
    Model,
    ReadoutChannel,
    ZurichTarget,
)
from podium.control.facility.facility import (
    ConnectorRef,
    DriveWiring,
    Facility,
    FeedlineWiring,
    FluxPulses,
    FluxWiring,
    Wiring,
)
from podium.control.facility.instrument_models import modules_of
from podium.control.facility.line_response import LineResponse
from podium.control.families.result_lines import controllers_of_ports, result_lines_of
from podium.firmware_interfaces.zurich.awg_limits import (
    HDAWG_RATE_HZ,
    READOUT_SLOTS,
    READOUT_SLOTS_16W,
    SHF_RATE_HZ,
)
from podium.firmware_interfaces.zurich.limits import (
    INPUT_RANGE_MIN_DBM,
    LONG_READOUT,
    MORE_SLOTS,
    OUTPUT_RANGE_MAX_DBM,
    PQSC,
    PRECOMPENSATION,
)
from podium.firmware_interfaces.zurich.rack import ZSyncPort

ZURICH = "zurich"
"""The model that this compiler serves: a data server with its instruments."""


@dataclass(frozen=True, slots=True)
class Cabled:
    """The PQSC behind a data server, and what is connected to it."""

    device: str
    ports: tuple[ZSyncPort, ...]


def pqscs_of(facility: Facility) -> dict[str, Cabled]:
    """Return what starts instruments together, by data server, where the file says it."""
    found: dict[str, Cabled] = {}
    for server, entry in facility.instruments.items():
        cables = entry.options.get("zsync")
        if entry.model != ZURICH or not isinstance(cables, Mapping):
            continue
        modules = modules_of(entry) or {}
        device = next(f"dev{serial}" for serial, model in modules.items() if model == PQSC)
        found[server] = Cabled(
            device, tuple(ZSyncPort(port, one) for port, one in sorted(cables.items()))
        )
    return found


def zurich_targets_of(
    facility: Facility, lines: Mapping[str, LineResponse] = MappingProxyType({})
) -> dict[str, tuple[ZurichTarget, ...]]:
    """Return what the compiler must know of each instrument, by data server.

    ``lines``: by flux port, what is undone.
    """
    found: dict[str, tuple[ZurichTarget, ...]] = {}
    result_lines, at = result_lines_of(facility), controllers_of_ports(facility)
    for server, entry in facility.instruments.items():
        if entry.model == ZURICH:
            ports, modules = _ports(facility, server, lines), modules_of(entry) or {}
            given = entry.options.get("options")
            options: Mapping[int, str] = {} if given is None or isinstance(given, str) else given
            beside_shf = any(model.startswith("SHF") for model in modules.values())
            rate_hz = SHF_RATE_HZ if "zsync" in entry.options and beside_shf else HDAWG_RATE_HZ
            carrying = tuple(one for one in result_lines if server in (one.source, one.sink))
            elsewhere = {port: other for port, other in at.items() if other != server}
            analysers = [serial for serial, model in modules.items() if model in ANALYSERS]
            made = [
                _target(
                    f"{server}.dev{serial}",
                    cast(Model, model),
                    ports.get(serial, {}),
                    rate_hz,
                    options.get(serial),
                )
                for serial, model in modules.items()
            ]
            found[server] = tuple(
                replace(
                    one,
                    controller=server,
                    result_lines=carrying,
                    elsewhere=elsewhere,
                    analyser=analysers.index(serial) if serial in analysers else 0,
                )
                for serial, one in zip(modules, made, strict=True)
            )
    return found


def _target(
    name: str, model: Model, ports: Mapping[str, Channel], flux_rate_hz: int, options: str | None
) -> ZurichTarget:
    """Return one instrument; a channel of an SHFQA4 has 16 slots without an option.

    An HDAWG of which the file says nothing has what most buy, its filters among them.
    """
    words = (options or "").split()
    slots = READOUT_SLOTS_16W if MORE_SLOTS in words or model == "SHFQA4" else READOUT_SLOTS
    filters = options is None or PRECOMPENSATION in words
    return ZurichTarget(name, model, ports, flux_rate_hz, slots, LONG_READOUT in words, filters)


def _ports(
    facility: Facility, server: str, lines: Mapping[str, LineResponse]
) -> dict[int, dict[str, Channel]]:
    """Return the channels behind a data server, by serial number and port."""
    found: dict[int, dict[str, Channel]] = {}
    for port, wiring in facility.wiring.items():
        made = _channel(wiring, lines.get(port))
        if made is not None and made[0].instrument == server and made[0].slot is not None:
            found.setdefault(made[0].slot, {})[port] = made[1]
    for qubit in facility.qubits().values():
        for served in found.values():
            if qubit.feedline in served:
                served[qubit.readout_port] = served[qubit.feedline]
    return found


def _channel(wiring: Wiring, line: LineResponse | None) -> tuple[ConnectorRef, Channel] | None:
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
        case FluxWiring(pulses=FluxPulses(output=output, range_v=range_v)):
            number = _number(output.socket.removeprefix("sigout"))
            return output, FluxChannel(number, range_v, line)
        case _:
            return None


def _number(text: str) -> int:
    """Return the number of a channel; -1 where the connector is another family's."""
    return int(text) if text.isdigit() else -1
