"""Checks the lines that carry results from one controller to another."""

from collections.abc import Callable, Mapping

from podium.control.facility import schema
from podium.control.facility.connectors import ResolvedConnector, resolve
from podium.control.facility.file_contents import BoxEntry, Complaints, FileContents
from podium.control.facility.problems import KeyPath
from podium.control.facility.timing_entries import ResultLineEntry
from podium.firmware_interfaces.models import (
    Connector,
    DigitalPort,
    InstrumentModel,
    Marker,
    TriggerInput,
)

CARRIES = "qblox_cluster"
"""The model whose markers and digital inputs carry results."""
Plug = Callable[[ResolvedConnector | None, KeyPath], None]


def check_result_lines(
    parsed: FileContents,
    models: Mapping[str, InstrumentModel],
    outputs: Mapping[str, ResolvedConnector],
    complaints: Complaints,
    plug: Plug,
) -> None:
    """Check every line that carries results.

    ``outputs``: of the wiring, by port; ``plug`` notes that a cable takes a connector.
    """
    played = {output.ref.instrument for output in outputs.values()}
    for name, entry in parsed.result_lines.items():
        if entry is None:
            continue
        path: KeyPath = ("timing", "result_lines", name)
        if entry.delay.value < 0:
            message = "a cable cannot be left before it is entered: 0 ns or more"
            complaints.at((*path, "delay"), message)
        if _families_carry(entry, path, parsed, complaints):
            ends = _ends(entry, path, parsed, models, complaints)
            for end, key in zip(ends, ("output", "input"), strict=True):
                plug(end, (*path, key))
                _check_end(end, (*path, key), parsed, played, complaints)


def _families_carry(
    entry: ResultLineEntry, path: KeyPath, parsed: FileContents, complaints: Complaints
) -> bool:
    """Check that both ends are Qblox clusters, and not one."""
    found = True
    for key in ("output", "input"):
        instrument = getattr(entry, key).partition(".")[0]
        box = parsed.instruments.get(instrument)
        if box is not None and _kind(box) != CARRIES:
            clusters = [
                name
                for name, one in parsed.instruments.items()
                if one is not None and _kind(one) == CARRIES
            ]
            right = ", ".join(clusters) or "there is none here"
            message = (
                f"{instrument} is a {_kind(box)}: results travel by wire between Qblox clusters "
                f"({right}); to and from others a run is cut (podium run --cut)"
            )
            complaints.at((*path, key), message)
            found = False
    here, there = (one.partition(".")[0] for one in (entry.output, entry.input))
    if here == there:
        message = (
            f"both ends are of {here}, within which results travel by its own trigger network; "
            "remove this line"
        )
        complaints.at(path, message, at_key=True)
        found = False
    return found


def _kind(box: BoxEntry) -> str:
    """Return a box's model, or by what driver it is."""
    return box.model if isinstance(box, schema.InstrumentEntry) else box.driver


def _ends(
    entry: ResultLineEntry,
    path: KeyPath,
    parsed: FileContents,
    models: Mapping[str, InstrumentModel],
    complaints: Complaints,
) -> tuple[ResolvedConnector | None, ResolvedConnector | None]:
    """Return both connectors; what is none that carries a result is reported."""
    output = resolve(entry.output, (Marker,), (*path, "output"), parsed, models, complaints)
    at_input = (*path, "input")
    kinds: tuple[type[Connector], ...] = (DigitalPort, TriggerInput)
    entered = resolve(entry.input, kinds, at_input, parsed, models, complaints)
    if entered is not None and isinstance(entered.connector, TriggerInput):
        message = (
            f"{entry.input} is the one trigger input of its cluster, where the start of a run "
            "comes in; results come in at a QTM, e.g. "
            f"'{entered.ref.instrument}.slot6.io0' with 'modules: {{6: QTM}}'"
        )
        complaints.at(at_input, message)
        return output, None
    return output, entered


def _check_end(
    end: ResolvedConnector | None,
    path: KeyPath,
    parsed: FileContents,
    played: set[str],
    complaints: Complaints,
) -> None:
    if end is None:
        return
    instrument = end.ref.instrument
    if instrument not in parsed.triggers:
        message = (
            f"{instrument} starts on no trigger, so its shots are at nobody else's time; add it "
            "under timing > triggers"
        )
        complaints.at(path, message)
    if instrument not in played:
        what = "measures nothing" if path[-1] == "output" else "plays nothing"
        right = ", ".join(sorted(played)) or "nothing is wired"
        complaints.at(path, f"{instrument} {what}; those that do: {right}")
