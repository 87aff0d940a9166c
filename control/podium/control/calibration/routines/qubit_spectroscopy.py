"""Finds the 0-1 transition of each qubit by two tones, first anywhere, then narrowly."""

from collections.abc import Mapping
from functools import partial

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import READOUT_SETTINGS, Declaration
from podium.control.calibration.fits.peak import pulse_line
from podium.control.calibration.line_scan import Range, line_scan, stark_hz
from podium.control.calibration.line_search import FoundLines, SearchPlan, find_lines
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse, record_failure
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, HOUR_S, Lifetime


async def qubit_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Search the design's range, wider where no line is seen, then scan narrowly about each line.

    Stores ``f01`` and ``rabi_frequency``, at full scale of the drive (Hz).
    """
    outcome = Outcome("qubit_spectroscopy", "Qubit spectroscopy")
    expected: dict[str, Range] = {}
    for q in qubits:
        f01 = bench.design(q, "f01")
        half = 3 * f01.spread + 10e6
        expected[q.name] = Range(f01.value - half, f01.value + half)
    # Of the drive's strength nothing is taken for granted: this is where a new cable shows.
    lines = await find_lines(
        bench, outcome, qubits, expected, partial(line_scan, bench), {}, SearchPlan()
    )
    for qubit in qubits:
        if qubit.name not in lines.seen:
            name = qubit.name
            record_failure(outcome, name, lines.panels[name], lines.reasons[name])
    found = tuple(q for q in qubits if q.name in lines.seen)
    await _analyse(bench, outcome, found, lines, expected)
    return outcome


async def _analyse(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    lines: FoundLines,
    expected: Mapping[str, Range],
) -> None:
    def raw(qubit: Qubit) -> Panel:
        seen = lines.seen[qubit.name]
        return seen.scan.draw(qubit, seen.data)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        seen = lines.seen[qubit.name]
        v, sigma = seen.fit.values, seen.fit.sigmas["centre"]
        frequency = seen.scan.frequency_hz(qubit, seen.data)
        line = pulse_line(frequency, v, seen.scan.duration_s)
        text = "{f01}"
        if seen.window_hz > 1.2 * expected[qubit.name].span:
            text += f"; found in a window widened to {seen.window_hz / 1e6:.0f} MHz"
        return {
            "f01": Measured(v["centre"] - stark_hz(bench, qubit, v["rabi"]), sigma, "Hz"),
            "rabi_frequency": Measured(*seen.scan.rabi_hz(qubit, seen.fit), "Hz"),
        }, panel.fitted(Series("fit", frequency / 1e9, line * 1e3, line=True), text=text)

    await analyse(bench, outcome, qubits, raw, fit)


QUBIT_SPECTROSCOPY = Declaration(
    qubit_spectroscopy,
    targets="qubits",
    apart=True,
    needs=("sweet_spot", *READOUT_SETTINGS),
    gives={
        "f01": Lifetime(12 * HOUR_S),
        "rabi_frequency": Lifetime(7 * DAY_S),
    },
    essential=True,
    places=(60,),
    cost_s=0.5,
)
