"""Checks the lines that carry results from one controller to another."""

from collections.abc import Callable, Mapping

from podium.control.facility.connectors import ResolvedConnector, connectors_of, resolve
from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.problems import KeyPath
from podium.control.facility.timing_entries import ResultLineEntry
from podium.firmware_interfaces.models import (
    Connector,
    DigitalPort,
    InstrumentModel,
    Marker,
    TriggerInput,
)

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
    nodes = {name: node for name, node in parsed.nodes.items() if node is not None}
    feedlines = {f"{name}.{one}" for name, node in nodes.items() for one in node.entry.feedlines}
    measuring = {outputs[one].ref.instrument for one in feedlines & outputs.keys()}
    playing = {output.ref.instrument for output in outputs.values()}
    for name, entry in parsed.result_lines.items():
        if entry is None:
            continue
        path: KeyPath = ("timing", "result_lines", name)
        if entry.delay.value < 0:
            message = "a cable cannot be left before it is entered: 0 ns or more"
            complaints.at((*path, "delay"), message)
        if _models_carry(entry, path, parsed, models, complaints):
            ends = _ends(entry, path, parsed, models, complaints)
            each = zip(ends, ("output", "input"), (measuring, playing), strict=True)
            for end, key, fitting in each:
                plug(end, (*path, key))
                _check_end(end, (*path, key), parsed, fitting, complaints)


def _models_carry(
    entry: ResultLineEntry,
    path: KeyPath,
    parsed: FileContents,
    models: Mapping[str, InstrumentModel],
    complaints: Complaints,
) -> bool:
    """Check that both ends are controllers that send and receive results, and not one."""
    found = True
    for key in ("output", "input"):
        instrument = getattr(entry, key).partition(".")[0]
        model = models.get(instrument)
        if model is not None and model.results is None:
            can = [name for name, one in models.items() if one.results is not None]
            right = ", ".join(can) or "there is none here"
            message = (
                f"{instrument} is a {model.name}: results travel by wire between controllers of "
                f"markers and inputs for them ({right}); to and from others a run is cut (podium "
                "run --cut)"
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


def _ends(
    entry: ResultLineEntry,
    path: KeyPath,
    parsed: FileContents,
    models: Mapping[str, InstrumentModel],
    complaints: Complaints,
) -> tuple[ResolvedConnector | None, ResolvedConnector | None]:
    """Return both connectors; what is none that carries a result is reported."""
    shows: tuple[type[Connector], ...] = (Marker, DigitalPort)
    reads: tuple[type[Connector], ...] = (DigitalPort, TriggerInput)
    at_input = (*path, "input")
    output = resolve(entry.output, shows, (*path, "output"), parsed, models, complaints)
    entered = resolve(entry.input, reads, at_input, parsed, models, complaints)
    if entered is None or not isinstance(entered.connector, TriggerInput):
        return output, entered
    instrument, socket = entered.ref.instrument, entered.ref.socket
    if entered.ref.slot is None:
        message = (
            f"{entry.input} is the one trigger input of its cluster, where the start of a run "
            "comes in; results come in at a QTM, e.g. "
            f"'{instrument}.slot6.io0' with 'modules: {{6: QTM}}'"
        )
        complaints.at(at_input, message)
        return output, None
    if not entered.connector.reads_level:
        generators = [
            one
            for one in connectors_of(instrument, (TriggerInput,), parsed, models)
            if one.startswith(f"{instrument}.") and one.rpartition(".")[2].startswith("sg")
        ]
        right = f"e.g. {generators[-1]!r}" if generators else "and it has no generator"
        message = (
            f"{entry.input}: no generator reads the level of {socket}, and results are read by "
            f"those; take a trigger input of one, {right}"
        )
        complaints.at(at_input, message)
        return output, None
    return output, entered


def _check_end(
    end: ResolvedConnector | None,
    path: KeyPath,
    parsed: FileContents,
    fitting: set[str],
    complaints: Complaints,
) -> None:
    """Check the controller of an end; ``fitting``: those that measure, or that play."""
    if end is None:
        return
    instrument = end.ref.instrument
    if instrument not in parsed.triggers:
        message = (
            f"{instrument} starts on no trigger, so its shots are at nobody else's time; add it "
            "under timing > triggers"
        )
        complaints.at(path, message)
    if instrument not in fitting:
        what = "measures nothing" if path[-1] == "output" else "plays nothing"
        right = ", ".join(sorted(fitting)) or "nothing is wired"
        complaints.at(path, f"{instrument} {what}; those that do: {right}")
