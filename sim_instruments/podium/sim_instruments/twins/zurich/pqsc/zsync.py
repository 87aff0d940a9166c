"""Sequencers receive a start of the PQSC over ZSync; their signals come out later by a delay.

An instrument whose reference clock is another has no ZSync link (node documentation: links are
lost when the source is changed); a generator of an SHFSG listens to its DIO unless its switch says
otherwise, an HDAWG unless its DIO is in the mode ``qccs`` (zhinst-toolkit 1.4.0,
``enable_qccs_mode``).
"""

from collections.abc import Iterator
from typing import Final

from podium.firmware_interfaces.zurich.latency import OUTPUT_ROUTER_SAMPLES, OUTPUT_SAMPLES, Output
from podium.sim_instruments.twins.zurich.nodes.node_settings import number
from podium.sim_instruments.twins.zurich.pqsc.zsync_cables import ZSYNC_CLOCK, clock_node
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG, SHFQA, SHFSG
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import CYCLE, Source

QCCS: Final = 3
"""``dios/0/mode`` (node documentation)."""
_SEEN: Final = CYCLE
"""Samples from a trigger to the first play after it within a sequencer: those that the vendor
measured to the connector contain them."""


def sources_of(run: ProgramRun) -> Iterator[Source]:
    """Yield as what a sequencer hears a start of the PQSC; nothing where it listens elsewhere."""
    setting = run.setting
    if int(number(setting, clock_node(run.model is HDAWG))) != ZSYNC_CLOCK:
        return
    if run.model is SHFQA:
        yield Source.ZSYNC
    elif run.model is SHFSG:
        if number(setting, f"{run.at}/diozsyncswitch"):
            yield Source.ZSYNC
    elif int(number(setting, "dios/0/mode")) == QCCS:
        # Its program waits for the one, results come as the other.
        yield from (Source.ZSYNC, Source.DIO)


def late_samples(run: ProgramRun, channel: str) -> int:
    """Return how many samples of 2 GSa/s later than it is played a signal is at the connector.

    For a run that ZSync started, as the vendor's model says
    (:mod:`podium.firmware_interfaces.zurich.latency`); ``channel``: ``sgchannels/0``.
    """
    if run.model is HDAWG:
        return OUTPUT_SAMPLES[Output.HDAWG, True] - _SEEN
    rf = bool(number(run.setting, f"{channel}/output/rflfpath"))
    if run.model is SHFQA:
        return OUTPUT_SAMPLES[Output.QA_RF if rf else Output.QA_LF, True] - _SEEN
    samples = OUTPUT_SAMPLES[Output.SG_RF if rf else Output.SG_LF, True] - _SEEN
    routed = number(run.setting, f"{channel}/outputrouter/enable")
    return samples + (OUTPUT_ROUTER_SAMPLES if routed else 0)
