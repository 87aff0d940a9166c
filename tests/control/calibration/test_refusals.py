"""Data that do not carry an answer: every routine refuses, says why, draws it, stores nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from tests.benches.calibration import synthetic_data
from tests.benches.calibration.synthetic_data import NODE, MadeRunner, Make, know_gates, known
from tests.benches.docs.pages import ROOT, blocks_of
from tests.benches.facility.fluxonium_pair import written
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import DECLARATIONS, ROUTINES, targets_edges
from podium.control.calibration.declaration import Routine
from podium.control.calibration.fits.decay import Ends, fit_decay
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.oscillation import fit_rabi, fit_ramsey
from podium.control.calibration.fits.peak import fit_pulse_line
from podium.control.calibration.fits.projection import line_axis, principal_axis
from podium.control.calibration.fits.resonator import ReadoutWindow, fit_resonance
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.time_of_flight import find_pulse
from podium.control.calibration.user_routines import find_routines
from podium.control.facility.facility import Facility
from podium.control.facility.line_response import LineResponse
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.report.plots import draw
from podium.sim_instruments.facilities.one_instrument import facility_of

FACILITY = load_facility(synthetic_data.EXAMPLE)
TWO_QUBIT = ROOT / "examples" / "two_qubit"


def with_coupler_cz() -> Facility:
    """Return the facility with a coupler whose edge has a CZ: its flux is pulsed."""
    text = (TWO_QUBIT / "facility_coupler.yaml").read_text()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "facility.yaml"
        file.write_text(text.replace("gate: iswap", "gate: cz"))
        return load_facility(file)


def fluxoniums(chip: str) -> Facility:
    """Return two fluxoniums with outputs that drive their plasmons: for a CZ, or for readouts."""
    with TemporaryDirectory() as folder:
        return load_facility(written(facility_of("qblox_cluster", chip, 2), Path(folder)))


WITH_GATE = {
    "cz": load_facility(TWO_QUBIT / "facility.yaml"),
    "coupler cz": with_coupler_cz(),
    "carrier cz": load_facility(TWO_QUBIT / "facility_carrier.yaml"),
    "plasmon cz": fluxoniums("bao2022_microwave"),
    "none, shelved": fluxoniums("bao2022_shelved"),
    "iswap": load_facility(TWO_QUBIT / "facility_coupler.yaml"),
    "cnot": load_facility(TWO_QUBIT / "facility_fixed.yaml"),
}
"""Facilities by the gate of their edge; the one without has readouts with 1 shelved in 2."""
OF_PAIRS = {
    "drive_crosstalk": "cnot",
    "drive_cancellation": "cnot",
    "shelving_pulse": "none, shelved",
    "plasmon_readout": "none, shelved",
}
"""Routines for qubits that take two at a time or drive plasmons, and with which of these."""


class CorrectingRunner(MadeRunner):
    """A runner that would correct lines; data are what they are all the same."""

    def corrected_lines(self) -> Mapping[str, LineResponse]:
        return {}

    def correct_lines(self, lines: Mapping[str, LineResponse]) -> None:
        pass


def know_drives(record: MemoryRecord) -> None:
    """Put into the record how much of each drive arrives at the other qubit."""
    some = next(iter(record.all().values()))
    for own, other in (("q0", "q1"), ("q1", "q0")):
        for name, value in (("drive_crosstalk", 0.05), ("drive_crosstalk_phase", 0.2)):
            named = f"{NODE}.{own}.{name}_{other}"
            record.put([replace(some, name=named, value=value, sigma=0.002)])


OWN = ROOT / "docs" / "how-to" / "write-a-routine.md"
FITTED = tuple(
    name for name, one in ROUTINES.items() if hasattr(import_module(one.__module__), "Measured")
)
"""Routines that store what they have fitted. The others' modules do not know ``Measured``: what
lets instruments calibrate themselves has no data that it could refuse."""
WITH_LINES = (
    *("resonator_spectroscopy", "punch_out", "flux_arc", "qubit_spectroscopy"),
    *("sweet_spot", "ef_spectroscopy", "dispersive_shift", "ramsey"),
)
BAD = {
    "noise": synthetic_data.noise,
    "a line without anything on it": synthetic_data.no_line,
    "a constant": synthetic_data.constant,
    "zeros": synthetic_data.zero,
    "NaN": synthetic_data.not_a_number,
    "one NaN": synthetic_data.one_not_a_number,
}
BIASES_LEFT = ("sweet_spot", "flux_arc")
"""Routines that go on with the biases at which all is a number."""
ALL_CLIP = frozenset({synthetic_data.EVERY})


async def work(
    routine: str,
    make: Make,
    seed: int,
    *,
    saturated: frozenset[str] = frozenset(),
    qubits: int = 1,
    routines: Mapping[str, Routine] = ROUTINES,
) -> tuple[Outcome, dict[str, ParameterEntry]]:
    """Let a routine work on that many qubits; return its outcome and what it has stored."""
    of_edges = targets_edges(routine)
    gate = next(iter(DECLARATIONS[routine].gates), "cz") if of_edges else ""
    gate = OF_PAIRS.get(routine, gate)
    facility = WITH_GATE[gate] if gate else FACILITY
    kind = CorrectingRunner if routine == "drive_cancellation" else MadeRunner
    runner = kind(make, seed, saturated, facility=facility)
    record = known(facility)
    know_gates(facility, record, of_gap=routine == "gate_level")
    if routine == "drive_cancellation":
        know_drives(record)
    before = record.all()
    able = tuple(facility.qubits()[f"{NODE}.q{k}"] for k in range(2 if gate else qubits))
    bench = Bench(runner, NODE, able, record, keep=lambda _: None)
    bench.edges = tuple(facility.edges().values())
    (outcome,) = [one async for one in bring_up(bench, (routine,), routines)]
    return outcome, {n: e for n, e in record.all().items() if before.get(n) != e}


def assert_refused(outcome: Outcome, stored: dict[str, ParameterEntry], says: str = "") -> None:
    """Nothing is stored; every qubit (or feedline) has a reason, and a picture that bears it."""
    assert stored == {}
    assert outcome.measured == {}
    assert outcome.failures
    failed = {panel.element: panel for panel in outcome.panels if panel.failed}
    assert failed.keys() == {name.rpartition(".")[2] for name in outcome.failures}
    for name, reason in outcome.failures.items():
        assert len(reason) > 20
        assert says in reason
        panel = failed[name.rpartition(".")[2]]
        assert panel.text == reason
        assert "<svg" in draw(panel, "p")


def is_left_out(routine: str, data: str) -> bool:
    """Say whether ``make test`` leaves it out: zeros are a constant, and a line by itself is noise.

    Where lines are looked for it is tried. One NaN is refused by its name below, but where a
    routine goes on with the biases left.
    """
    refused_below = data == "one NaN" and routine not in BIASES_LEFT
    without = data == "a line without anything on it" and routine not in (
        *WITH_LINES,
        "readout_optimisation",
    )
    return data in ("zeros", "NaN") or refused_below or without or is_dear(routine, data)


def is_dear(routine: str, data: str) -> bool:
    """Say whether it takes seconds until the fit gives up; other data are refused the same way."""
    without = data == "a line without anything on it"
    return (without and routine in ("dispersive_shift", "flux_arc")) or (
        routine in ("flux_arc", "gate_process") and data == "noise"
    )


@pytest.mark.parametrize(
    ("routine", "data"),
    [
        pytest.param(routine, data, marks=pytest.mark.slow if is_left_out(routine, data) else ())
        for routine in FITTED
        for data in BAD
    ],
)
async def test_data_without_an_answer_are_refused(routine: str, data: str) -> None:
    outcome, stored = await work(routine, BAD[data], seed=3)
    assert_refused(outcome, stored)


@pytest.mark.parametrize("data", sampled(["NaN", "one NaN"], kept=["one NaN"]))
@pytest.mark.parametrize("routine", FITTED)
async def test_what_is_not_a_number_is_called_so(routine: str, data: str) -> None:
    outcome, stored = await work(routine, BAD[data], seed=4)
    if routine not in BIASES_LEFT:
        assert_refused(outcome, stored, "not numbers (NaN)")


@pytest.mark.parametrize(
    "routine", sampled(WITH_LINES, kept=[one for one in WITH_LINES if one != "dispersive_shift"])
)
async def test_two_lines_are_refused(routine: str) -> None:
    outcome, stored = await work(routine, synthetic_data.two_lines, seed=5)
    others = ("sweet_spot", "dispersive_shift", "ef_spectroscopy")
    assert_refused(outcome, stored, "" if routine in others else "two ")


@pytest.mark.parametrize("routine", FITTED)
async def test_a_saturated_converter_is_refused_whatever_the_data_look_like(routine: str) -> None:
    make = {
        "rabi": synthetic_data.rabi_oscillation,
        "qubit_spectroscopy": synthetic_data.spectral_line,
        "ef_spectroscopy": synthetic_data.spectral_line,
    }.get(routine, synthetic_data.no_line)
    outcome, stored = await work(routine, make, seed=6, saturated=ALL_CLIP)
    assert_refused(outcome, stored, "the input clipped (ADC saturated)")


async def test_a_herald_that_clipped_heralds_nothing() -> None:
    clips = frozenset({"q1_herald"})
    outcome, _ = await work(
        "single_shot", synthetic_data.no_line, seed=6, saturated=clips, qubits=2
    )
    assert "the input clipped" in outcome.failures[f"{NODE}.q1"]
    assert "the input clipped" not in outcome.failures[f"{NODE}.q0"]


async def test_a_routine_of_ones_own_refuses_as_those_of_the_house_do(tmp_path: Path) -> None:
    for data, make in BAD.items():
        outcome, stored = await work("pi_train", make, seed=9, routines=own_routines(tmp_path))
        assert_refused(outcome, stored)
        assert ("NaN" in data) == ("NaN" in "".join(outcome.failures.values()))


def own_routines(folder: Path) -> Mapping[str, Routine]:
    """Return the house's routines, and the one that the how-to page writes."""
    (block,) = (one for one in blocks_of(OWN) if "file=pi_train.py" in one.words)
    (folder / "pi_train.py").write_text(block.text)
    return find_routines([str(folder / "pi_train.py")])[1]


