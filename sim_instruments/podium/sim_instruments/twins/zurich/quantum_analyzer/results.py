"""From readouts to the inputs of sequencers that wait for their results."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.latency import Route, feedback_cycles
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import (
    ReadoutSettings,
    message,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Readouts
from podium.sim_instruments.twins.zurich.sequencer.processor import Input
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import CYCLE, Source

_INTERNAL: Final = (Route.INTERNAL, Route.INTERNAL_ZSYNC)


def result_inputs(
    started: Readouts,
    states: NDArray[np.uint8],
    settings: ReadoutSettings,
    route: Route,
    trigger: int,
    *,
    automatic_delays: bool = True,
) -> tuple[Input, ...]:
    """Return what a generator's sequencer hears of readouts, shape (readouts, integrators).

    ``trigger`` is the time of the trigger that started both sequencers, in samples at 2.0 GSa/s,
    on the clock of the readouts. Results within an SHFQC come as results of its analyser, those of
    a PQSC as messages over ZSync. ASSUMED: the PQSC forwards the bits as they are.
    """
    source = Source.QA if route in _INTERNAL else Source.ZSYNC
    words = message(states, started.integrators).tolist()
    found = []
    for time, word in zip(started.time.tolist(), words, strict=True):
        samples = time - trigger + settings.delay + settings.length
        cycles = feedback_cycles(route, samples, automatic_delays=automatic_delays)
        found.append(Input(trigger + cycles * CYCLE, source, word))
    return tuple(found)
