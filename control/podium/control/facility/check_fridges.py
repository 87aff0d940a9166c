"""Checks fridges: their thermometers, the instruments around them, and their procedures."""

from collections.abc import Mapping

from podium.control.facility import schema
from podium.control.facility.check_nodes import playing
from podium.control.facility.facility import Facility
from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.fridge_procedures import PROCEDURE_NAMES, missing_for
from podium.control.facility.fridge_wiring import wiring_of
from podium.control.facility.instrument_models import channels_of
from podium.control.facility.problems import KeyPath, suggest
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import (
    COLD_PLATE,
    FIRST_STAGE,
    FRIDGE_MODELS,
    MIXING_CHAMBER,
    SECOND_STAGE,
    STAGE_NAMES,
    STILL,
    stage_of,
)
from podium.firmware_interfaces.models import InstrumentModel
from podium.firmware_interfaces.quantity import format_quantity

COLD_BELOW_MAX_K = 1.0
"""No mixture has separated above 0.87 K, and no superconducting qubit is played warmer."""
STAGE_LEAST_K = {FIRST_STAGE: 20.0, SECOND_STAGE: 2.0, STILL: 0.4, COLD_PLATE: 0.02}
"""No stage above a mixing chamber gets colder. ASSUMED: half of what data sheets and papers of dry
dilution refrigerators have (some 45 K, 3.5 K, 0.7 to 1 K, 50 to 100 mK)."""
WIRED = {"heaters": "heater", "gauges": "gauge", "pump": "turbo pump"}
"""By option that wires an instrument to its fridge: what its words name."""


def check_fridges(
    parsed: FileContents, models: Mapping[str, InstrumentModel], complaints: Complaints
) -> None:
    """Check that every fridge has a thermometer that reads a channel by that name.

    Its instruments must be there, and each be of one fridge; nothing is wired twice.
    """
    owners: dict[str, str] = {}
    for name, fridge in parsed.fridges.items():
        if fridge is None:
            continue
        for index, instrument in enumerate(fridge.instruments):
            at: KeyPath = ("fridges", name, "instruments", index)
            if instrument not in parsed.instruments:
                near = suggest(instrument, parsed.instruments)
                complaints.at(at, f"there is no instrument {instrument!r}; {near}")
            elif owners.setdefault(instrument, name) != name:
                complaints.at(at, f"{instrument} is of {owners[instrument]} already")
        if fridge.cold_below > COLD_BELOW_MAX_K and _cools_qubits(name, fridge, parsed):
            complaints.at(
                ("fridges", name, "cold_below"),
                f"{fridge.cold_below:g} K is no limit for playing on qubits; write at most "
                f"{COLD_BELOW_MAX_K:g} K, as '30 mK'",
            )
        _check_names_of_procedures(name, fridge, complaints)
    for name, fridge in parsed.fridges.items():
        if fridge is not None:
            _check_thermometer(name, fridge, owners, parsed, models, complaints)
            _check_wired_once(name, fridge, parsed, complaints)
    _check_wired_to_a_fridge(owners, parsed, complaints)


def _cools_qubits(name: str, fridge: schema.FridgeEntry, parsed: FileContents) -> bool:
    """Return whether a node is in this fridge, or its thermometer is at a mixing chamber.

    A cryostat without either may be one of 4 K, where amplifiers or filters are measured.
    """
    if any(node is not None and node.entry.fridge == name for node in parsed.nodes.values()):
        return True
    return stage_of(fridge.thermometer.partition(".")[2]) == MIXING_CHAMBER


def _check_thermometer(
    name: str,
    fridge: schema.FridgeEntry,
    owners: Mapping[str, str],
    parsed: FileContents,
    models: Mapping[str, InstrumentModel],
    complaints: Complaints,
) -> None:
    path: KeyPath = ("fridges", name, "thermometer")
    instrument, _, channel = fridge.thermometer.partition(".")
    if instrument not in parsed.instruments:
        near = suggest(instrument, parsed.instruments)
        complaints.at(path, f"there is no instrument {instrument!r}; {near}")
        return
    entry = parsed.instruments[instrument]
    model = models.get(instrument)
    if entry is None or model is None:
        return
    if "Thermometer" not in model.roles:
        near = ", ".join(playing("Thermometer", models)) or "there is none"
        complaints.at(path, f"{instrument} is no thermometer; thermometers here: {near}")
        return
    names = channels_of(entry, model)
    if names is not None and channel not in names:
        near = suggest(channel, names)
        said = f"has no channel {channel!r}; {near}"
        if not channel:
            said = f"has channels: say which one, as {instrument}.{names[0]}; {near}"
        complaints.at(path, f"{instrument} {said}")
    least_k = STAGE_LEAST_K.get(stage_of(channel) or "", 0.0)
    if fridge.cold_below < least_k:
        complaints.at(
            path,
            f"{channel} never gets as cold as {format_quantity(fridge.cold_below, 'K')}, so that "
            "nothing would ever be played; name a thermometer at the mixing chamber, or write "
            "'cold_below' for this one",
        )
    if (owner := owners.get(instrument, name)) != name:
        complaints.at(
            path,
            f"{instrument} is an instrument of {owner}: {name} would count as cold when {owner} "
            "is; name a thermometer of its own",
        )


