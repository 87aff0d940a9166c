"""Compares instruments' answers with the facility file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from podium.control.bus.manual_access import Examined
from podium.control.facility.facility import (
    Facility,
    FluxWiring,
    HostAddress,
    InstrumentEntry,
)
from podium.control.facility.instrument_models import model_of, modules_of
from podium.firmware_interfaces.models import InstrumentModel

Verdict = Literal["same", "differs", "noted"]
"""``noted``: the file says nothing about it, or it is set anew by every run."""

NO_CLOCK_BEFORE_S = 1_500_000_000
"""A cluster that was never given the time counts from its start: July 2017 is before all of us."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    instrument: str
    what: str
    file_says: str
    instrument_says: str
    verdict: Verdict


def findings(facility: Facility, told: Mapping[str, Examined | str]) -> tuple[Finding, ...]:
    """Compare what each instrument told, or why it told nothing, with the facility file."""
    found: list[Finding] = []
    for name, entry in facility.instruments.items():
        said = told.get(name, "nobody asked it")
        if isinstance(said, str):
            found.append(Finding(name, "answers", f"at {_at(entry)}", said, "differs"))
            continue
        found += _who(entry, model_of(entry), said)
        found += _wiring(entry, said)
        found += _clock(facility, entry, said)
        found += _limits(facility, entry, said)
        found += _temperatures(facility, entry, said)
        found += [Finding(name, "complaint", "none", words, "differs") for words in said.complaints]
        found += [
            Finding(name, what, "readable", why, "differs") for what, why in said.unread.items()
        ]
    return tuple(found)


def _who(entry: InstrumentEntry, model: InstrumentModel, said: Examined) -> Iterator[Finding]:
    name = entry.name
    known = model.is_answered_by(said.vendor, said.model)
    verdict: Verdict = "noted" if not model.answers else "same" if known else "differs"
    yield Finding(
        name,
        "identity",
        f"{model.vendor} {model.product}",
        f"{said.vendor} {said.model} {said.serial}".strip(),
        verdict,
    )
    yield Finding(name, "firmware", "", said.firmware, "noted")
    if said.options:
        yield Finding(name, "options", "", ", ".join(said.options), "noted")


def _wiring(entry: InstrumentEntry, said: Examined) -> Iterator[Finding]:
    named, place = modules_of(entry), model_of(entry).place
    if named is None:
        return
    for slot, kind in named.items():
        there = said.modules.get(slot, "nothing")
        firmware = said.module_firmware.get(slot, "")
        told = f"{there}, firmware {firmware}" if firmware else there
        verdict: Verdict = "same" if there == kind else "differs"
        yield Finding(entry.name, f"{place} {slot}", kind, told, verdict)
    for slot, kind in said.modules.items():
        if slot not in named:
            yield Finding(entry.name, f"{place} {slot}", "", kind, "noted")


def _clock(facility: Facility, entry: InstrumentEntry, said: Examined) -> Iterator[Finding]:
    gives = [
        clock.name
        for clock in facility.clocks.values()
        if clock.source == entry.name and clock.reference is None
    ]
    follows = [
        clock.reference
        for clock in facility.clocks.values()
        if clock.source == entry.name and clock.reference is not None
    ]
    if said.reference and follows:
        followed: Verdict = "same" if said.reference == "external" else "differs"
        asked = f"external: locked to {follows[0]}"
        yield Finding(entry.name, "reference", asked, said.reference, followed)
    elif said.reference and gives:
        verdict: Verdict = "same" if said.reference == "internal" else "differs"
        asked = f"internal: source of {', '.join(gives)}"
        yield Finding(entry.name, "reference", asked, said.reference, verdict)
    elif said.reference:
        yield Finding(entry.name, "reference", "", said.reference, "noted")
    if said.tai:
        given = said.tai_s > NO_CLOCK_BEFORE_S
        told = said.tai if given else f"{said.tai}: it was never given the time"
        yield Finding(entry.name, "time", "TAI", told, "same" if given else "noted")


def _limits(facility: Facility, entry: InstrumentEntry, said: Examined) -> Iterator[Finding]:
    for wiring in facility.wiring.values():
        if not isinstance(wiring, FluxWiring) or wiring.source.instrument != entry.name:
            continue
        channel = wiring.source.channel
        if channel not in said.levels_v:
            continue
        level_v, on = said.levels_v[channel], said.outputs_on.get(channel, True)
        inside = abs(level_v) <= wiring.limit_v or not on
        yield Finding(
            entry.name,
            f"level of {wiring.port}",
            f"within {-wiring.limit_v:g} to {wiring.limit_v:g} V",
            f"{level_v:g} V" if on else f"{level_v:g} V, output off",
            "same" if inside else "differs",
        )
    if said.tone is not None:
        frequency_hz, power_dbm, on = said.tone
        told = f"{frequency_hz / 1e9:.9g} GHz, {power_dbm:g} dBm, {'on' if on else 'off'}"
        yield Finding(entry.name, "tone", "set by every run", told, "noted")


def _temperatures(facility: Facility, entry: InstrumentEntry, said: Examined) -> Iterator[Finding]:
    for channel, kelvin in said.temperatures_k.items():
        told = f"{kelvin * 1e3:.4g} mK" if kelvin < 1 else f"{kelvin:.4g} K"
        fridges = [
            fridge
            for fridge in facility.fridges.values()
            if (fridge.thermometer.instrument, fridge.thermometer.channel) == (entry.name, channel)
        ]
        for fridge in fridges:
            asked = f"below {fridge.cold_below_k * 1e3:g} mK ({fridge.name} is cold)"
            cold = kelvin < fridge.cold_below_k
            yield Finding(entry.name, channel, asked, told, "same" if cold else "differs")
        if not fridges:
            yield Finding(entry.name, channel, "", told, "noted")


def _at(entry: InstrumentEntry) -> str:
    if isinstance(entry.address, HostAddress):
        return entry.address.host
    return entry.address.resource
