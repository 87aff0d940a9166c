"""The sequencers of a run on the world, as they and their channels are set when it begins."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.pqsc.zsync import late_samples
from podium.sim_instruments.twins.zurich.quantum_analyzer.analyser_run import own_output
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import ReadoutSettings
from podium.sim_instruments.twins.zurich.quantum_analyzer.multistate import Qudit
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope_trains import (
    ScopeChannel,
    scope_channel_of,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy_trains import ProbeSettings
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG, SHFQA
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source
from podium.sim_instruments.twins.zurich.signals.flux_outputs import FluxOutput, flux_outputs
from podium.sim_instruments.twins.zurich.signals.marker_lines import MARKERS

Key = tuple[str, str]
"""An instrument and a sequencer of it: ``dev12000``, ``sgchannels/0/awg``."""


@dataclass(frozen=True, slots=True, eq=False)
class Analyser:
    """Settings of an analyser's channel when a run begins."""

    waves: dict[int, Complexes]
    settings: ReadoutSettings
    delay: int
    units: int
    qudits: tuple[Qudit, ...] = ()
    """Those with multi-state discrimination; none: every integrator is asked for by itself."""
    carriers: Oscillators | None = None
    """What waveforms and weights ride on; None: they are as written."""
    scope: ScopeChannel | None = None
    """None: it listens to another channel, or not at all."""


@dataclass(frozen=True, slots=True)
class TriggerRoute:
    """Route of a trigger output of one sequencer to another one."""

    emitter: Key
    output: int
    """0 or 1."""
    source: Source
    """As what it hears it."""


@dataclass(frozen=True, slots=True, eq=False)
class Participant:
    """One sequencer of a run: a copy of it that may run ahead, and how its channel is set."""

    run: ProgramRun
    channel: str
    """``sgchannels/0``."""
    centre_hz: float
    range_dbm: float
    on: bool
    oscillators: Oscillators
    analyser: Analyser | ProbeSettings | None
    late: int = 0
    """Samples that a signal takes from the sequencer to the connector."""
    flux: tuple[FluxOutput, ...] = ()
    """The outputs of an HDAWG's core."""
    input_dbm: float = 0.0
    """Range of an analyser's input."""
    synthesizer: str = ""
    """Which one carries its signals: ``synthesizers/1``; empty: none does."""
    turns: float = 0.0
    """The phase of that synthesizer."""
    marker: int | None = None
    """What its marker output shows (``marker/source``); None: nothing of the sequencer's."""
    listens: tuple[TriggerRoute, ...] = ()
    """To trigger outputs of other participants."""
    again_fs: int | None = None
    """It has been played up to where it waited for the trigger at this time; None: it begins."""

    @property
    def key(self) -> Key:
        """Return its instrument and sequencer."""
        return self.run.device, self.run.at

    @property
    def sender(self) -> str:
        """Return its name in the world: ``dev12000/sgchannels/0/awg``."""
        return "/".join(self.key)

    @property
    def output_node(self) -> Key:
        """Its instrument, and the node that counts when the output went beyond full scale."""
        return self.run.device, f"{self.channel}/output/overrangecount"

    @property
    def input_nodes(self) -> tuple[Key, ...]:
        """The same for what comes in: one goes with the other (node documentation)."""
        names = ("overrangecount", "adcoverrangecount")
        return tuple((self.run.device, f"{self.channel}/input/{name}") for name in names)

    @property
    def connector(self) -> str:
        """Its output's name in the facility file, without direction: ``dev12000.sg0``."""
        kind, _, number = self.channel.partition("/")
        return f"{self.run.device}.{'qa' if kind == 'qachannels' else 'sg'}{number}"


def participant_of(
    run: ProgramRun,
    triggers_fs: Sequence[int] = (),
    sources: Collection[Source] = (),
    played: bool = False,
) -> Participant:
    """Return a sequencer as it is when a trigger is given, or when it starts without any.

    ``played``: up to where it waits for this trigger. Raises what settings are refused with.
    """
    setting, channel = run.setting, run.at.rpartition("/")[0]
    again_fs = triggers_fs[0] if played else None
    ahead = run.ahead(again_fs)
    for source in sources:
        ahead.expect_all(triggers_fs, source, later=played)
    late = late_samples(run, channel) if Source.ZSYNC in sources else 0
    if run.model is HDAWG:
        outputs = flux_outputs(run)
        return Participant(
            ahead, run.at, 0.0, 0.0, True, Oscillators(), None, late, outputs, again_fs=again_fs
        )
    analyser: Analyser | ProbeSettings | None = None
    if run.model is SHFQA and int(node_settings.number(setting, f"{channel}/mode")) != 1:
        analyser = _probing(setting, channel)
    elif run.model is SHFQA:
        units = node_settings.units(setting, channel)
        analyser = Analyser(
            node_settings.generator_waveforms(setting, channel, units),
            node_settings.readout_settings(setting, channel, units),
            node_settings.samples(setting, f"{channel}/generator/delay"),
            units,
            node_settings.qudits(setting, channel, units),
            node_settings.readout_carriers(setting, channel, units),
            scope_channel_of(setting, int(channel.rpartition("/")[2])),
        )
    return Participant(
        ahead,
        channel,
        node_settings.number(setting, f"{channel}/centerfreq"),
        node_settings.number(setting, f"{channel}/output/range"),
        bool(node_settings.number(setting, f"{channel}/output/on")),
        Oscillators() if analyser else node_settings.drive_oscillators(setting, channel),
        analyser,
        late,
        input_dbm=node_settings.number(setting, f"{channel}/input/range") if analyser else 0.0,
        synthesizer=_synthesizer(setting, channel),
        marker=None if analyser else _marker(setting, channel),
        again_fs=again_fs,
    )


def _synthesizer(setting: node_settings.Setting, channel: str) -> str:
    if not node_settings.number(setting, f"{channel}/output/rflfpath"):
        return ""
    if channel.startswith("qachannels/"):
        return channel
    return f"synthesizers/{int(node_settings.number(setting, f'{channel}/synthesizer'))}"


def _probing(setting: node_settings.Setting, channel: str) -> ProbeSettings:
    chosen = node_settings.number(setting, f"{channel}/spectroscopy/trigger/channel")
    return ProbeSettings(
        node_settings.spectroscopy_settings(setting, channel),
        node_settings.oscillators(setting, channel, 1),
        own_output(chosen, int(channel.rpartition("/")[2])),
    )


def _marker(setting: node_settings.Setting, channel: str) -> int | None:
    source = int(node_settings.number(setting, f"{channel}/marker/source"))
    return source if source < MARKERS else None
