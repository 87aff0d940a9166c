"""A cluster identifies itself by models, connectors, identification strings and a description.

A client since 1.1 chooses its command set by ``swSCPIVersion``; 1.2 is the newest that
qblox-instruments 1.4.1 knows. Older clients want the very release that they were built for.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from podium.firmware_interfaces.qblox_cluster import limits


@dataclass(frozen=True, slots=True)
class Build:
    """The build of a part of the firmware: version and date."""

    version: str
    date: str
    """Day, month, year and time, as ``*IDN?`` has it."""
    commit: str = "00000000"

    def told(self, prefix: str) -> str:
        """Return what ``*IDN?`` says of it."""
        return (
            f"{prefix}Version={self.version} {prefix}Build={self.date} "
            f"{prefix}Hash=0x{self.commit} {prefix}Dirty=0"
        )

    def described(self) -> dict[str, Any]:
        """Return what ``*DESCribe?`` says of it."""
        built = datetime.strptime(self.date, "%d/%m/%Y-%H:%M:%S").replace(tzinfo=UTC)
        return {
            "version": [int(number) for number in self.version.split(".")],
            "version_full": self.version,
            "build": int(built.timestamp()),
            "hash": self.commit,
            "dirty": False,
        }


@dataclass(frozen=True, slots=True)
class Release:
    """One release of the firmware of a cluster and its modules."""

    firmware: Build
    kernel_module: Build
    application: Build
    configuration_manager: Build
    clients: str
    """The releases of qblox-instruments that are for it."""
    scpi_version: tuple[int, int] | None = None
    """None: its identification names none; it is from before that."""
    isa: int = 1
    """Generation of the sequencers' instruction set."""

    @property
    def name(self) -> str:
        """Return its name: the version of the application."""
        return self.application.version

    def builds(self) -> str:
        """Return the end of the answer to ``*IDN?``."""
        parts = {
            "fw": self.firmware,
            "kmod": self.kernel_module,
            "sw": self.application,
            "cfgMan": self.configuration_manager,
        }
        told = " ".join(build.told(prefix) for prefix, build in parts.items())
        if self.scpi_version is None:
            return told
        scpi = ".".join(map(str, self.scpi_version))
        return f"{told} swSCPIVersion={scpi} cfgManSCPIVersion=1.1"


_MAY_2025 = Build("0.12.0", "02/06/2025-08:09:17", "97BCA8E0")
_AUGUST_2025 = Build("0.12.1", "04/08/2025-13:07:02", "3AF6FD85")
_OCTOBER_2025 = Build("0.13.0", "22/10/2025-12:58:39", "28A9548B")
_NEWEST = Build("2.1.0", "01/09/2025-00:00:00")
RELEASES: Mapping[str, Release] = {
    release.name: release
    for release in (
        # qblox-instruments 0.17.0, scpi/cluster.py, build_ref: it takes no other
        Release(
            Build("0.12.0", "16/05/2025-09:29:37", "74FB36E6"),
            _MAY_2025,
            _MAY_2025,
            _MAY_2025,
            clients="0.17.0",
        ),
        # qblox-instruments 0.17.1, likewise
        Release(
            Build("0.12.0", "16/05/2025-09:29:37", "74FB36E6"),
            _AUGUST_2025,
            _AUGUST_2025,
            replace(_AUGUST_2025, version="0.12.0"),
            clients="0.17.1",
        ),
        # qblox-instruments 1.0.3, scpi/cluster.py, build_ref: it takes no other
        Release(
            Build("0.12.0", "26/09/2025-09:02:05", "0C12F6CC"),
            _OCTOBER_2025,
            _OCTOBER_2025,
            replace(_OCTOBER_2025, version="0.12.0"),
            clients="1.0 and later",
        ),
        # Docstrings of qblox-instruments 1.4.1 name what came with firmware 2.1.0. ASSUMED: its
        # build date and hash; nothing in the client depends on them.
        Release(
            _NEWEST,
            _NEWEST,
            _NEWEST,
            _NEWEST,
            clients="1.1 and later",
            scpi_version=(1, 2),
            isa=2,
        ),
    )
}
"""Releases that a cluster can have, oldest first."""
NEWEST = RELEASES["2.1.0"]


@dataclass(frozen=True, slots=True)
class ModuleModel:
    """Distinguishes one type of module from another."""

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
        """Tell whether its sequencers have acquisitions."""
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


def identification(model: str, serial: str, release: Release = NEWEST) -> str:
    """Return the answer to ``*IDN?`` of ``Cluster MM``, ``Cluster QRM`` ..."""
    return f"Qblox,{model},{serial},{release.builds()}"


def _description(model: str, serial: str, release: Release) -> dict[str, Any]:
    scpi = release.scpi_version
    compatible = (
        {}
        if scpi is None
        else {
            "sw_compat": {"scpi_version": list(scpi)},
            "cfg_man_compat": {"scpi_version": [1, 1]},
        }
    )
    return {
        "manufacturer": "Qblox",
        "model": model,
        "name": model.replace("_", "-"),
        "ser": serial,
        "os": "0.9.0",
        "sw": release.application.described(),
        "fw": release.firmware.described(),
        "kmod": release.kernel_module.described(),
        "cfg_man": release.configuration_manager.described(),
        **compatible,
        "is_rf": False,
    }


def module_serial(serial: str, slot: int) -> str:
    """Return the serial number of the module in ``slot`` of the cluster ``serial``."""
    return f"{serial}_{slot:02d}"


def module_identification(
    model: ModuleModel, serial: str, slot: int, release: Release = NEWEST
) -> str:
    """Return the answer to ``*IDN?`` on a module's socket."""
    return identification(f"Cluster {model.family}", module_serial(serial, slot), release)


def cluster_description(
    modules: Mapping[int, ModuleModel], serial: str, release: Release = NEWEST
) -> bytes:
    """Return the payload of the answer to ``*DESCribe?``."""
    description = _description("cluster_mm", serial, release)
    description["mac_address"] = "02:00:00:00:00:01"  # ASSUMED: a locally administered address
    description["modules"] = {
        str(slot): _module_description(model, module_serial(serial, slot), release)
        for slot, model in sorted(modules.items())
    }
    return json.dumps(description).encode()


def _module_description(model: ModuleModel, serial: str, release: Release) -> dict[str, Any]:
    described = _description(f"cluster_{model.family.lower()}", serial, release)
    described |= {"is_rf": model.rf, "is_extended_instrument": False, "qtm_eom": False}
    if release.scpi_version is not None:
        described["features"] = {
            "pre_compile": list(range(model.sequencers)),
            "partial_acquisition": True,
            "wave_encoding": [0, 1, 2],
        }
    return described


def modules_present(modules: Mapping[int, ModuleModel]) -> int:
    """Return the answer to ``BP:MODules?``: bit slot - 1 for each module."""
    return sum(1 << (slot - 1) for slot in modules)


def modules_connected(
    modules: Mapping[int, ModuleModel], serial: str, release: Release = NEWEST
) -> bytes:
    """Return the payload of the answer to ``*MODS?``."""
    return json.dumps(
        {
            f"SLOT {slot}": {"IDN": module_identification(model, serial, slot, release)}
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
