"""Latencies of a readout result to the sequencer that asks, and of a trigger to an output.

The numbers are those of zhinst-timing-models 26.7.0 (MIT, Zurich Instruments;
``feedback_model.py``, ``output_models.py``, ``trigger_latencies.yml``), measured by the vendor on
systems at 2.0 GSa/s. A referee compares both for every route.
"""

from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, chain, repeat
from typing import Final

SHORTEST_READOUT: Final = 20
"""Samples from the trigger to the end of integration, at least: four of them integrated."""
_DELAY: Final = 16
_STEP: Final = 4
"""Samples: latencies change in steps of so many."""
_PERIOD_STEPS: Final = 50
_PERIOD_CYCLES: Final = 25
_LOGGER: Final = 2
"""Cycles by which the sequencer sees results later than the real-time logger."""


class Route(Enum):
    """The path of a result from the analyser to the generator."""

    HDAWG_REGISTER = "HDAWG, PQSC forwarding registers"
    HDAWG_DECODER = "HDAWG, PQSC decoding"
    SG_REGISTER = "SHFSG, PQSC forwarding registers"
    SG_DECODER = "SHFSG, PQSC decoding"
    INTERNAL_ZSYNC = "within an SHFQC, started over ZSync"
    INTERNAL = "within an SHFQC, started by itself"


@dataclass(frozen=True, slots=True)
class _Latency:
    initial: int
    """Cycles of the generator's sequencer."""
    steps: int
    pattern: tuple[tuple[int, int], ...]
    """Cycles more, for so many steps; again and again."""
    logger: int = _LOGGER


_INTERNAL: Final = ((1, 2),) * 25
_LATENCIES: Final = {
    (Route.HDAWG_REGISTER, True): _Latency(96, 1, ((4, 8), (4, 9), (5, 8), (4, 8), (4, 9), (4, 8))),
    (Route.HDAWG_REGISTER, False): _Latency(
        88, 2, ((4, 9), (4, 8), (4, 8), (4, 9), (5, 8), (4, 8))
    ),
    (Route.HDAWG_DECODER, True): _Latency(100, 3, ((4, 8), (5, 8), (4, 9), (4, 8), (4, 8), (4, 9))),
    (Route.HDAWG_DECODER, False): _Latency(92, 4, ((4, 8), (4, 9), (4, 8), (5, 8), (4, 9), (4, 8))),
    (Route.SG_REGISTER, True): _Latency(93, 1, ((2, 8), (5, 9), (5, 8), (3, 8), (5, 9), (5, 8))),
    (Route.SG_REGISTER, False): _Latency(88, 2, ((5, 9), (5, 8), (2, 8), (5, 9), (5, 8), (3, 8))),
    (Route.SG_DECODER, True): _Latency(95, 3, ((5, 8), (5, 8), (3, 9), (5, 8), (5, 8), (2, 9))),
    (Route.SG_DECODER, False): _Latency(93, 2, ((5, 9), (2, 8), (5, 8), (5, 9), (3, 8), (5, 8))),
    (Route.INTERNAL_ZSYNC, True): _Latency(29, 2, _INTERNAL),
    (Route.INTERNAL_ZSYNC, False): _Latency(25, 2, _INTERNAL),
    (Route.INTERNAL, True): _Latency(27, 1, _INTERNAL, 0),
    (Route.INTERNAL, False): _Latency(22, 1, _INTERNAL, 0),
}
_PERIODS: Final = {
    key: tuple(
        chain.from_iterable(
            repeat(total, steps)
            for total, (_, steps) in zip(
                accumulate(more for more, _ in latency.pattern), latency.pattern, strict=True
            )
        )
    )
    for key, latency in _LATENCIES.items()
}


class TooShort(ValueError):
    """A readout ends before any can. The message says when the earliest does."""


def feedback_cycles(route: Route, samples: int, *, automatic_delays: bool = True) -> int:
    """Return how many cycles after the start trigger a result can be read.

    ``samples`` lie between that trigger and the end of integration, at 2.0 GSa/s;
    ``automatic_delays`` that the instruments align their outputs by themselves. Raises
    :class:`TooShort`.
    """
    if samples < SHORTEST_READOUT:
        raise TooShort(
            f"{samples} samples from the trigger to the end of integration; the shortest readout "
            f"takes {SHORTEST_READOUT}"
        )
    key = route, automatic_delays
    latency = _LATENCIES[key]
    step = (samples - _DELAY) // _STEP - latency.steps - 1
    total = latency.initial + latency.logger
    if step < 0:
        return total
    periods, rest = divmod(step, _PERIOD_STEPS)
    return total + periods * _PERIOD_CYCLES + _PERIODS[key][rest]


class Output(Enum):
    """An output path of an instrument."""

    HDAWG = "HDAWG"
    SG_RF = "SHFSG, RF path"
    SG_LF = "SHFSG, LF path"
    QA_RF = "SHFQA, RF path"
    QA_LF = "SHFQA, LF path"


OUTPUT_SAMPLES: Final = {
    (Output.HDAWG, True): 610,
    (Output.SG_RF, True): 567,
    (Output.SG_LF, True): 556,
    (Output.QA_RF, True): 536,
    (Output.QA_LF, True): 523,
    (Output.SG_RF, False): 52,
    (Output.SG_LF, False): 40,
    (Output.QA_RF, False): 11,
    (Output.QA_LF, False): 0,
}
"""Samples from a trigger to what the sequencer plays on it, at the connector: by output, and
whether the trigger came over ZSync. Those within one instrument are relative to its analyser."""
OUTPUT_ROUTER_SAMPLES: Final = 52
"""More, where an SHFSG's output router is on."""
