"""Searches four entries over two nodes, and foretells how often the marked one is found.

The forecast is stored before anything of the search is played: it is a routine of its own, made of
what pairs, gates, readouts and lifetimes were found to be (:mod:`.grover_forecast`).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of, values_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.cnot_product import PROCESS_OVER_AVERAGE
from podium.control.calibration.links.consumed_pair import TURNED, GateBench
from podium.control.calibration.links.entangled_pair import fit_phase, ones_of, parity_of
from podium.control.calibration.links.grover_forecast import (
    Array,
    Lifetimes,
    SearchParts,
    foretold,
    seen,
    told_of,
)
from podium.control.calibration.links.grover_program import (
    ENTRIES,
    READS,
    ROUNDS,
    beside_program,
    grover_program,
    pairs_program,
    sends_fs,
)
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.node_pulses import NodePulses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.parameters.noisy_register import ReadoutErrors
from podium.firmware_interfaces.exact_time import FS_PER_S

PAIR_SHOTS = 1500
BESIDE_SHOTS = 12_000
"""A part of a coherence that is lost is to be found to 0.005."""
SEARCH_SHOTS = 250
"""Of each entry: a simulated world works each shot out by itself."""
START_SHOTS = 50
"""Of each entry, from one start at most: a run that fails costs no more than these, and a start's
own phase between the nodes, which the forecast has as a mean over starts, is averaged."""
PHASES = ("search_phase_first", "search_phase_second")
"""Of the first and the second pair of a shot, turns."""
KEPT = ("data_kept_first", "data_kept_second")
GUESSED = 0.25
"""How often a guess is right."""
ASKED = 0.01
"""By so much the search may differ from what was foretold."""
CALCULATED = 1e-6
"""Sigma of a figure by itself, but for those of what it is made of."""


async def search_pairs(link: LinkBench) -> Outcome:
    """Find the phase of both pairs that a shot of a search makes, at their instants.

    Needs a calibrated link and gates with data qubits. Stores ``search_phase_first`` and
    ``search_phase_second`` (turn).
    """
    link.check_phase()
    outcome = Outcome("search_pairs", "Pairs of a search")
    bench = GateBench.of(link)
    shots = link.shots(PAIR_SHOTS)
    program = pairs_program(bench, grover_program(bench, (0.0,) * ROUNDS, 1), shots)
    data = await link.run(outcome, program)
    turn = values_of(data, "turn")

    def raw(_: Link) -> Panel:
        series = tuple(
            Series(f"pair {number}", turn, row)
            for number, row in enumerate(parity_of(link, data), 1)
        )
        label = "axis of the second (turns)"
        return Panel(link.link.name, label, "mean product", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        found, lines = dict[str, Measured](), list[Series]()
        for name, row in zip(PHASES, parity_of(link, data), strict=True):
            turns, sigma, _contrast, curve = fit_phase(turn, row, shots)
            found[name] = Measured(turns, sigma, "turn")
            lines.append(Series(f"fit, {name}", turn, curve, line=True))
        text = ", ".join(f"{{{name}}}" for name in PHASES)
        return found, panel.fitted(*lines, text=text)

    await analyse(link.first.bench, outcome, (link.link,), raw, fit)
    return outcome


async def halves_readout(link: LinkBench) -> Outcome:
    """Find what a readout of the halves does to the data qubits beside them.

    Stores by how much these are ahead behind it, ``data_turn_first`` and ``data_turn_second``
    (turn), which programs take out from then on, and what is left of their coherence,
    ``data_kept_first`` and ``data_kept_second`` (1).
    """
    outcome = Outcome("halves_readout", "Data qubits beside a readout")
    bench = GateBench.of(link)
    for side in bench.sides:
        levels(side.data.bench, side.data.qubit)
    shots = link.shots(BESIDE_SHOTS)
    data = await link.run(outcome, beside_program(bench, shots))
    turn = values_of(data, "turn")

    def signs() -> list[Array]:
        """Return of each data qubit the means (silent or not, turns)."""
        nodes = [side.data for side in bench.sides]
        read = [levels(one.bench, one.qubit).project(iq_of(data, one.qubit.name)) for one in nodes]
        return [np.asarray(1 - 2.0 * one) for one in read]

    def raw(_: Link) -> Panel:
        series = tuple(
            Series(f"{side.data.qubit.name}, {word}", turn, rows[number])
            for side, rows in zip(bench.sides, signs(), strict=True)
            for number, word in enumerate(("silence", "readout"))
        )
        label = "axis of the second pulse (turns)"
        return Panel(link.link.name, label, "mean", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        found = dict[str, Measured]()
        for turned, kept, rows in zip(TURNED, KEPT, signs(), strict=True):
            silent, loud = (fit_phase(turn, rows[number], shots) for number in (0, 1))
            ahead = (loud[0] - silent[0] + 0.5) % 1.0 - 0.5
            doubt = float(np.hypot(loud[1], silent[1])) / READS
            found[turned] = Measured(ahead / READS, doubt, "turn")
            ratio = (loud[2] / silent[2]) ** (1 / READS)
            found[kept] = Measured(ratio, 2 * np.pi * doubt, "1")  # a contrast, over itself
        return found, replace(panel, text=", ".join(f"{{{name}}}" for name in found))

    await analyse(link.first.bench, outcome, (link.link,), raw, fit)
    return outcome


async def search_forecast(link: LinkBench) -> Outcome:
    """Foretell how often a search finds the marked entry; nothing is played.

    Needs a pair's fidelity (:func:`.link_bell`), both gates' error, and readouts, lifetimes and
    populations of all qubits. Stores ``search_expected`` and, with the errors of the data qubits'
    readouts in it, ``search_expected_seen`` (1), means of the four entries.
    """
    outcome = Outcome("search_forecast", "Forecast of a search")
    bench = GateBench.of(link)
    waits_s = behind_s(bench)
    places = np.arange(len(ENTRIES), dtype=float)

    def raw(_: Link) -> Panel:
        chances = foretold(parts_of(bench, waits_s))
        series = (Series("foretold", places, np.diag(chances)),)
        label = f"marked: {', '.join(ENTRIES)}"
        return Panel(link.link.name, label, "found", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        parts = parts_of(bench, waits_s)
        chances = foretold(parts)
        told = seen(chances, parts)
        return {
            "search_expected": Measured(float(np.diag(chances).mean()), CALCULATED, "1"),
            "search_expected_seen": Measured(float(np.diag(told).mean()), CALCULATED, "1"),
        }, replace(panel, text="found {search_expected}, as read {search_expected_seen}")

    outcome.notes.append(_lacking(parts_of(bench, waits_s)))
    await analyse(link.first.bench, outcome, (link.link,), raw, fit)
    return outcome


async def grover_search(link: LinkBench) -> Outcome:
    """Search each of four entries with two pairs a shot; results travel and turn data qubits.

    Shots are played from as many starts as :data:`START_SHOTS` makes of them. Needs
    :func:`search_pairs` and :func:`search_forecast`, and a wire that carries results. Stores
    ``search_success`` (1), how often the marked entry is found, of each of them too
    (``search_success_00``), the errors of the data qubits' readouts taken out; and
    ``search_success_seen`` (1) with these in it.
    """
    link.check_phase()
    outcome = Outcome("grover_search", "Grover's search")
    bench = GateBench.of(link)
    own = link.first.bench
    for side in bench.sides:  # nothing is played that could not be read
        levels(side.data.bench, side.data.qubit)
    expected, expected_seen = (
        own.known(link.link, one) for one in ("search_expected", "search_expected_seen")
    )
    turns = [own.known(link.link, one).value for one in PHASES]
    bench.correct_lines()
    parts = [
        await link.run(outcome, grover_program(bench, turns, shots))
        for shots in shots_of_starts(link.shots(SEARCH_SHOTS))
    ]
    places = np.arange(len(ENTRIES), dtype=float)

    def outcomes() -> NDArray[np.int64]:
        """Return what was read of both data qubits as one number, (shots, entries)."""
        first, second = (
            np.concatenate(
                [ones_of(side.data, iq_of(data, side.data.qubit.name)) for data in parts]
            )
            for side in bench.sides
        )
        return np.asarray(2 * first + second, np.int64)

    def raw(_: Link) -> Panel:
        found = (outcomes() == np.arange(len(ENTRIES))).mean(axis=0)
        series = (Series("as read", places, found),)
        label = f"marked: {', '.join(ENTRIES)}"
        return Panel(link.link.name, label, "found", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        errors = [_errors(bench, side.data) for side in bench.sides]
        read = successes(outcomes(), np.eye(4))
        found = successes(outcomes(), np.asarray(np.linalg.inv(told_of(errors)), np.float64))
        whole, whole_seen = mean_of(found), mean_of(read)
        if not whole_seen.value > GUESSED + 3 * whole_seen.sigma:
            raise FitFailed(
                f"the marked entry is found in {whole_seen.value:.3f} ± {whole_seen.sigma:.3f} of "
                f"all shots: a guess finds it in {GUESSED}"
            )
        if not outcome.notes:
            outcome.notes += [
                "as read " + ", ".join(_said(n, one) for n, one in zip(ENTRIES, read, strict=True)),
                _compared("found", whole, expected.value, expected.sigma),
                _compared("as read", whole_seen, expected_seen.value, expected_seen.sigma),
            ]
        each = {f"search_success_{n}": one for n, one in zip(ENTRIES, found, strict=True)}
        values = np.array([one.value for one in found])
        lines = (
            Series("readouts taken out", places, values),
            Series("foretold", places, np.full(4, expected.value), line=True),
        )
        return {"search_success": whole, "search_success_seen": whole_seen, **each}, panel.fitted(
            *lines, text="found {search_success}"
        )

    await analyse(own, outcome, (link.link,), raw, fit)
    return outcome


def shots_of_starts(shots: int) -> list[int]:
    """Return how many shots of each entry are played from each start, as equal as can be."""
    starts = -(-shots // START_SHOTS)
    return [shots // starts + (number < shots % starts) for number in range(starts)]


def successes(outcomes: NDArray[np.int64], mend: Array) -> list[Measured]:
    """Return how often each marked entry was found; ``outcomes`` (shots, entries) as read.

    ``mend`` (4, 4): of the chances of outcomes as read, what those without errors are.
    """
    found = []
    for entry, column in enumerate(outcomes.T):
        weights = mend[entry][column]
        spread = float(weights.std()) or 1 / len(column)
        found.append(Measured(float(weights.mean()), spread / float(np.sqrt(len(column))), "1"))
    return found


def mean_of(found: Sequence[Measured]) -> Measured:
    """Return the mean of figures of shots of their own."""
    sigma = float(np.sqrt(sum(one.sigma**2 for one in found))) / len(found)
    return Measured(float(np.mean([one.value for one in found])), sigma, "1")


def behind_s(bench: GateBench) -> float:
    """Return how long data qubits wait behind the gates of a round, s. Raises NotMeasured."""
    gate_fs = max(side.gate.duration_fs + side.gate.wait_fs for side in bench.sides)
    first_fs, second_fs = sends_fs(bench, grover_program(bench, (0.0,) * ROUNDS, 1))[-ROUNDS:]
    return (second_fs - first_fs - gate_fs) / FS_PER_S - bench.pair_ns() * 1e-9


def parts_of(bench: GateBench, behind_s: float) -> SearchParts:
    """Return what has been measured of the parts. Raises NotMeasured.

    ``behind_s``: as :func:`behind_s` says.
    """
    own, ends = bench.link.first.bench, bench.link.ends
    data = [side.data for side in bench.sides]

    def value(node: NodePulses, quantity: str) -> float:
        return own.known(node.qubit, quantity).value

    pair_ns = bench.pair_ns()
    first, second = bench.begin_in_one()
    resets_s = [(one.probe_ns / 2 + one.flight_ns()) * 1e-9 for one in data]
    lives = [
        Lifetimes(value(one, "t1"), value(one, "t2_echo"), value(one, "t2_ramsey")) for one in data
    ]
    gates = [
        PROCESS_OVER_AVERAGE * max(0.0, own.known(side.edge, "budget_error").value)
        for side in bench.sides
    ]
    t1s = [value(end.node, "t1") for end in ends]
    beside = [min(1.0, own.known(bench.link.link, one).value) for one in KEPT]
    return SearchParts(
        pair=own.known(bench.link.link, "bell_fidelity").value,
        stray=_stray(bench.link),
        gates=(gates[0], gates[1]),
        halves=(_errors(bench, ends[0].node), _errors(bench, ends[1].node)),
        data=(_errors(bench, data[0]), _errors(bench, data[1])),
        excited=(first.value, second.value),
        lifetimes=(lives[0], lives[1]),
        beside=(beside[0], beside[1]),
        halves_t1_s=(t1s[0], t1s[1]),
        reset_s=(resets_s[0] + bench.again_ns() * 1e-9, resets_s[1] + bench.again_ns() * 1e-9),
        waits_s=(behind_s, pair_ns * 1e-9 + behind_s),
        flips_s=(behind_s, behind_s),
        gate_waits_s=(behind_s, behind_s),
    )


def _stray(link: LinkBench) -> float:
    """Return what a pair's coherence keeps where each start finds both ends a little apart."""
    facility = link.first.bench.runner.facility
    feedlines = [end.bench.feedline(end.node.qubit) for end in link.ends]
    reference, carrier_hz = facility.timing.phase_reference, link.link.frequency_hz
    together = feedlines[0].output.instrument == feedlines[1].output.instrument
    if together or reference is None or carrier_hz is None:
        return 1.0
    return exp(-(np.radians(reference.phase_deg(carrier_hz)) ** 2) / 2)


