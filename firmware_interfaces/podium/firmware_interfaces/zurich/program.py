"""A compiled program for an instrument of Zurich Instruments is all that it is given.

A compiler makes a :class:`ZurichProgram`, a driver loads it. It holds plain numbers, strings,
tuples and string-keyed mappings only, so that ``dataclasses.asdict`` of it goes through JSON or
msgpack, and :func:`from_plain` brings it back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import prod
from typing import Any, Literal

from podium.firmware_interfaces.compiled_program import (
    ExternalTone,
    Quantised,
    tuples,
)

Core = Literal["sg", "qa", "hdawg"]
"""Kinds of sequencers: of a signal generator, of a quantum analyzer, of two HDAWG channels."""
Setting = tuple[str, int | float | tuple[float, ...]]
"""A node below the instrument, e.g. ``sgchannels/0/output/on``, and its value; several are a
vector."""
SAMPLE_CLOCK = "system/clocks/sampleclock/freq"
"""The node of an HDAWG's sample rate."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """One entry of a core's wave table (``awg/waveform/waves/N``)."""

    index: int
    """Of ``assignWaveIndex``."""
    name: str
    i: tuple[int, ...]
    """Words of 16 bits, 32767 is 1: the real part; a multiple of 16 of them, at least 32."""
    q: tuple[int, ...] | None
    """The imaginary part of a signal generator's waveform; None on an HDAWG."""


@dataclass(frozen=True, slots=True)
class ReadoutWaveform:
    """One readout waveform (``generator/waveforms/N/wave``), its carrier included."""

    slot: int
    frame: str
    i: tuple[float, ...]
    """1 is full scale; at most 4096 samples."""
    q: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class IntegrationWeights:
    """One set of weights (``readout/integration/weights/N/wave``), its carrier included.

    The result is the sum of weight times sample, both complex.
    """

    slot: int
    frame: str
    i: tuple[float, ...]
    q: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CoreProgram:
    """Everything that one sequencer is given beside settings."""

    kind: Core
    index: int
    """Of the channel (``sgchannels/N``, ``qachannels/N``), or of the pair (``awgs/N``)."""
    frames: tuple[str, ...]
    text: str
    """SeqC."""
    waveforms: tuple[Waveform, ...] = ()
    command_table: str | None = None
    """JSON, for ``commandtable/data``."""
    readout_waveforms: tuple[ReadoutWaveform, ...] = ()
    weights: tuple[IntegrationWeights, ...] = ()

    @property
    def node(self) -> str:
        """The node below which the sequencer is, e.g. ``sgchannels/0/awg``."""
        match self.kind:
            case "sg":
                return f"sgchannels/{self.index}/awg"
            case "qa":
                return f"qachannels/{self.index}/generator"
            case "hdawg":
                return f"awgs/{self.index}"


@dataclass(frozen=True, slots=True)
class ResultLayout:
    """Locates one capture of the pulse program in the results, and gives its shape.

    The result logger of the channel takes one entry for each start of the integration that has a
    window: that of point ``p`` in repetition ``r`` of those that are logged apart is
    ``(r * points + p) * entries + entry``; points count with the last axis fastest.
    """

    capture: str
    frame: str
    channel: int
    slots: tuple[int, ...]
    """The integrator (``readout/result/data/N/wave``) that has it: one for all; or one for each
    point; or one for each point in each repetition of a round, after which they come again."""
    entry: int
    """Which of the entries of a shot."""
    entries: int
    """How many entries a shot makes."""
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    """Number of points of each axis."""
    shots: int
    keep_shots: bool
    logged: int
    """Repetitions that are logged apart: all where shots are kept; 1 where the logger averages
    them; a round where it averages rounds. Unless shots are kept, they are to be averaged."""
    samples: int
    """Of the window: the sum divided by it is the average."""
    rotation_turns: float = 0.0
    """That is in its weights: what is found has turned by it."""
    threshold_v: float | None = None
    """Its result is 1 where the real part of the average is above; None: it has no result."""
    trace_skip: int | None = None
    """Samples from the first of the scope's record to the first of the window; None: no raw trace
    is wanted."""


@dataclass(frozen=True, slots=True)
class CoreResources:
    """The parts of a sequencer's memories that a program takes."""

    kind: Core
    index: int
    frames: tuple[str, ...]
    statements: int
    """Of SeqC, which compile to one instruction each or a few."""
    instructions_max: int
    table_entries: int
    table_entries_max: int
    samples: int
    samples_max: int
    slots: int
    slots_max: int
    """Readout waveforms or integrators, whichever are more."""
    written_out: int = 0
    """Points whose statements are in no loop."""
    undoes: tuple[str, ...] = ()
    """What is undone of flux lines, how, and what is left."""


