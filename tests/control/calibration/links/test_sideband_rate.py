"""Rates, widths and shifts of both ends, as their routine finds and stores them."""

import asyncio
from dataclasses import replace

import numpy as np
from tests.benches.links.linked_ends import bench_of, entry
from tests.benches.links.played_link import READOUT, played_link

from podium.control.calibration.links.link_loop import LinkLoop, left_in_loop
from podium.control.calibration.links.link_model import EndModel
from podium.control.calibration.links.sideband_rate import sideband_rate
from podium.control.program.program import Play, Program

RATES, WIDTHS, SHIFTS = (12.3e6, 12.1e6), (10.6e6, 13.1e6), (-25.1e6, -30e6)
ECHO = 0.05 - 0.04j
KNOWN = {
    "link_ab.a.sideband_frequency": (4.0239e9, "Hz"),
    "link_ab.b.sideband_frequency": (3.5117e9, "Hz"),
    "link_ab.b.stark_shift": (-29e6, "Hz"),
}


def test_rates_widths_and_shifts_are_stored_with_how_their_errors_go_together() -> None:
    bench = bench_of(**{**READOUT, **KNOWN})
    apart, kept = bench.apart_hz()[0], [end.loss_of_f() for end in bench.ends]
    ends = [EndModel(width, *loss) for width, loss in zip(WIDTHS, kept, strict=True)]

    def law(program: Program, settings: dict[str, np.ndarray], name: str) -> np.ndarray:
        """As the ends would leave f, whose lines are where they were taken to be."""
        k = [end.capture for end in bench.ends].index(name)
        end, loop = bench.ends[k], LinkLoop(ECHO, apart)
        (pulse,) = [
            one for one in program.body if isinstance(one, Play) and one.frame == end.sideband
        ]
        frequency = settings["sideband_frequency"]
        amplitude = settings.get("sideband_amplitude", np.full(frequency.size, pulse.amplitude))
        left = left_in_loop(
            np.full(frequency.size, 1e-15 * pulse.waveform.duration_fs),
            RATES[k] * amplitude,
            frequency - end.sideband_hz() - SHIFTS[k] * amplitude**2,
            (ends[k], ends[1 - k]),
            loop.turned() if k else loop,
            1.0,
        )
        return np.clip(0.02 + 0.95 * left, 0, 1)

    lab = played_link(law, **KNOWN)
    before = [
        (end, entry(f"{end.end.name}.stark_shift", end.drive().stark_hz, "Hz")) for end in lab.ends
    ]
    for end, one in before:
        end.bench.record.put([replace(one, sigma=1.5e6)])
    outcome = asyncio.run(sideband_rate(lab))
    assert not outcome.failures
    found = outcome.measured
    for k, end in enumerate(("link_ab.a", "link_ab.b")):
        for name, true, known in (
            ("sideband_rate", RATES[k], 0.008 * RATES[k]),
            ("kappa", WIDTHS[k], 0.025 * WIDTHS[k]),
            ("stark_shift", SHIFTS[k], 0.6e6),
        ):
            one = found[f"{end}.{name}"]
            assert one.sigma < known
            assert abs(one.value - true) < 5 * one.sigma
        together = found[f"{end}.rate_kappa_correlation"]
        assert 0.3 < together.value < 0.95
        assert 0 < together.sigma < 0.1
