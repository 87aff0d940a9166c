"""Who a cluster says it is: models, connectors, identification strings, description.

The client chooses its command set by ``swSCPIVersion``; 1.2 is the newest that
qblox-instruments 1.4.1 knows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podium.firmware_interfaces.qblox_cluster import limits

SCPI_VERSION = (1, 2)
FIRMWARE_VERSION = (2, 1, 0)
"""A release whose features the client's docstrings name ("added in firmware version 2.1.0")."""
_BUILD_DATE = "01/09/2025-00:00:00"
_BUILD_UNIX_S = 1_756_684_800
_HASH = "00000000"
"""ASSUMED: build dates and hashes; nothing in the client depends on them."""


@dataclass(frozen=True, slots=True)
class ModuleModel:
    """What distinguishes one type of module from another."""

    name: str
    """As written in facility files: ``QRM-RF``."""
    family: str
    """``QCM``, ``QRM``, ``QTM`` or ``QRC``."""
    rf: bool
    readout: bool
    dacs: int
    """Channels of the output channel map."""
    adcs: int
    markers: int = 4
    sequencers: int = limits.SEQUENCERS
    channels: int = 0
    """Digital inputs and outputs of a QTM."""
    readers: int | None = None
    """So many sequencers, the first ones, can acquire; None: all of a readout module."""
    scope_bits: int = limits.ADC_BITS
    integral_step: int = 1
    """Bins hold integrals in so many units of 2**-22 of a sample at full scale."""

    def reads(self, sequencer: int) -> bool:
        """Tell whether a sequencer can acquire."""
        return self.readout and (self.readers is None or sequencer < self.readers)

    def output_channels(self, sequencer: int) -> tuple[int, ...]:
        """Return the output channels that a sequencer can be connected to.

        qblox-instruments 1.4.1, ``native/definitions.py`` ``get_allowed_channels``.
        """
        if self.readers is None:
            return tuple(range(self.dacs))
        if sequencer >= self.readers:
            return tuple(range(4, self.dacs))
        own = 4 + 2 * (sequencer % 4)
        return (0, 1, 2, 3, own, own + 1)

    @property
    def acquires(self) -> bool:
        """Whether its sequencers have acquisitions."""
        return self.readout or self.channels > 0

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output connectors."""
        return tuple(f"out{n}" for n in range(self.dacs // 2 if self.rf else self.dacs))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input connectors."""
        return tuple(f"in{n}" for n in range(self.adcs // 2 if self.rf else self.adcs))

    @property
    def instructions(self) -> int:
        """Instructions that one sequencer's memory holds."""
        if self.readout:
            return limits.PROGRAM_INSTRUCTIONS_READOUT
        return limits.PROGRAM_INSTRUCTIONS_CONTROL

    @property
    def output_full_scale_v(self) -> float:
        """Full scale of a baseband output, and the largest static offset."""
        return limits.QRM_OUTPUT_FULL_SCALE_V if self.readout else limits.QCM_OUTPUT_FULL_SCALE_V


MODULE_MODELS: Mapping[str, ModuleModel] = {
    model.name: model
    for model in (
        ModuleModel("QCM", "QCM", rf=False, readout=False, dacs=4, adcs=0),
        ModuleModel("QCM-RF", "QCM", rf=True, readout=False, dacs=4, adcs=0),
        ModuleModel("QRM", "QRM", rf=False, readout=True, dacs=2, adcs=2),
        ModuleModel("QRM-RF", "QRM", rf=True, readout=True, dacs=2, adcs=2),
        ModuleModel(
            "QRC",
            "QRC",
            rf=True,
            readout=True,
            dacs=12,
            adcs=4,
            markers=1,
            sequencers=12,
            readers=8,
            scope_bits=15,
            integral_step=2,
        ),
        ModuleModel(
            "QTM",
            "QTM",
            rf=False,
            readout=False,
            dacs=0,
            adcs=0,
            markers=0,
            sequencers=8,
            channels=8,
        ),
    )
}
"""Modules that the twin emulates (qblox_instruments.constants.MODULE_CONSTANTS)."""


def identification(model: str, serial: str) -> str:
    """Return the answer to ``*IDN?`` of ``Cluster MM``, ``Cluster QRM`` ..."""
    version = ".".join(map(str, FIRMWARE_VERSION))
    scpi = ".".join(map(str, SCPI_VERSION))

    def build(prefix: str) -> str:
        return (
            f"{prefix}Version={version} {prefix}Build={_BUILD_DATE} "
            f"{prefix}Hash=0x{_HASH} {prefix}Dirty=0"
        )

    builds = " ".join(map(build, ("fw", "kmod", "sw", "cfgMan")))
    return f"Qblox,{model},{serial},{builds} swSCPIVersion={scpi} cfgManSCPIVersion=1.1"


def _build() -> dict[str, Any]:
    return {
        "version": list(FIRMWARE_VERSION),
        "version_full": ".".join(map(str, FIRMWARE_VERSION)),
        "build": _BUILD_UNIX_S,
        "hash": _HASH,
        "dirty": False,
    }


def _description(model: str, serial: str) -> dict[str, Any]:
    return {
        "manufacturer": "Qblox",
        "model": model,
        "name": model.replace("_", "-"),
        "ser": serial,
        "os": "0.9.0",
        "sw": _build(),
        "fw": _build(),
        "kmod": _build(),
        "cfg_man": _build(),
        "sw_compat": {"scpi_version": list(SCPI_VERSION)},
        "cfg_man_compat": {"scpi_version": [1, 1]},
        "is_rf": False,
    }


def module_serial(serial: str, slot: int) -> str:
    """Return the serial number of the module in ``slot`` of the cluster ``serial``."""
    return f"{serial}_{slot:02d}"


def module_identification(model: ModuleModel, serial: str, slot: int) -> str:
    """Return the answer to ``*IDN?`` on a module's socket."""
    return identification(f"Cluster {model.family}", module_serial(serial, slot))


def cluster_description(modules: Mapping[int, ModuleModel], serial: str) -> bytes:
    """Return the payload of the answer to ``*DESCribe?``."""
    description = _description("cluster_mm", serial)
    description["mac_address"] = "02:00:00:00:00:01"  # ASSUMED: a locally administered address
    description["modules"] = {
        str(slot): _description(f"cluster_{model.family.lower()}", module_serial(serial, slot))
        | {
            "is_rf": model.rf,
            "is_extended_instrument": False,
            "qtm_eom": False,
            "features": {
                "pre_compile": list(range(model.sequencers)),
                "partial_acquisition": True,
                "wave_encoding": [0, 1, 2],
            },
        }
        for slot, model in sorted(modules.items())
    }
    return json.dumps(description).encode()


def modules_present(modules: Mapping[int, ModuleModel]) -> int:
    """Return the answer to ``BP:MODules?``: bit slot - 1 for each module."""
    return sum(1 << (slot - 1) for slot in modules)


def modules_connected(modules: Mapping[int, ModuleModel], serial: str) -> bytes:
    """Return the payload of the answer to ``*MODS?``."""
    return json.dumps(
        {
            f"SLOT {slot}": {"IDN": module_identification(model, serial, slot)}
            for slot, model in sorted(modules.items())
        }
    ).encode()


def system_state(
    modules: Mapping[int, ModuleModel], word: str = "OKAY", flags: tuple[str, ...] = ()
) -> str:
    """Return the answer to ``STATE:GENeral:STATE?``; ``word`` and ``flags`` are the CMM's."""
    okay: dict[str, Any] = {"STATE": "OKAY", "ACTIVE": [], "RESOLVED": []}
    resolved = word == "RESOLVED"
    cluster = {
        "STATE": word,
        "ACTIVE": [] if resolved else list(flags),
        "RESOLVED": list(flags) if resolved else [],
    }
    slots = {f"SLOT {slot}": okay for slot in sorted(modules)}
    return json.dumps({"CLUSTER": cluster, "SLOTS": slots})
