"""Describes a cluster by reading alone: identity, modules, firmware, complaints."""

from typing import Any

from podium.drivers.roles import Examination, Identity


def identity_of(cluster: Any) -> Identity:
    """Return who answers."""
    said = cluster.get_idn()
    firmware = said["firmware"].get("application", {}).get("version", "")
    return Identity(said["manufacturer"], said["model"], str(said["serial_number"]), str(firmware))


def examination_of(cluster: Any, firmware: str | None = None) -> Examination:
    """Return modules with their firmware, the source of its ticks, and complaints.

    They are its own, and that it has another ``firmware`` than the facility file says.
    """
    modules = cluster.get_connected_modules()
    described = cluster.get_json_description().get("modules", {})
    status = cluster.get_system_status()
    reference = str(cluster.reference_source())
    complaints = [flag.name for flag in status.flags]
    for slot, flags in enumerate(status.slot_flags, start=1):
        complaints += [f"slot {slot}: {flag.name}" for flag in flags or ()]
    if status.status.name != "OKAY" and not complaints:
        complaints.append(f"its status is {status.status.name}")
    told = identity_of(cluster).firmware
    if firmware not in (None, told):
        complaints.append(f"its firmware is {told}, the facility file says {firmware}")
    return Examination(
        modules={slot: kind_of(module) for slot, module in modules.items()},
        module_firmware={
            int(slot): str(one["sw"]["version_full"]) for slot, one in described.items()
        },
        reference=reference,
        complaints=tuple(complaints),
    )


def kind_of(module: Any) -> str:
    """Return the type of a module as facility files have it: ``QRM-RF``."""
    return f"{module.module_type}{'-RF' if module.is_rf_type else ''}"
