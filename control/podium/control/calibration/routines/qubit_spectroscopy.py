"""Finds the 0-1 transition of each qubit by two tones, first anywhere, then narrowly."""

from collections.abc import Mapping
from functools import partial

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import READOUT_SETTINGS, Declaration
from podium.control.calibration.leaking_carrier import moved_carrier
from podium.control.calibration.line_scan import Range, line_scan, stark_hz
from podium.control.calibration.line_search import LineScanFit, SearchPlan, find_lines, store_lines
from podium.control.calibration.outcome import Outcome
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, HOUR_S, Lifetime


async def qubit_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Search the design's range, wider where no line is seen, then scan narrowly about each line.

    Stores ``f01`` and ``rabi_frequency``, at full scale of the drive (Hz); and ``drive_carrier``
    (Hz) where the carrier of a modulator that nothing calibrates is too near: it is there from the
    next routine on.
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

    def values(qubit: Qubit, seen: LineScanFit) -> Mapping[str, Measured]:
        v, sigma = seen.fit.values, seen.fit.sigmas["centre"]
        f01_hz = v["centre"] - stark_hz(bench, qubit, v["rabi"])
        return {
            "f01": Measured(f01_hz, sigma, "Hz"),
            **moved_carrier(bench, qubit, f01_hz),
            "rabi_frequency": Measured(*seen.scan.rabi_hz(qubit, seen.fit), "Hz"),
        }

    await store_lines(bench, outcome, qubits, lines, expected, "{f01}", values)
    return outcome


QUBIT_SPECTROSCOPY = Declaration(
    qubit_spectroscopy,
    targets="qubits",
    apart=True,
    needs=("sweet_spot", *READOUT_SETTINGS),
    gives={
        "f01": Lifetime(12 * HOUR_S),
        "rabi_frequency": Lifetime(7 * DAY_S),
        "drive_carrier": Lifetime(30 * DAY_S),
    },
    essential=True,
    places=(60,),
    cost_s=0.5,
)
