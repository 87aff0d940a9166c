"""A compiled program for a Qblox cluster is all that is uploaded, set and read back.

A compiler makes a :class:`ClusterProgram`, a driver loads it. It holds plain numbers,
strings, tuples and string-keyed mappings only, so that ``dataclasses.asdict`` of it goes
through JSON or msgpack, and :func:`from_plain` brings it back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import prod
from typing import Any

from podium.firmware_interfaces.compiled_program import (
    ExternalTone,
    Quantised,
    SwitchRoutes,
    tuples,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS


@dataclass(frozen=True, slots=True)
class Waveform:
    """One entry of a sequencer's waveform memory."""

    name: str
    index: int
    samples: tuple[float, ...]
    """One each nanosecond, -1 to 1: the wire carries ``floor(x * 32767 + 0.5)``, and every
    sample here is such an integer divided by 32767."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """One entry of a sequencer's acquisition list."""

    name: str
    index: int
    bins: int


@dataclass(frozen=True, slots=True)
class SequencerProgram:
    """Everything that one sequencer is given."""

    slot: int
    sequencer: int
    frame: str
    """The frame of the pulse program that this sequencer plays."""
    text: str
    """Q1ASM, bare: no comments, one instruction a line."""
    waveforms: tuple[Waveform, ...]
    acquisitions: tuple[Acquisition, ...]
    output: str
    """``out0`` or ``out1`` of an RF module; ``out0_1``, ``out2_3`` of a baseband module (I, Q);
    empty on a QTM, whose sequencers have one channel each, and where one only works markers."""
    input: str | None
    """``in0`` where the sequencer acquires."""
    nco_hz: float
    """Value of ``nco_freq`` at the start, a multiple of 0.25 Hz; ``mod_en_awg`` is on, and
    ``demod_en_acq`` where it acquires."""
    integration_ns: int
    """``integration_length_acq``; 0 where the sequencer does not acquire."""
    sync: bool = True
    """``sync_en``."""
    rotation_deg: float = 0.0
    """``thresholded_acq_rotation``: by how much records are turned before the threshold."""
    threshold_v: float | None = None
    """Result 1 where the turned record's mean over the window is at least this, V at the input
    connector; None: nobody asks."""
    sends_to: int = 0
    """Trigger address to which acquisitions send; 0: to none."""
    sends_at: int = 1
    """The result at which they do: 1, or 0 (inverted)."""
    listens_to: tuple[int, ...] = ()
    """Trigger addresses on which its program depends."""


@dataclass(frozen=True, slots=True)
class ModuleSettings:
    """Settings of a module before the run. Keys are connectors: ``out0``, ``in0``."""

    slot: int
    module: str
    """``QRM-RF``, ``QCM-RF``, ``QCM`` or ``QTM``."""
    lo_hz: Mapping[str, float] = field(default_factory=dict, hash=False)
    """By output; empty for a baseband module. A QRM-RF has one LO for out0 and in0."""
    output_attenuation_db: Mapping[str, float] = field(default_factory=dict, hash=False)
    input_attenuation_db: Mapping[str, float] = field(default_factory=dict, hash=False)
    scope_sequencer: int | None = None
    """The sequencer whose acquisitions trigger the scope, where a trace is wanted."""
    filters: Mapping[str, Mapping[str, float | str | tuple[float, ...]]] = field(
        default_factory=dict, hash=False
    )
    """By output of a QCM: its real-time filters, by the names of the vendor's client without the
    output, e.g. ``{"out0": {"exp0_amplitude": -0.02}}``."""
    channels: Mapping[str, Mapping[str, str | float | bool]] = field(
        default_factory=dict, hash=False
    )
    """Of a QTM: settings of its channels and quads by the names of the vendor's client, e.g.
    ``{"io_channel2": {"mode": "input", "analog_threshold": 0.8}}``."""


@dataclass(frozen=True, slots=True)
class ResultLayout:
    """Locates one capture of the pulse program in the results, and gives its shape.

    Bin of shot ``s`` and point ``p``: ``p`` where shots are averaged, ``s * points + p``
    where each is kept; points count with the last axis fastest.
    """

    capture: str
    frame: str
    slot: int
    sequencer: int
    acquisition: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    """Number of points of each axis."""
    shots: int
    keep_shots: bool
    integration_ns: int
    trace: bool = False
    """The scope of this slot holds the raw trace of this capture's last shot."""
    result: bool = False
    """Whether its results, 0 or 1, are wanted as well."""
    least: int = 1
    """How often it is made in a shot: from so often, as what was measured goes,"""
    most: int = 1
    """to so often."""


