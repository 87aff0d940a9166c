"""Shares pairs over a calibrated link in one run, measures each at once, and says their state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.shared_by_three import SWAPPED, shared_of
from podium.control.calibration.fits.two_qubit_state import (
    SETTINGS,
    effects,
    pair_counts,
    tomography,
)
from podium.control.calibration.links.entangled_pair import (
    PHASES,
    PSI_PLUS,
    bell_program,
    fit_phase,
    ones,
    pair_body,
    readout_errors,
)
from podium.control.calibration.links.ghz_state import (
    SWAPPED_PAIR,
    confusions,
    over_hub_program,
)
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.relay_bench import RelayBench
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.bell_state import rotations
from podium.control.compilers.placing import place_in_fs
from podium.control.program.program import Program, Statement
from podium.control.records.run_attributes import epochs_of, first_shot_fs

WITNESS_SHOTS = 600
"""Of each setting, at least: what they say of the run's pairs is good to some 0.02."""
AXES = ("z", "z")
"""Along which the pairs that are handed out are measured."""
HANDED_OUT = SETTINGS.index(AXES)


@dataclass(frozen=True, slots=True, eq=False)
class SharedPairs:
    """Pairs of one run, in the order in which they were made."""

    run: str
    epochs: Mapping[str, int]
    """Of all clock domains that had a part."""
    made_fs: tuple[int, ...]
    """TAI at which each was there, fs since 1970."""
    outcomes: NDArray[np.bool_]
    """What both ends read along :data:`AXES`, shape (pairs, 2)."""
    fidelity: float
    """With Psi+, of the pairs of this very run: by tomography of further shots of it."""
    sigma: float


async def share_swapped(bench: RelayBench, number: int) -> SharedPairs:
    """Share ``number`` pairs of the outer two nodes over a hub and more, by which those are judged.

    They are handed out read along z, where a pair's sign does not show. Raises FitFailed where no
    pair is there, NotMeasured and ``RunError``.
    """
    program = over_hub_program(bench, SWAPPED_PAIR, max(WITNESS_SHOTS, number))
    await bench.begin()
    data = await bench.first.run(Outcome("link_request", "Pairs on request"), program)
    seen = np.stack([ones(end, iq_of(data, end.capture)) for end in bench.ends])
    found = shared_of(seen, confusions(bench, SWAPPED_PAIR), SWAPPED)
    return SharedPairs(
        str(data.attrs["run"]),
        epochs_of(data),
        made_times_fs(program, bench.shared(), 0, first_shot_fs(data), number),
        np.stack([seen[0, :number, 0], seen[2, :number, 0]], axis=1),
        found.fidelity,
        found.sigma,
    )


async def share_pairs(bench: LinkBench, number: int) -> SharedPairs:
    """Share ``number`` pairs and more, by which those are judged.

    Raises FitFailed where no pair is there, NotMeasured and ``RunError``.
    """
    shots = max(WITNESS_SHOTS, number)
    program = bell_program(bench, shots)
    await bench.begin()
    data = await bench.run(Outcome("link_request", "Pairs on request"), program)
    first, second = (ones(end, iq_of(data, end.capture)) for end in bench.ends)
    settings = len(SETTINGS)
    product = ((1 - 2.0 * first) * (1 - 2.0 * second)).mean(axis=0)[settings:]
    turns = fit_phase(np.linspace(0.0, 1.0, PHASES), np.asarray(product), shots)[0]
    measured = effects(rotations(turns), readout_errors(bench).matrix())
    counts = pair_counts(first[:, :settings], second[:, :settings])
    found = tomography(counts, measured, PSI_PLUS)
    if not np.isfinite(found.fidelity_sigma):
        raise FitFailed("how well the state of the pairs is known cannot be told")
    return SharedPairs(
        str(data.attrs["run"]),
        epochs_of(data),
        made_times_fs(program, pair_body(bench), HANDED_OUT, first_shot_fs(data), number),
        np.stack([first[:number, HANDED_OUT], second[:number, HANDED_OUT]], axis=1),
        found.fidelity,
        found.fidelity_sigma,
    )


def made_times_fs(
    program: Program, body: Sequence[Statement], setting: int, first_fs: int, number: int
) -> tuple[int, ...]:
    """Return when each of the first ``number`` pairs was there; settings run within each shot.

    ``body``: until a pair is there; ``setting``: the one in which pairs are handed out;
    ``first_fs``: when the first shot began. Instants on the program's own grid: a controller that
    rounds a wait comes some ns later.
    """
    (axis,) = program.axes
    points = np.broadcast_to(place_in_fs(program).shot_fs, (axis.variables[0].values.count,))
    shot_fs, before_fs = int(points.sum()), int(points[:setting].sum())
    alone = replace(program, body=tuple(body), axes=())
    pair_fs = int(place_in_fs(alone).shot_fs.max())
    return tuple(first_fs + k * shot_fs + before_fs + pair_fs for k in range(number))
