"""Two-tone spectroscopy: the 0-1 transition of each qubit, first anywhere, then narrowly."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, values_of
from podium.control.calibration.drive_scan import (
    SEARCH_SHOTS,
    Line,
    Search,
    drawn,
    narrow,
    search,
    stark_hz,
)
from podium.control.calibration.fits.peak import pulse_line
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Qubit

AGAIN = 4
"""So many times the shots has a second search for what the narrow scan did not confirm."""
SAME_LINE = 0.6
"""Lines of two qubits that lie within this share of their width are one line."""


async def qubit_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Search the design's range, wider where no line is seen, then scan narrowly about each line.

    Stores ``f01`` (Hz).
    """
    outcome = Outcome("qubit_spectroscopy", "Qubit spectroscopy")
    expected = {q.name: bench.design(q, "f01") for q in qubits}
    centres = {name: one.value for name, one in expected.items()}
    spans = {name: 6 * one.spread + 20e6 for name, one in expected.items()}
    missing = qubits
    for shots in (SEARCH_SHOTS, AGAIN * SEARCH_SHOTS):
        seen = await search(bench, outcome, missing, centres, spans, shots=shots)
        seen.reasons |= _exclude(seen.lines, centres, spans)
        _say_lost(outcome, missing, seen)
        found = tuple(q for q in missing if q.name in seen.lines)
        good = await _narrow(bench, outcome, found, seen.lines, spans) if found else ()
        missing = tuple(q for q in found if q not in good)
        if not missing or shots > SEARCH_SHOTS:
            break
        # What the search took for a line is none where one looks closely.
        for qubit in missing:
            del outcome.failures[qubit.name]
            outcome.panels[:] = [p for p in outcome.panels if p.element != qubit.element]
    return outcome


def _say_lost(outcome: Outcome, qubits: tuple[Qubit, ...], seen: Search) -> None:
    """Note why no window shows a line of a qubit, with the scan over the widest one."""
    last = {panel.element: panel for panel in seen.panels}
    for qubit in qubits:
        if qubit.name in seen.reasons:
            outcome.failures[qubit.name] = reason = seen.reasons[qubit.name]
            panel = last.get(qubit.element, Panel(qubit.element, "drive frequency (GHz)", ""))
            outcome.panels.append(replace(panel, text=reason, failed=True))


def _exclude(
    lines: dict[str, Line], centres_hz: Mapping[str, float], spans_hz: Mapping[str, float]
) -> dict[str, str]:
    """Give a line that two qubits show to the one whose design it fits better.

    Takes it from the other one; returns why, by full name.
    """
    names = sorted(lines, key=lambda n: abs(lines[n].centre_hz - centres_hz[n]) / spans_hz[n])
    lost: dict[str, str] = {}
    for k, name in enumerate(names):
        for better in names[:k]:
            if better not in lines or name not in lines:
                continue
            one, other = lines[name], lines[better]
            if abs(one.centre_hz - other.centre_hz) < SAME_LINE * max(one.width_hz, other.width_hz):
                lost[name] = (
                    f"the only line seen, at {one.centre_hz / 1e9:.6f} GHz, is that of {better}"
                )
                del lines[name]
    return lost


async def _narrow(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    lines: Mapping[str, Line],
    spans_hz: Mapping[str, float],
) -> tuple[Qubit, ...]:
    scan, data = await narrow(bench, outcome, qubits, lines)

    def raw(qubit: Qubit) -> Panel:
        frequency = values_of(data, f"{qubit.element}_drive_frequency")
        return drawn(qubit, data, f"scan over {np.ptp(frequency) / 1e6:.1f} MHz")

    def fit(qubit: Qubit, panel: Panel) -> Found:
        found = scan.fit(qubit, data)
        v, sigma = found.values, found.sigmas["centre"]
        centre = v["centre"] - stark_hz(bench, qubit, v["rabi"])
        frequency = values_of(data, f"{qubit.element}_drive_frequency")
        line = pulse_line(frequency, v, scan.duration_s)
        text = "{f01}"
        window = lines[qubit.name].window_hz
        if window > 1.2 * spans_hz[qubit.name]:
            text += f"; found in a window widened to {window / 1e6:.0f} MHz"
        return {"f01": Measured(centre, sigma, "Hz")}, replace(
            panel,
            series=(*panel.series, Series("fit", frequency / 1e9, line * 1e3, line=True)),
            text=text,
        )

    return await analyse(bench, outcome, qubits, raw, fit)