@dataclass(frozen=True, slots=True)
class Start:
    """The event for which all sequencers wait, so that they begin together."""

    source: int
    """Value of ``awg/auxtriggers/0/channel`` (``generator/auxtriggers/0/channel`` of a QA): which
    signal is digital trigger 1."""
    zsync: bool = False
    """They wait for the start that a PQSC sends instead."""
    offset_fs: int = 0
    """By how much later the first shot comes: takes out a skew. To the nearest sample all of it
    does, and soft pulses by the rest as well."""
    filters_fs: int = 0
    """Of what begins on an edge from outside: by so much all that begins on it is held back for
    the slowest filters of flux lines; what an output's own filters take of it is left out."""
    external: bool = False
    """The signal is an edge at a trigger input, which nobody here gives."""
    analyser_source: int | None = None
    """Value of ``generator/auxtriggers/0/channel`` of a QA beside generators, which numbers trigger
    inputs otherwise; None: the same."""
    lead_fs: int = 400_000_000
    """From the start to the first shot, settling and offset left out: a whole number of 16 samples
    of every instrument. How long each takes from a trigger to its first sample is no matter of the
    compiler (zhinst-timing-models has it)."""


@dataclass(frozen=True, slots=True)
class StartRecord:
    """The record by which an instrument itself shows when its sequencers began.

    The result logger of a channel stamps its first sample, by the instrument's counter."""

    channel: int
    slot: int
    """An integrator that runs (``readout/result/data/N/wave``)."""
    after_fs: int
    """From the start to that sample."""


@dataclass(frozen=True, slots=True)
class ForwardedBit:
    """One result of a PQSC's register bank that is sent to an instrument."""

    position: int
    """In the messages to it, from 0."""
    register: int
    """Of the bank, into which a readout has its results written."""
    index: int
    """Of the result in the register: its integrator."""


@dataclass(frozen=True, slots=True)
class ZurichProgram:
    """One pulse program as one instrument plays it."""

    name: str
    instrument: str
    """As the facility file names it."""
    model: str
    cores: tuple[CoreProgram, ...]
    settings: tuple[Setting, ...]
    """In this order, in one transaction, before the sequencers are enabled."""
    duration_fs: int
    """From the start to the last shot's end, settling included."""
    first_shot_fs: int
    """From the start of the sequencers to the start of the first shot; over ZSync from that start
    to the first shot at the connectors."""
    results: tuple[ResultLayout, ...]
    resources: tuple[CoreResources, ...]
    quantised: Sequence[Quantised]
    """A tuple, or what is as one and is made when it is first looked at."""
    start: Start
    make_listing: Callable[[], str] = field(compare=False, repr=False)
    record: StartRecord | None = None
    """Of what begins on a trigger from outside."""
    forwarded: tuple[ForwardedBit, ...] = ()
    """The results that a PQSC is to send to this instrument."""

    @property
    def tones(self) -> Mapping[str, ExternalTone]:
        """No source outside is needed."""
        return {}

    @property
    def told_apart_shots(self) -> int:
        """Return how many shots are played whose results, 0 or 1, are asked for; 0 if none are."""
        asked = (one for one in self.results if one.threshold_v is not None)
        return max((one.shots * prod(one.shape) for one in asked), default=0)

    @property
    def listing(self) -> str:
        """All that is loaded, for a person."""
        return self.make_listing()


def to_plain(program: ZurichProgram) -> dict[str, Any]:
    """Return ``program`` as nested dicts, tuples, numbers and strings."""
    plain = asdict(replace(program, quantised=tuple(program.quantised), make_listing=str))
    del plain["make_listing"]
    return plain | {"listing": program.listing}


def from_plain(plain: Mapping[str, Any]) -> ZurichProgram:
    """Return the program that :func:`to_plain` wrote (tuples may have become lists).

    Raises TypeError or KeyError where ``plain`` is something else.
    """
    names = ("name", "instrument", "model", "duration_fs", "first_shot_fs")
    return ZurichProgram(
        **{key: plain[key] for key in names},
        cores=tuple(_core(entry) for entry in plain["cores"]),
        settings=tuple(
            (path, tuple(value) if isinstance(value, list) else value)
            for path, value in plain["settings"]
        ),
        results=tuple(ResultLayout(**tuples(entry)) for entry in plain["results"]),
        resources=tuple(CoreResources(**tuples(entry)) for entry in plain["resources"]),
        quantised=tuple(Quantised(**tuples(entry)) for entry in plain["quantised"]),
        start=Start(**plain["start"]),
        make_listing=lambda: str(plain["listing"]),
        record=None if plain.get("record") is None else StartRecord(**plain["record"]),
        forwarded=tuple(ForwardedBit(**one) for one in plain.get("forwarded", ())),
    )


def _core(plain: Mapping[str, Any]) -> CoreProgram:
    entry = tuples(plain)
    entry["waveforms"] = tuple(Waveform(**tuples(one)) for one in entry["waveforms"])
    entry["readout_waveforms"] = tuple(
        ReadoutWaveform(**tuples(one)) for one in entry["readout_waveforms"]
    )
    entry["weights"] = tuple(IntegrationWeights(**tuples(one)) for one in entry["weights"])
    return CoreProgram(**entry)