def _check_names_of_procedures(
    name: str, fridge: schema.FridgeEntry, complaints: Complaints
) -> None:
    for index, procedure in enumerate(fridge.procedures):
        at: KeyPath = ("fridges", name, "procedures", index)
        if procedure not in PROCEDURE_NAMES:
            near = suggest(procedure, PROCEDURE_NAMES)
            complaints.at(at, f"there is no procedure {procedure!r}; {near}")
        elif procedure in fridge.procedures[:index]:
            complaints.at(at, f"{procedure} is named twice; remove one of them")


def _instruments_of(fridge: schema.FridgeEntry) -> tuple[str, ...]:
    thermometer = fridge.thermometer.partition(".")[0]
    return tuple(dict.fromkeys((thermometer, *fridge.instruments)))


def _wired(
    instrument: str, parsed: FileContents, options: Mapping[str, str]
) -> list[tuple[str, str, KeyPath]]:
    """Return what options wire an instrument to: the kind of part, its name, and the place."""
    entry, found = parsed.instruments.get(instrument), list[tuple[str, str, KeyPath]]()
    if not isinstance(entry, schema.InstrumentEntry):
        return found
    for option, kind in options.items():
        given = (entry.model_extra or {}).get(option)
        path: KeyPath = ("instruments", instrument, option)
        if isinstance(given, dict):
            found += [(kind, str(word), (*path, key)) for key, word in given.items()]
        elif isinstance(given, str):
            found.append((kind, given, path))
    return found


def _check_wired_once(
    name: str, fridge: schema.FridgeEntry, parsed: FileContents, complaints: Complaints
) -> None:
    """Check that no heater, gauge or turbo pump of a fridge is wired to two outputs or inputs."""
    first: dict[tuple[str, str], KeyPath] = {}
    for instrument in _instruments_of(fridge):
        for kind, word, path in _wired(instrument, parsed, WIRED):
            before = first.setdefault((kind, word), path)
            if before != path:
                line = parsed.source.line(before)
                complaints.at(
                    path,
                    f"the {kind} {word} of {name} is wired to {before[1]} already (line {line}); "
                    "each is wired once",
                )


def _check_wired_to_a_fridge(
    owners: Mapping[str, str], parsed: FileContents, complaints: Complaints
) -> None:
    """Check that what heats, measures or pumps a fridge is an instrument of one."""
    fridges = {name: fridge for name, fridge in parsed.fridges.items() if fridge is not None}
    placed = {*owners, *(one.thermometer.partition(".")[0] for one in fridges.values())}
    if not fridges or len(fridges) < len(parsed.fridges):
        return
    for instrument in parsed.instruments:
        wired = [] if instrument in placed else _wired(instrument, parsed, WIRED)
        if wired:
            kind, word, path = wired[0]
            complaints.at(
                path[:3],
                f"the {kind} {word} is of no fridge; add {instrument} to the 'instruments' of "
                f"{' or '.join(fridges)}",
                at_key=True,
            )


def check_procedures(facility: Facility, complaints: Complaints) -> None:
    """Check that an otherwise sound file has all parts and readings its procedures need."""
    for name, fridge in facility.fridges.items():
        wiring = wiring_of(facility, fridge)
        for index, procedure in enumerate(fridge.procedures):
            parts, readings = missing_for(procedure, wiring)
            if not parts and not readings:
                continue
            needs = [*parts, *(one for one in readings if one not in parts)]
            shown = ", ".join(needs[:3]) + (f" and {len(needs) - 3} more" if needs[3:] else "")
            complaints.at(
                ("fridges", name, "procedures", index),
                f"{procedure} needs {shown}; {_remedy(needs)}, or remove {procedure}",
            )


def _remedy(needs: list[str]) -> str:
    """Return what to add for signals that nothing sets or reads."""
    found = []
    if any(one.startswith(("valve.", "pump.")) or one == signals.HEAT_SWITCH for one in needs):
        found.append("the software that operates it (bluefors_control)")
    if any(one.startswith("compressor.") or one == signals.PULSE_TUBE for one in needs):
        found.append("its helium compressor (cryomech_cpa)")
    if any(one.startswith("pressure.") for one in needs):
        found.append("a gauge controller (pfeiffer_tpg366)")
    if any(one.startswith("temperature.") for one in needs):
        found.append("a thermometer with channels for these stages")
    if any(one.startswith("heater.") for one in needs):
        found.append("a box with that heater")
    return f"add to 'instruments' {' and '.join(found)}"


def remark_on_fridges(parsed: FileContents, facility: Facility, remarks: Complaints) -> None:
    """Remark on models of fridge that are not known, and channels that name none of its stages."""
    for fridge in facility.fridges.values():
        if fridge.model is not None and fridge.model not in FRIDGE_MODELS:
            remarks.at(
                ("fridges", fridge.name, "model"),
                f"constants of a fridge {fridge.model!r} are not known: it has alarms, but no "
                "observer and no countdowns, and a twin of it keeps its cold temperatures; "
                f"{suggest(fridge.model, FRIDGE_MODELS)}",
            )
        if not fridge.instruments:
            continue
        for instrument in dict.fromkeys((fridge.thermometer.instrument, *fridge.instruments)):
            for _, word, path in _wired(instrument, parsed, {"channels": "channel"}):
                if stage_of(word) is None:
                    names = ", ".join(known[0] for known in STAGE_NAMES.values())
                    remarks.at(
                        path,
                        f"{word!r} names no stage of {fridge.name}: it is shown, but watched by no "
                        f"rule and used by no procedure; a stage is called {names}",
                    )
