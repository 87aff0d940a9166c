"""Executes assembled Q1ASM programs and yields their real-time events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from podium.firmware_interfaces.qblox_cluster.q1asm import Assembled
from podium.sim_instruments.twins.qblox_cluster.real_time_trace import RealTimeTrace


class NotEmulated(Exception):
    """The program is correct, but uses an instruction that this twin cannot execute."""


@dataclass(frozen=True, slots=True)
class SequencerSetup:
    """What a sequencer's parameters and memories say when it starts."""

    waveform_lengths: Mapping[int, int] = field(default_factory=dict)
    """Samples (ns) of each waveform index."""
    weight_lengths: Mapping[int, int] = field(default_factory=dict)
    acquisition_bins: Mapping[int, int] = field(default_factory=dict)
    """Number of bins of each acquisition index."""
    readout: bool = False
    """Whether the module can acquire (QRM, QRM-RF)."""
    sync: bool = False
    """``sync_en``: whether ``wait_sync`` waits for the others."""
    gain: tuple[int, int] = (32767, 32767)
    """``gain_awg_path0/1`` as signed 16 bit."""
    offset: tuple[int, int] = (0, 0)
    """``offset_awg_path0/1`` as signed 16 bit."""
    nco_freq: int = 0
    """``nco_freq`` in steps of 0.25 Hz."""
    nco_phase: int = 0
    """``nco_phase_offs`` in 1e-9 turns."""
    marker: int = 0


class Q1Processor:
    """One sequencer's processor with a program in its memory, before its start."""

    def __init__(self, program: Assembled, setup: SequencerSetup) -> None:
        """Load the program; raise :class:`NotEmulated` where it holds what we cannot execute."""
        self.setup = setup
        raise NotImplementedError

    def run(self) -> RealTimeTrace:
        """Run from the start to the end, alone: ``wait_sync`` waits for nobody."""
        return run_together((self,))[0]


def run_together(processors: Sequence[Q1Processor]) -> tuple[RealTimeTrace, ...]:
    """Start all processors at the same instant and run them to their ends."""
    raise NotImplementedError