@pytest.mark.parametrize("routine", ["rabi", "qubit_spectroscopy"])
async def test_the_same_routines_accept_data_with_an_answer(routine: str) -> None:
    make = synthetic_data.rabi_oscillation if routine == "rabi" else synthetic_data.spectral_line
    outcome, stored = await work(routine, make, seed=7)
    assert outcome.failures == {}
    assert stored


def test_a_tone_that_is_always_there_has_no_beginning() -> None:
    rng = np.random.default_rng(8)
    noise = rng.normal(0, 0.3, (2, 1500))
    with pytest.raises(FitFailed, match="a tone is there outside of the pulse too"):
        find_pulse(1.0 + noise[0] + 1j * noise[1], 1000)


def test_a_constant_is_a_constant_down_to_its_rounding() -> None:
    with pytest.raises(FitFailed, match="are the same"):
        look_at(np.full(50, 0.1) + np.linspace(0, 1e-16, 50))
    look_at(np.full(50, 0.1) + np.linspace(0, 1e-6, 50))


# False alarms. Of n seeds of noise none may pass; a fit whose false-alarm rate were 14 / n would
# pass this by luck once in a million (exp(-14)). Each kind of fit sees n scans with the numbers of
# points, and the freedom to choose an axis, that routines give it.
QUICK = 20
FEW = 6
"""Of fits that take long, by ``make test``: it finds one that takes noise for an answer."""
MANY = 3000


