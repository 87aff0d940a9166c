"""A cluster and a rack of Zurich Instruments, both of which play pulses on a flux line."""

from pathlib import Path

from podium.control.facility.line_response import LineResponse
from podium.control.program.program import Barrier, Delay, Frame, Play, Program
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

RACK = Path(__file__).parents[3] / "examples" / "mixed_rack" / "facility.yaml"
SHORT = LineResponse(((0.015, 60e-9),))
LONG = LineResponse(((-0.03, 5e-9), (0.015, 60e-9), (-0.012, 1.2e-6), (0.006, 30e-6)))
DRIVES = ("node_a.q0.drive", "node_b.q0.drive")
FLUXES = ("node_a.q0.flux", "node_b.q0.flux")
PULSED = """\
  node_a.q0.flux:
    source: bias_q0
    limit: 1.2 V
    slew: 0.5 V/s
    output: cluster_a.slot8.out0
    range: 5 V
    line_attenuation: 14 dB
"""


TUNABLE = """\
      q0:    # no flux line: it stays where it is
        kind: transmon
        design:
"""
PERIOD = """\
          flux_period: {value: 1.5 V, spread: 0.05 V, assumed: true}
          flux_offset: {value: 0 V, spread: 0.1 V, assumed: true}
"""


def filtered_pair(folder: Path) -> Path:
    """Write the linked example of a cluster and an SHFQC, with a flux line on the cluster."""
    text = (RACK.parents[1] / "linked" / "facility_mixed.yaml").read_text()
    text = text.replace("4: QCM-RF}", "4: QCM-RF, 8: QCM}", 1)
    text = text.replace(TUNABLE, TUNABLE + PERIOD, 1)
    pulsed = PULSED.replace("bias_q0", "cluster_a.slot8.out2")
    text = text.replace("  node_a.q0.drive: {", pulsed + "  node_a.q0.drive: {", 1)
    (folder / "facility.yaml").write_text(text)
    return folder / "facility.yaml"


def filtered_rack(folder: Path) -> Path:
    """Write the example's facility, with an output for flux pulses on the cluster as well."""
    text = RACK.read_text()
    for before, after in (
        ("6: QCM}", "6: QCM, 8: QCM}"),
        ("  node_a.q0.flux: {source: bias_q0, limit: 1.2 V, slew: 0.5 V/s}\n", PULSED),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    (folder / "facility.yaml").write_text(text)
    return folder / "facility.yaml"


def edges(fluxes: tuple[str, ...] = FLUXES) -> Program:
    """Return drives of both nodes, and flux pulses, that begin at one time in each shot."""
    frames = (
        *(Frame(port, port, 6e9) for port in DRIVES),
        *(Frame(port, port, 0.0) for port in fluxes),
    )
    names = tuple(one.name for one in frames)
    pulses = [Play(name, Square(ns=40), 0.02) for name in names]
    return Program(
        "edges", frames, (*pulses, Barrier(names), Delay(names[:1], 9_960 * FS_PER_NS)), shots=3
    )
