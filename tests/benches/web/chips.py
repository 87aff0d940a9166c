"""Parameters of an edge and of a link, and pictures of facilities that have them."""

from pathlib import Path

from tests.benches.facility.loaded_examples import loaded
from tests.benches.web.page import entry

from podium.control.web.picture import FacilityPicture

EXAMPLES = Path(__file__).parents[3] / "examples"
EDGE = (
    entry("node_a.q0_q1.gate_amplitude", 0.3, 0.001, "1"),
    entry("node_a.q0_q1.gate_error", 8e-3, 7e-4, "1"),
    entry("node_a.q0_q1.gate_leakage", 6e-4, 2e-4, "1"),
    entry("node_a.q0_q1.gate_duration", 90e-9, 0.3e-9, "s"),
    entry("node_a.q0.t1", 33e-6, 1e-6, "s"),
    entry("node_a.q1.t1", 25e-6, 1e-6, "s"),
    entry("node_a.q0.t2_echo", 30e-6, 1e-6, "s"),
    entry("node_a.q1.t2_echo", 28e-6, 1e-6, "s"),
)
LINK = (
    entry("link_ab.bell_fidelity", 0.79, 0.01, "1", tai_s=1.8e9 + 60),
    entry("link_ab.bell_concurrence", 0.62, 0.02, "1"),
    entry("link_ab.transfer", 0.68, 0.01, "1"),
    entry("link_ab.transmission", 0.77, 0.01, "1"),
    entry("link_ab.delay", 5.2e-9, 1e-10, "s"),
    entry("link_ab.photon_bandwidth", 10.2e6, 2e5, "Hz"),
    entry("link_ab.carrier_phase", 2.1, 0.05, "rad"),
)


def picture_of(example: str, entries, age_s: float = 600.0) -> FacilityPicture:
    picture = FacilityPicture(loaded(EXAMPLES / example / "facility.yaml"), "store")
    picture.coordinator = True
    picture.take_parameters({one.name: one for one in entries}, "")
    picture.clock_said(1.8e9 + age_s)
    return picture