def noise_of(rng: np.random.Generator, points: int) -> np.ndarray:
    pair = rng.normal(0, 1e-5, (2, points))
    return 1e-3 * np.exp(0.4j) + pair[0] + 1j * pair[1]


def line(rng: np.random.Generator) -> None:
    points = int(rng.choice([49, 61, 175]))
    step_hz = 0.2e6
    frequency = 6e9 + step_hz * np.arange(points)
    fit_pulse_line(frequency, line_axis(noise_of(rng, points)), 0.8 / (6 * step_hz))


def resonance(rng: np.random.Generator) -> None:
    frequency = 7.2e9 + np.linspace(-40e6, 40e6, 201)
    iq = noise_of(rng, 201) * np.exp(-2j * np.pi * 160e-9 * frequency)
    fit_resonance(frequency, iq, ReadoutWindow(80e-9, 1e-6), 3e6)


def rabi(rng: np.random.Generator) -> None:
    fit_rabi(np.linspace(0, 0.999, 51), principal_axis(noise_of(rng, 51)), 0.9)


def fringes(rng: np.random.Generator) -> None:
    delay, phase = np.meshgrid(np.arange(1, 50) * 1.4e-6, [0.0, 0.25, 0.5, 0.75])
    signal = 0.5 + rng.normal(0, 0.03, delay.size)
    trial = np.linspace(-0.35e6, 0.35e6, 196)
    fit_ramsey(delay.ravel(), phase.ravel(), signal, 0.03, 29e-6, trial)


