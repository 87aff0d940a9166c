"""Runs a few words on sequencers of Zurich Instruments, and shapes a few samples."""

import numpy as np

from podium.firmware_interfaces.zurich.awg_limits import HDAWG_RATE_HZ
from podium.firmware_interfaces.zurich.elf import SequencerElf
from podium.firmware_interfaces.zurich.precompensation import exponential_filter
from podium.sim_instruments.twins.zurich.sequencer.image import SHFSG, make_image
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators, stretches_of
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Status
from podium.sim_instruments.twins.zurich.signals.filter_kernel import FilterChain, Responses
from podium.sim_instruments.twins.zurich.signals.nanoseconds import each_ns
from podium.sim_instruments.twins.zurich.signals.precompensation import Precompensation

SEQUENCER_WORDS = (0xF600_0092, 0x3000_0040, 0xF600_0022, 0)
"""``st R0, 146``, ``wvfs 0, R0, 64``, ``st R0, 34``, ``end``."""


def run_sequencer() -> None:
    """Run a few words on a sequencer of Zurich Instruments, and follow one of its oscillators."""
    text = np.array(SEQUENCER_WORDS, "<u4").tobytes()
    trace = Processor(make_image(SequencerElf(text, "", "", (), (), "", ""), SHFSG)).run()
    if trace.status is not Status.ENDED:
        raise RuntimeError(f"a sequencer did not play its few words: {trace.status.name}")
    stretches_of(trace, Oscillators(), 0, HDAWG_RATE_HZ)


def run_filters() -> None:
    """Take a stretch through the precompensation of an output of an HDAWG, and pass it again.

    Words of other outputs are made nanoseconds.
    """
    chain = FilterChain(Precompensation((exponential_filter(1e-7, 0.1, HDAWG_RATE_HZ),)))
    response = chain.response(np.zeros(1, np.int64), np.zeros(1), 64)
    chain.advance_over(np.zeros(1, np.int64), Responses.of([response]))
    each_ns(np.zeros(1, np.int64), np.ones(1, np.int64), 0)