def _errors(bench: GateBench, node: NodePulses) -> ReadoutErrors:
    own = bench.link.first.bench
    up, down = (own.known(node.qubit, one).value for one in ("false_excited", "false_ground"))
    return ReadoutErrors(up, down)


def _lacking(parts: SearchParts) -> str:
    """Return what each kind of part costs by itself, for people."""
    none = ReadoutErrors(0.0, 0.0)
    perfect = replace(
        parts,
        pair=1.0,
        stray=1.0,
        gates=(0.0, 0.0),
        halves=(none, none),
        data=(none, none),
        excited=(0.0, 0.0),
        beside=(1.0, 1.0),
        reset_s=(0.0, 0.0),
        waits_s=(0.0, 0.0),
        flips_s=(0.0, 0.0),
        gate_waits_s=(0.0, 0.0),
    )
    kinds = {
        "pairs": ("pair", "stray"),
        "gates": ("gates",),
        "results of the halves": ("halves", "flips_s"),
        "readouts beside the data qubits": ("beside",),
        "waits": ("waits_s", "gate_waits_s"),
        "reset of the data qubits": ("data", "excited", "reset_s"),
    }
    said = []
    for kind, names in kinds.items():
        alone = replace(perfect, **{name: getattr(parts, name) for name in names})
        said.append(f"{kind} {1 - np.diag(foretold(alone)).mean():.4f}")
    return f"by itself takes of the success: {', '.join(said)}"


def _said(name: str, one: Measured) -> str:
    return f"{name} {one.value:.3f} ± {one.sigma:.3f}"


def _compared(what: str, found: Measured, expected: float, doubt: float) -> str:
    """Return how a figure compares with its forecast, for people."""
    off = found.value - expected
    sigma = float(np.hypot(found.sigma, doubt))
    within = "within" if abs(off) <= ASKED else "more than"
    return (
        f"{what} {found.value:.4f} ± {found.sigma:.4f} where {expected:.4f} ± {doubt:.4f} was "
        f"foretold: {off:+.4f}, {abs(off) / sigma:.1f} sigma, {within} the {ASKED} asked for"
    )
