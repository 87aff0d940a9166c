"""Describes skews as JSON, and as lines for a person."""

from typing import Any

from podium.control.client.skew_calibration import SkewsFound
from podium.control.parameters.validity import told_age
from podium.control.timebase.skew_messages import SkewKnown, SkewsKnown
from podium.control.timebase.start_setting import StartFound
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S

FS_PER_PS = 1_000


def known_plainly(known: SkewsKnown) -> dict[str, Any]:
    """Return the ledger as JSON has it."""
    return {
        "skews": [_skew_plainly(one) for one in known.skews],
        "starts": {name: _start_plainly(one.found) for name, one in known.starts.items()},
    }


def found_plainly(found: SkewsFound, known: SkewsKnown) -> dict[str, Any]:
    """Return a measurement as JSON has it, with what the ledger makes of it."""
    pairs = {one.pair for one in found.measured.skews}
    return {
        "starts_made": found.starts,
        "pulses": found.pulses,
        "repeated": found.repeated,
        "lab_s": found.lab_s,
        "reference": found.measured.reference,
        "skews": [_skew_plainly(one) for one in known.skews if one.measured.pair in pairs],
        "starts": {name: _start_plainly(one) for name, one in found.measured.starts.items()},
    }


def _skew_plainly(one: SkewKnown) -> dict[str, Any]:
    measured = one.measured
    return {
        "port": measured.pair.port,
        "reference": measured.pair.reference,
        "value_fs": one.now.value_fs,
        "sigma_fs": one.now.sigma_fs,
        "measured_fs": measured.value_fs,
        "random_fs": measured.random_fs,
        "systematic_fs": measured.systematic_fs,
        "measured_tai": str(measured.at),
        "age_s": one.age_fs / FS_PER_S,
        "delays_ns": measured.delays_ns,
        "epochs": dict(measured.epochs.numbers),
        "holds": None if one.unheard and not one.problem else one.holds,
        "problem": one.problem or one.unheard,
    }


def _start_plainly(found: StartFound) -> dict[str, Any]:
    return {
        "delay_ns": found.delay_ns,
        "start_after_fs": found.start_after_fs,
        "resolution_fs": found.resolution_fs,
        "epochs": dict(found.epochs.numbers),
    }


def told_found(facility: str, plain: dict[str, Any]) -> str:
    """Return a measurement as lines for a person."""
    lost = f", {plain['repeated']} that were lost made again" if plain["repeated"] else ""
    head = (
        f"{facility}: {plain['starts_made']} starts of {plain['pulses']} pulses{lost}; "
        f"{plain['lab_s']:.1f} s of laboratory time"
    )
    return "\n".join([head, *map(_told, plain["skews"])])


def told_known(facility: str, plain: dict[str, Any]) -> str:
    """Return the ledger as lines for a person."""
    if not plain["skews"]:
        return f"{facility}: no skew was measured yet: podium skew measure FACILITY"
    return "\n".join([f"{facility}:", *map(_told, plain["skews"])])


def _told(one: dict[str, Any]) -> str:
    delays = one["delays_ns"]
    triggers = "" if delays is None else f", triggers delayed by {delays[0]} and {delays[1]} ns"
    line = (
        f"  {one['port']} against {one['reference']}: {one['value_fs'] / FS_PER_NS:.3f} ns "
        f"± {one['sigma_fs'] / FS_PER_PS:.0f} ps, measured {told_age(one['age_s'])} ago{triggers}"
    )
    if one["holds"]:
        return line
    known = "NOT KNOWN whether it holds" if one["holds"] is None else "DOES NOT HOLD"
    return f"{line}\n    {known}: {one['problem']}"
