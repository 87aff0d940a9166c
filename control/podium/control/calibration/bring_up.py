"""From nothing to calibrated qubits: each routine finds what the next ones need."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from podium.control.calibration.bench import Bench
from podium.control.calibration.measured import NotMeasured
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.dispersive_shift import dispersive_shift
from podium.control.calibration.routines.echo import echo
from podium.control.calibration.routines.ef_spectroscopy import ef_spectroscopy
from podium.control.calibration.routines.flux_arc import flux_arc
from podium.control.calibration.routines.mixer_calibration import mixer_calibration
from podium.control.calibration.routines.punch_out import punch_out
from podium.control.calibration.routines.qubit_spectroscopy import qubit_spectroscopy
from podium.control.calibration.routines.rabi import rabi, rabi_ef
from podium.control.calibration.routines.ramsey import frequency, ramsey
from podium.control.calibration.routines.readout_optimisation import readout_optimisation
from podium.control.calibration.routines.relaxation import relaxation
from podium.control.calibration.routines.resonator_spectroscopy import resonator_spectroscopy
from podium.control.calibration.routines.single_shot import single_shot
from podium.control.calibration.routines.sweet_spot import sweet_spot
from podium.control.calibration.routines.thermal_population import thermal_population
from podium.control.calibration.routines.time_of_flight import time_of_flight
from podium.control.calibration.sequences import all_pulses, resets_actively
from podium.control.facility.facility import Qubit

Routine = Callable[[Bench, tuple[Qubit, ...]], Awaitable[Outcome]]

ROUTINES: dict[str, Routine] = {
    "mixer_calibration": mixer_calibration,
    "time_of_flight": time_of_flight,
    "resonator_spectroscopy": resonator_spectroscopy,
    "punch_out": punch_out,
    "flux_arc": flux_arc,
    "qubit_spectroscopy": qubit_spectroscopy,
    "sweet_spot": sweet_spot,
    "rabi": rabi,
    "readout_optimisation": readout_optimisation,
    "single_shot": single_shot,
    "ramsey": ramsey,
    "frequency": frequency,
    "relaxation": relaxation,
    "echo": echo,
    "ef_spectroscopy": ef_spectroscopy,
    "rabi_ef": rabi_ef,
    "thermal_population": thermal_population,
    "dispersive_shift": dispersive_shift,
}
"""All routines by the name under which they are called and stored."""

BRING_UP: tuple[str, ...] = (
    "mixer_calibration",
    "time_of_flight",
    "resonator_spectroscopy",
    "flux_arc",
    "punch_out",
    "qubit_spectroscopy",
    "sweet_spot",
    "rabi",
    "readout_optimisation",
    "single_shot",
    "ramsey",
    "rabi",
    "relaxation",
    "ef_spectroscopy",
    "rabi_ef",
    "readout_optimisation",
    "single_shot",
    "thermal_population",
    "relaxation",
    "dispersive_shift",
    "ramsey",
    "frequency",
    "echo",
)
"""The order. Some come twice: what they found the first time was needed to find the rest. Punch-out
comes at the sweet spot: how many photons a resonator bears hangs on how far away its qubit is."""

ROUGHLY = 0.3
"""Share of its shots at most that a routine is done with which comes again later."""
DECAYS = frozenset({"relaxation", "ramsey"})
"""What their first scans find lays out the second ones, and is needed well where shots wait: waits
are so many T1."""
DECAYS_WITH_FLIPS = 0.1
"""Share of their shots at most where flips reset the qubits."""

ESSENTIAL = frozenset(
    {
        "resonator_spectroscopy",
        "flux_arc",
        "qubit_spectroscopy",
        "sweet_spot",
        "rabi",
        "single_shot",
    }
)
"""A qubit that fails one of these cannot go on: beside its sweet spot its frequency is another."""


async def bring_up(
    bench: Bench,
    steps: tuple[str, ...] = BRING_UP,
    routines: Mapping[str, Routine] = ROUTINES,
) -> AsyncIterator[Outcome]:
    """Run ``steps`` on all qubits, yielding each outcome; the bench is told of each before.

    A routine that comes again later is done with :data:`ROUGHLY` of its shots at most.
    A qubit for which a routine finds nothing is left out of the routines that need it: they say
    so. Raises what the runner raises when the facility itself fails.
    """
    lost: set[str] = set()
    thoroughness = bench.thoroughness
    for number, name in enumerate(steps):
        able = tuple(q for q in bench.qubits if q.name not in lost)
        if not able:
            return
        again = name in steps[number + 1 :]
        bench.thoroughness = (
            min(thoroughness, _roughly(bench, able, name)) if again else thoroughness
        )
        await bench.begin_step(number + 1, name)
        try:
            outcome = await _attempt(routines[name], bench, able, name)
        finally:
            bench.thoroughness = thoroughness
        if name in ESSENTIAL:
            lost.update(outcome.failures)  # a feedline may be among them, and harms nobody
        yield outcome


def _roughly(bench: Bench, qubits: tuple[Qubit, ...], routine: str) -> float:
    """Return the share of its shots with which a routine makes do that comes again."""
    flips = routine in DECAYS and resets_actively(all_pulses(bench, qubits))
    return DECAYS_WITH_FLIPS if flips else ROUGHLY


async def _attempt(routine: Routine, bench: Bench, qubits: tuple[Qubit, ...], name: str) -> Outcome:
    """Run a routine; what it misses of single qubits fails those qubits only."""
    try:
        await bench.begin(name, qubits)
        done = await routine(bench, qubits)
        done.notes += bench.known_now.said.values()
        done.assumed += bench.told_assumed()
        return done
    except NotMeasured as error:
        outcome = Outcome(name, name.replace("_", " ").capitalize())
        missing = [q for q in qubits if error.name.startswith(f"{q.name}.")]
        if not missing:
            raise
        for q in missing:
            outcome.failures[q.name] = str(error)
        rest = tuple(q for q in qubits if q not in missing)
        if not rest:
            return outcome
        again = await _attempt(routine, bench, rest, name)
        again.failures.update(outcome.failures)
        return again
