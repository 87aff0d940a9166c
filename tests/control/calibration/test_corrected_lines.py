"""While a routine runs all is undone of flux lines but what it measures of them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from podium.control.calibration.corrected_lines import correct_lines_for
from podium.control.client.lab import Lab
from podium.control.facility.line_response import Cancel, LineResponse
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore


def test_gates_are_calibrated_on_lines_that_are_corrected_as_stored(tmp_path: Path) -> None:
    """The routine that measures a line meets it as it is; those of qubits play no flux pulses."""
    facility = load_facility(Path(__file__).parents[3] / "examples/two_qubit/facility.yaml")
    found: list[dict[str, LineResponse]] = []

    class Recorded(Lab):
        def __init__(self) -> None:
            self._facility = facility

        def correct_lines(self, lines: Mapping[str, LineResponse]) -> None:
            found.append(dict(lines))

    with ParameterStore(tmp_path / "p.sqlite") as store:
        values = (
            ("flux_amplitude1", 0.01, "1"),
            ("flux_tau1", 60e-9, "s"),
            ("flux_delay", 2e-9, "s"),
            ("pulsed_crosstalk_amplitude_q1", 0.02, "1"),
        )
        store.put(
            [
                ParameterEntry(f"node_a.q0.{name}", value, 1e-9, unit, "r", "cryoscope", 1.8e9, 0)
                for name, value, unit in values
            ]
        )
        for routine in ("rabi", "cryoscope", "flux_delay", "pulsed_crosstalk", "chevron"):
            correct_lines_for(Recorded(), routine, store)
    whole = LineResponse(((0.01, 60e-9),), delay_s=2e-9, cancels=(Cancel("node_a.q1.flux", -0.02),))
    lines = (replace(whole, delay_s=0.0), replace(whole, cancels=()), whole)
    assert found == [{}, *({"node_a.q0.flux": one} for one in lines)]
