"""Checks what a facility file says of alarms, and makes values in SI of it."""

from podium.control.facility import schema
from podium.control.facility.alarm_signals import ALARM_SIGNALS, SILENT, UNKNOWN
from podium.control.facility.facility import AlarmSetting
from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.problems import KeyPath, suggest
from podium.firmware_interfaces.fridge_signals import OUTPUTS
from podium.firmware_interfaces.quantity import UNITS, QuantityError, parse_quantity

LEVELS = ("above", "below", "deadband")


def check_alarms(parsed: FileContents, complaints: Complaints) -> None:
    """Check that alarms have known names or signals, one limit, and quantities of their units."""
    for fridge, entry in parsed.fridges.items():
        if entry is None:
            continue
        for name, alarm in entry.alarms.items():
            _check(name, alarm, entry, ("fridges", fridge, "alarms", name), complaints)
    for index, address in enumerate(parsed.notices):
        if "://" not in address:
            complaints.at(
                ("notices", index),
                f"{address!r} is no address of a notice; Apprise writes them like "
                "'mailtos://user:password@example.org' or 'json://localhost:8080'",
            )


def _check(
    name: str,
    alarm: schema.AlarmEntry,
    fridge: schema.FridgeEntry,
    path: KeyPath,
    complaints: Complaints,
) -> None:
    usual = ALARM_SIGNALS.get(name)
    if usual is None and alarm.signal is None:
        if _of_readings(name, fridge):
            _check_without_level(name, alarm, path, complaints)
            return
        near = suggest(name, ALARM_SIGNALS)
        message = f"there is no usual alarm {name!r}; {near}; one of your own names its 'signal'"
        complaints.at(path, message, at_key=True)
        return
    if usual is not None and alarm.signal not in (None, usual.signal):
        message = f"{name} watches {usual.signal}; give an alarm of another signal another name"
        complaints.at((*path, "signal"), message)
        return
    signal = usual.signal if alarm.signal is None and usual is not None else str(alarm.signal)
    if signal not in OUTPUTS:
        message = f"a fridge has no signal {signal!r}; {suggest(signal, OUTPUTS)}"
        complaints.at((*path, "signal"), message)
        return
    if alarm.above is not None and alarm.below is not None:
        complaints.at((*path, "below"), "an alarm is above or below a limit; make it two")
    if usual is None and alarm.above is None and alarm.below is None and alarm.enabled:
        complaints.at(path, f"{name!r} has no limit; write 'above' or 'below'", at_key=True)
    other = "below" if usual is not None and usual.side == "above" else "above"
    if usual is not None and getattr(alarm, other) is not None:
        message = f"{name} is an alarm {usual.side} its limit; for {other} give it another name"
        complaints.at((*path, other), message, at_key=True)
    for key in LEVELS:
        try:
            level = level_of(getattr(alarm, key), OUTPUTS[signal])
        except QuantityError as error:
            complaints.at((*path, key), str(error))
            continue
        if key == "deadband" and level is not None and level < 0:
            complaints.at((*path, key), "it must not be negative")


def _of_readings(name: str, fridge: schema.FridgeEntry) -> bool:
    instruments = (fridge.thermometer.partition(".")[0], *fridge.instruments)
    known = {f"{one}{SILENT}" for one in instruments}
    return name in known or (name.endswith(UNKNOWN) and len(name) > len(UNKNOWN))


def _check_without_level(
    name: str, alarm: schema.AlarmEntry, path: KeyPath, complaints: Complaints
) -> None:
    for key in (*LEVELS, "over"):
        if getattr(alarm, key) is not None:
            complaints.at((*path, key), f"{name} has no level: it is of readings that are missing")


def level_of(written: schema.AlarmLevel | None, unit: str) -> float | None:
    """Return a level in SI; raises ``QuantityError``. A unit that files do not write needs none."""
    if written is None:
        return None
    return parse_quantity(written, unit if unit in UNITS else "1")


def alarm_settings(fridge: schema.FridgeEntry) -> tuple[AlarmSetting, ...]:
    """Return the alarms of a fridge that was checked."""
    found = []
    for name, one in fridge.alarms.items():
        usual = ALARM_SIGNALS.get(name)
        signal = one.signal or ("" if usual is None else usual.signal)
        unit = OUTPUTS.get(signal, "1")
        found.append(
            AlarmSetting(
                name,
                enabled=one.enabled,
                signal=None if usual is not None else one.signal,
                above=level_of(one.above, unit),
                below=level_of(one.below, unit),
                deadband=level_of(one.deadband, unit),
                over_s=one.over,
                on_delay_s=one.on_delay,
                off_delay_s=one.off_delay,
                latching=one.latching,
                priority=one.priority,
                what=one.what,
                cause=one.cause,
                to_do=one.to_do,
            )
        )
    return tuple(found)