def decay(rng: np.random.Generator) -> None:
    delay = np.linspace(0.1e-6, 80e-6, 41)
    signal = rng.normal(0.0, 0.03, 41)
    fit_decay(delay, signal, 0.03, 30e-6, offset=0.0)


def decay_between_ends(rng: np.random.Generator) -> None:
    delay = np.concatenate(
        [
            np.linspace(0.1e-6, 3e-6, 3),
            np.linspace(24e-6, 66e-6, 34),
            np.linspace(1.8e-4, 2.1e-4, 3),
        ]
    )
    signal = rng.uniform(0, 1) + rng.normal(0.0, rng.choice([0.02, 0.3]), 40)
    fit_decay(delay, signal, 0.02, 30e-6, ends=Ends(1.0, 0.0, 0.003))


def arrival(rng: np.random.Generator) -> None:
    pair = rng.normal(0, 1e-3, (2, 1500))
    find_pulse(pair[0] + 1j * pair[1], 1000)


FITS = (line, resonance, rabi, fringes, decay, decay_between_ends, arrival)


def false_alarms(fit, seeds: range) -> list[int]:  # type: ignore[no-untyped-def]
    passed = []
    for seed in seeds:
        try:
            fit(np.random.default_rng(seed))
        except FitFailed:
            continue
        passed.append(seed)
    return passed


@pytest.mark.parametrize("fit", FITS)
def test_noise_raises_no_false_alarm(fit) -> None:  # type: ignore[no-untyped-def]
    assert false_alarms(fit, range(FEW if fit in (resonance, fringes) else QUICK)) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fit", FITS)
def test_noise_raises_no_false_alarm_in_thousands_of_scans(fit) -> None:  # type: ignore[no-untyped-def]
    assert false_alarms(fit, range(MANY)) == []


TOGETHER = 3
"""Qubits that a routine works on at once: each has data of its own, and is refused by itself."""
THOUSAND = 1000 // TOGETHER + 1


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("data", [*BAD, "clipped"])
@pytest.mark.parametrize("routine", [*FITTED, "pi_train"])
def test_of_a_thousand_data_sets_without_an_answer_none_is_taken_for_one(
    routine: str, data: str, tmp_path: Path
) -> None:
    routines = own_routines(tmp_path)
    make, clips = (
        BAD.get(data, synthetic_data.no_line),
        ALL_CLIP if data == "clipped" else frozenset(),
    )
    for seed in range(100, 100 + THOUSAND):
        outcome, stored = asyncio.run(
            work(routine, make, seed, saturated=clips, qubits=TOGETHER, routines=routines)
        )
        assert stored == {}, seed
        if seed < 110:
            assert_refused(outcome, stored)
        assert all(len(reason) > 20 for reason in outcome.failures.values())
        assert sum(panel.failed for panel in outcome.panels) == len(outcome.failures) > 0
