"""The instruments that a data server can have here, and how many of what each has."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from podium.firmware_interfaces.zurich.awg_limits import (
    READOUT_OSCILLATORS,
    READOUT_SLOTS,
    READOUT_SLOTS_16W,
)
from podium.firmware_interfaces.zurich.inventory import (
    data_server,
    hdawg,
    pqsc,
    qa_channels,
    sg_channels,
    system,
)
from podium.firmware_interfaces.zurich.inventory.node_versions import SERVER, is_in
from podium.firmware_interfaces.zurich.labone_version import LabOneVersion
from podium.firmware_interfaces.zurich.limits import (
    LONG_READOUT,
    MORE_SLOTS,
    PRECOMPENSATION,
)
from podium.firmware_interfaces.zurich.node import Node
from podium.firmware_interfaces.zurich.node_table import nodes

SHF_TIME_BASE_S = 0.25e-9
"""Ticks of time stamps; the vendor's client multiplies with ``system/properties/timebase``."""


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """One model of instrument."""

    name: str
    """What ``features/devtype`` says: ``SHFQC``."""
    tables: tuple[str, ...]
    counts: Mapping[str, int]
    options: tuple[str, ...]
    """What is fitted, as ``features/options`` tells it. ASSUMED: what most buy."""
    clock_base_hz: float
    time_base_s: float


_SHF = (system.EVERYWHERE, system.SHF_CLOCKS, system.DIGITAL_PORT)
_SG = (*_SHF, sg_channels.TABLE, sg_channels.ROUTER)
_QA = (*_SHF, qa_channels.TABLE)
_QA_COUNTS = {"units": 16, "qudits": 16, "qaosc": 1}
_HDAWG = (system.EVERYWHERE, system.DIGITAL_PORT, hdawg.TABLE)


def _shfsg(channels: int) -> DeviceModel:
    return DeviceModel(
        f"SHFSG{channels}",
        _SG,
        {"sg": channels, "sgsynth": channels // 2},
        ("RTR",),
        1e9,
        SHF_TIME_BASE_S,
    )


def _shfqa(channels: int) -> DeviceModel:
    return DeviceModel(
        f"SHFQA{channels}",
        _QA,
        {"qa": channels, "qatrig": 2 * channels} | _QA_COUNTS,
        ("16W",),
        1e9,
        SHF_TIME_BASE_S,
    )


def _hdawg(channels: int) -> DeviceModel:
    return DeviceModel(
        f"HDAWG{channels}",
        _HDAWG,
        {"wave": channels, "awg": channels // 2, "hdosc": 16},
        ("CNT", "MF", "ME", "PC"),
        2.4e9,
        1 / 2.4e9,
    )


SHFQC = DeviceModel(
    "SHFQC",
    (*_QA, sg_channels.TABLE, sg_channels.ROUTER),
    # Synthesizer 0 is the analyser's; the pairs of generators have the next three.
    {"qa": 1, "qatrig": 2, "sg": 6, "sgsynth": 4} | _QA_COUNTS,
    ("QC6CH", "16W", "RTR"),
    1e9,
    SHF_TIME_BASE_S,
)
PQSC = DeviceModel(
    "PQSC",
    (system.EVERYWHERE, system.DIGITAL_PORT, pqsc.TABLE),
    {},
    (),
    250e6,
    4e-9,  # ASSUMED: the time stamps count the same 250 MHz
)
MODELS: dict[str, DeviceModel] = {
    model.name: model
    for model in (SHFQC, _shfsg(4), _shfsg(8), _shfqa(2), _shfqa(4), _hdawg(4), _hdawg(8), PQSC)
}
"""By what a facility file calls them, which is what they call themselves."""


def fitted(model: str, options: str | None) -> DeviceModel:
    """Return a model with these options of its analyzer, or an HDAWG's; None: what most buy.

    Raises KeyError for a model that is not known.
    """
    entry = MODELS[model]
    if options is None:
        return entry
    words = options.split()
    if model.startswith("HDAWG"):
        tables = (
            entry.tables if PRECOMPENSATION in words else (*entry.tables[:-1], hdawg.NO_FILTERS)
        )
        return replace(entry, options=tuple(words), tables=tables)
    if "qa" not in entry.counts:
        return entry
    others = [one for one in entry.options if one not in (MORE_SLOTS, LONG_READOUT)]
    counts, tables = dict(entry.counts), entry.tables
    if model != "SHFQA4":  # has 16 anyway (LabOne Q 26.7.0, device_shfqa.py)
        counts["units"] = READOUT_SLOTS_16W if MORE_SLOTS in words else READOUT_SLOTS
    if LONG_READOUT in words:
        counts["qaosc"] = READOUT_OSCILLATORS
        tables = (*tables, qa_channels.LONG_READOUT)
    return replace(entry, options=(*others, *words), counts=counts, tables=tables)


@cache
def nodes_of(
    model: str, options: str | None = None, version: LabOneVersion | None = None
) -> dict[str, Node]:
    """Return the nodes of a model by their paths, which begin below the instrument's root.

    ``version``: of LabOne; None: the newest. Raises KeyError for a model that is not known.
    """
    entry = fitted(model, options)
    found = [node for table in entry.tables for node in nodes(table, entry.counts)]
    return {
        node.path: node
        for node in sorted(found, key=lambda node: _order(node.path))
        if is_in(version, model, node.path)
    }


@cache
def server_nodes(version: LabOneVersion | None = None) -> dict[str, Node]:
    """Return the data server's own nodes by their paths below ``/zi``."""
    found = nodes(data_server.TABLE, {})
    return {node.path: node for node in found if is_in(version, SERVER, node.path)}


def _order(path: str) -> tuple[tuple[int, int, str], ...]:
    """Return by what nodes are listed: steps as words, numbers as numbers."""
    return tuple((0, int(step), "") if step.isdigit() else (1, 0, step) for step in path.split("/"))