@dataclass(frozen=True, slots=True)
class SequencerResources:
    """The parts of a sequencer's memories that a program takes."""

    slot: int
    sequencer: int
    frame: str
    instructions: int
    instructions_max: int
    registers: int
    registers_max: int
    waveforms: int
    samples: int
    samples_max: int
    bins: int
    bins_max: int
    written_out: tuple[str, ...] = ()
    """Axes that are no loops because the processor has not the time or the registers for them."""
    sends_to: int = 0
    """Trigger address of its results; 0: none."""
    listens_to: tuple[int, ...] = ()
    """Trigger addresses of results on which its program depends."""
    undoes: tuple[str, ...] = ()
    """What the filters of its output undo of the line behind it, and what they leave."""


@dataclass(frozen=True, slots=True)
class ExternalStart:
    """All sequencers wait for the external trigger, meet, and begin together."""

    address: int
    """Of the trigger network, 1 to 15, that the cluster's trigger input is mapped to."""
    offset_ns: int = 0
    """Whole ticks by which the first shot comes later than it would: takes out a skew."""
    late_fs: int = 0
    """The rest of the skew: soft pulses are sampled so much later, or earlier (negative). In what
    is compiled it is at most half a tick."""
    held_ns: int = 0
    """By so much all that begins together is held back for the slowest filters of flux lines: what
    an output's own filters take of it is left out there."""


@dataclass(frozen=True, slots=True)
class ClusterProgram:
    """One pulse program as one cluster plays it."""

    name: str
    cluster: str
    """The instrument, as the facility file names it."""
    sequencers: tuple[SequencerProgram, ...]
    modules: tuple[ModuleSettings, ...]
    tones: Mapping[str, ExternalTone] = field(hash=False)
    """Sources outside the cluster, by the name of the instrument."""
    duration_fs: int
    """From the common start to the last shot's end, settling included."""
    first_shot_ns: int
    """From the common start of the sequencers to the start of the first shot. With a start by
    trigger the common start is the release of the party line, which time keeping captures."""
    results: tuple[ResultLayout, ...]
    resources: tuple[SequencerResources, ...]
    quantised: Sequence[Quantised]
    """A tuple, or what is as one and is made when it is first looked at."""
    make_listing: Callable[[], str] = field(compare=False, repr=False)
    """Returns :attr:`listing`: few look at it, and a long one takes longer than compiling."""
    start: ExternalStart | None = None
    """None: it begins when the sequencers are started."""
    routes: SwitchRoutes = field(default_factory=dict, hash=False)
    """Of optical switches, by the name of the instrument."""

    @property
    def first_shot_fs(self) -> int:
        """Return :attr:`first_shot_ns` in fs."""
        return self.first_shot_ns * FS_PER_NS

    @property
    def told_apart_shots(self) -> int:
        """Return how many shots are played whose results, 0 or 1, are asked for; 0 if none are."""
        return max((one.shots * prod(one.shape) for one in self.results if one.result), default=0)

    @property
    def listing(self) -> str:
        """All programs with a comment on each line, for a person."""
        return self.make_listing()


def to_plain(program: ClusterProgram) -> dict[str, Any]:
    """Return ``program`` as nested dicts, tuples, numbers and strings."""
    plain = asdict(replace(program, quantised=tuple(program.quantised), make_listing=str))
    del plain["make_listing"]
    return plain | {"listing": program.listing}


def from_plain(plain: Mapping[str, Any]) -> ClusterProgram:
    """Return the program that :func:`to_plain` wrote (tuples may have become lists).

    Raises TypeError or KeyError where ``plain`` is something else.
    """
    rest = {key: plain[key] for key in ("name", "cluster", "duration_fs", "first_shot_ns")}
    return ClusterProgram(
        **rest,
        sequencers=tuple(_sequencer(entry) for entry in plain["sequencers"]),
        modules=tuple(ModuleSettings(**entry) for entry in plain["modules"]),
        tones={name: ExternalTone(**tone) for name, tone in plain["tones"].items()},
        results=tuple(ResultLayout(**tuples(entry)) for entry in plain["results"]),
        resources=tuple(SequencerResources(**tuples(entry)) for entry in plain["resources"]),
        quantised=tuple(Quantised(**tuples(entry)) for entry in plain["quantised"]),
        make_listing=lambda: str(plain["listing"]),
        start=None if plain.get("start") is None else ExternalStart(**plain["start"]),
        routes={
            name: {int(input_): output for input_, output in routes.items()}
            for name, routes in plain.get("routes", {}).items()
        },
    )


def _sequencer(plain: Mapping[str, Any]) -> SequencerProgram:
    entry = dict(plain)
    entry["waveforms"] = tuple(Waveform(**tuples(wave)) for wave in entry["waveforms"])
    entry["acquisitions"] = tuple(Acquisition(**one) for one in entry["acquisitions"])
    entry["listens_to"] = tuple(entry.get("listens_to", ()))
    return SequencerProgram(**entry)
