"""Results of readouts by the plainest sums: what a twin's are held against."""

import numpy as np

from podium.firmware_interfaces.zurich.latency import Route, feedback_cycles
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import COUPLE, words
from podium.sim_instruments.twins.zurich.sequencer.processor import Input
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import CYCLE, Source


def integrate(records, settings):
    """Return the sums of products, shape (records, integrators), of records in volts.

    Of products and not of those with a conjugate; what is missing at a record's end is zero.
    """
    cut = records[:, settings.delay : settings.delay + settings.length]
    found = np.zeros((len(records), len(settings.weights)), np.complex128)
    for index, given in enumerate(settings.weights):
        used = given[: cut.shape[1]]
        if len(used):
            found[:, index] = cut[:, : len(used)] @ used
    return found


def result_inputs(started, states, settings, route, trigger):
    """Return what a generator's sequencer receives of readouts, shape (readouts, integrators).

    ``trigger``: of both sequencers, in samples at 2.0 GSa/s, on the clock of the readouts.
    """
    internal = route in (Route.INTERNAL, Route.INTERNAL_ZSYNC)
    told = words(states, started.integrators, COUPLE if internal else 1).tolist()
    found = []
    for time, word in zip(started.time.tolist(), told, strict=True):
        samples = time - trigger + settings.delay + settings.length
        cycles = feedback_cycles(route, samples)
        source = Source.QA if internal else Source.FORWARDED
        found.append(Input(trigger + cycles * CYCLE, source, word))
    return tuple(found)
