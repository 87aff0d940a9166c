"""Resolves a connector's name in the file to what the model says about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.file_contents import BoxEntry, Complaints, FileContents
from podium.control.facility.problems import KeyPath, suggest
from podium.firmware_interfaces.models import (
    AnalyzerPort,
    Connector,
    DigitalPort,
    InstrumentModel,
    IqOutput,
    Marker,
    ModulatedSource,
    PulseOutput,
    RfInput,
    RfOutput,
    TriggerInput,
    TriggerOutput,
    VoltageOutput,
    WaveformOutput,
)

WHAT: dict[type[Connector], str] = {
    RfOutput: "an RF output",
    RfInput: "an RF input",
    IqOutput: "a pair of baseband outputs (I, Q)",
    VoltageOutput: "an output for a static voltage",
    PulseOutput: "an output for pulses of a voltage",
    ModulatedSource: "a microwave source with an IQ modulator",
    AnalyzerPort: "a port of a network analyzer",
    WaveformOutput: "an output of a waveform generator",
    DigitalPort: "a digital input or output",
    Marker: "a marker output",
    TriggerInput: "a trigger input",
    TriggerOutput: "a trigger output",
}

OFFERED_MAX = 6
PLAY_PULSES: tuple[type[Connector], ...] = (PulseOutput, VoltageOutput)
"""Kinds of connectors that play pulses of a voltage, as far as they have ranges for them."""


@dataclass(frozen=True, slots=True)
class ResolvedConnector:
    """A connector that exists."""

    ref: ConnectorRef
    connector: Connector

    @property
    def sockets(self) -> tuple[ConnectorRef, ...]:
        """The sockets on the panel that it takes."""
        slot = "" if self.ref.slot is None else f"{self.ref.channel.partition('.')[0]}."
        names = self.connector.sockets
        return tuple(ConnectorRef(self.ref.instrument, f"{slot}{name}") for name in names)


def resolve(
    text: str,
    kinds: tuple[type[Connector], ...],
    path: KeyPath,
    parsed: FileContents,
    models: Mapping[str, InstrumentModel],
    complaints: Complaints,
) -> ResolvedConnector | None:
    """Return the connector called ``text``, of one of ``kinds``; None: reported, or not to know.

    Not to know: its instrument's entry is wrong in itself and was reported there. ``models``: of
    the instruments, by their names. Where pulses are wanted, what plays none is of no kind.
    """
    instrument, _, channel = text.partition(".")
    if instrument not in parsed.instruments:
        near = suggest(instrument, parsed.instruments)
        complaints.at(path, f"there is no instrument {instrument!r}; {near}")
        return None
    entry = parsed.instruments[instrument]
    model = models.get(instrument)
    if entry is None or model is None:
        return None
    there = _connectors(entry, model)
    if there is None:
        return None
    if channel not in there:
        complaints.at(path, _no_such(instrument, channel, there, kinds))
        return None
    if not _is_of(there[channel], kinds):
        named = kinds[:1] if kinds == PLAY_PULSES else kinds
        wanted = " or ".join(WHAT[kind] for kind in named)
        offered = [
            one for name in parsed.instruments for one in connectors_of(name, kinds, parsed, models)
        ]
        shown = ", ".join(offered[:OFFERED_MAX]) + (" ..." if len(offered) > OFFERED_MAX else "")
        what = WHAT[type(there[channel])]
        right = f"those here: {shown}" if offered else "no instrument here has one"
        complaints.at(path, f"{text} is {what}; {wanted} is wanted, {right}")
        return None
    return ResolvedConnector(ConnectorRef(instrument, channel), there[channel])


def _connectors(entry: BoxEntry, model: InstrumentModel) -> dict[str, Connector] | None:
    """Return the connectors that the box as fitted has, by name; None: its slots are wrong."""
    if model.modules is None:
        return {connector.name: connector for connector in model.connectors}
    extra = entry.model_extra or {}
    slots = extra.get(model.modules_option)
    if not isinstance(slots, dict):
        return None
    result = {connector.name: connector for connector in model.connectors}
    for slot, module in slots.items():
        if module not in model.modules:
            return None
        for connector in model.modules[module].connectors:
            result[f"{model.place}{slot}.{connector.name}"] = connector
    return result


def _no_such(
    instrument: str,
    channel: str,
    there: dict[str, Connector],
    kinds: tuple[type[Connector], ...],
) -> str:
    if list(there) == [""]:
        return f"{instrument} has one connector only; write {instrument!r}"
    if not there:
        return f"{instrument} has no connector that a line could be wired to"
    if not channel:
        fitting = [name for name, one in there.items() if _is_of(one, kinds)]
        example = f"{instrument}.{(fitting or list(there))[0]}"
        return f"say which connector of {instrument}, e.g. {example!r}"
    slot, dot, _ = channel.partition(".")
    slots = list(dict.fromkeys(name.partition(".")[0] for name in there if "." in name))
    if slots and (not dot or slot not in slots):
        return f"{instrument} has no module in {slot!r}; there is {', '.join(slots)}"
    siblings = [name for name in there if name.startswith(f"{slot}.")] if slots else list(there)
    return f"{instrument} has no connector {channel!r}; {suggest(channel, siblings)}"


def connectors_of(
    name: str,
    kinds: tuple[type[Connector], ...],
    parsed: FileContents,
    models: Mapping[str, InstrumentModel],
) -> list[str]:
    """Return all connectors of an instrument, as fitted, that are of one of ``kinds``."""
    entry = parsed.instruments.get(name)
    if entry is None or name not in models:
        return []
    there = _connectors(entry, models[name]) or {}
    return [str(ConnectorRef(name, at)) for at, one in there.items() if _is_of(one, kinds)]


def _is_of(connector: Connector, kinds: tuple[type[Connector], ...]) -> bool:
    if kinds == PLAY_PULSES and isinstance(connector, VoltageOutput):
        return bool(connector.pulse_ranges_v)
    return isinstance(connector, kinds)
