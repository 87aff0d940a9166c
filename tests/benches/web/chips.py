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
STATION = (
    entry("link_ab.one_click_fidelity", 0.876, 0.012, "1", tai_s=1.8e9 + 60),
    entry("link_ab.one_click_chance", 0.1024, 0.0009, "1"),
    entry("link_ab.one_click_rate", 586.9, 5.3, "Hz"),
    entry("link_ab.one_click_alpha", 0.1, 0.001, "1"),
    entry("link_ab.two_clicks_fidelity", 0.953, 0.010, "1"),
    entry("link_ab.two_clicks_chance", 0.1281, 0.0012, "1"),
    entry("link_ab.two_clicks_rate", 732.7, 7.1, "Hz"),
    entry("link_ab.arm_lag", 5.5e-9, 0.4e-9, "s"),
    entry("link_ab.photon_visibility", 0.994, 0.004, "1"),
    entry("link_ab.emitter_detuning", 1.8e5, 7e4, "Hz"),
)
"""Of a link with a herald station."""


def picture_of(
    example: str, entries, age_s: float = 600.0, file: str = "facility.yaml"
) -> FacilityPicture:
    picture = FacilityPicture(loaded(EXAMPLES / example / file), "store")
    picture.coordinator = True
    picture.take_parameters({one.name: one for one in entries}, "")
    picture.clock_said(1.8e9 + age_s)
    return picture
