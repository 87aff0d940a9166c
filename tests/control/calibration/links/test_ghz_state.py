"""GHZ states of three nodes: fidelities of states that are known, and the program."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.hub_states import CONFUSIONS, drawn, kets
from tests.benches.links.linked_ends import EXAMPLES, KNOWN, NoRunner, entry

from podium.control import cli
from podium.control.calibration.fits.shared_by_three import (
    SWAPPED,
    shared_of,
)
from podium.control.calibration.links.ghz_state import (
    GHZ_STATE,
    SWAPPED_PAIR,
    over_hub_program,
)
from podium.control.calibration.links.link_session import NoHub, link_validities, relay_of
from podium.control.calibration.links.relay_bench import RelayBench
from podium.control.compilers.placing import place_in_fs
from podium.control.compilers.qblox.compile import compile_program
from podium.control.facility.load import load_facility
from podium.control.families.qblox.targets import targets_of
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.validate import validate
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart

HUB = EXAMPLES / "linked" / "facility_hub.yaml"


@pytest.mark.parametrize("phase", [0.0, 1.9, 4.4])
def test_the_fidelity_is_that_of_the_density_matrix_whatever_the_phase(phase: float) -> None:
    """A state with coherences everywhere: a GHZ state, a product, and one qubit that decayed."""
    plus = np.ones(8) / np.sqrt(8)
    decayed = np.zeros(8)
    decayed[0b010] = 1
    rho = 0.8 * np.outer(kets(phase), kets(phase).conj())
    rho = rho + 0.1 * np.outer(plus, plus) + 0.1 * np.outer(decayed, decayed)
    found = shared_of(drawn(rho, np.random.default_rng(3)), CONFUSIONS)
    best = 0.5 * (rho[0b110, 0b110].real + rho[0b001, 0b001].real) + abs(rho[0b110, 0b001])
    assert abs(found.fidelity - best) < 4 * found.sigma
    assert 0.002 < found.sigma < 0.02
    wrong = shared_of(drawn(rho, np.random.default_rng(3)), [np.eye(2)] * 3)
    assert wrong.fidelity < found.fidelity - 0.05


def test_a_pair_and_a_bystander_are_no_state_of_three() -> None:
    pair = np.array([0, 1, 1, 0]) / np.sqrt(2)
    state = np.kron(np.outer(pair, pair), np.diag([1.0, 0.0]))
    found = shared_of(drawn(state, np.random.default_rng(5)), CONFUSIONS)
    assert found.fidelity < 0.5 + 3 * found.sigma


def pair_fidelity(rho: np.ndarray, error: float) -> float:
    """Of the outer two, the hub projected on either state along x, its result wrong so often."""
    cube = rho.reshape((2,) * 6)
    pair = np.zeros((4, 4), complex)
    for result, sign in ((0, 1), (1, -1)):
        along = np.array([1, sign]) / np.sqrt(2)
        left = np.einsum("h,ahcbgd,g->acbd", along, cube, along).reshape(4, 4)
        for read, weight in ((result, 1 - error), (1 - result, error)):
            flip = np.diag([1, 1, 1, 1]) if read == 0 else np.diag([1, -1, 1, -1])
            pair += weight * flip @ left @ flip
    return float(0.5 * (pair[1, 1] + pair[2, 2]).real + abs(pair[1, 2]))


@pytest.mark.parametrize(("phase", "error"), [(0.7, 0.0), (3.0, 0.06)])
def test_a_hub_that_is_read_leaves_a_pair_whose_sign_it_tells(phase: float, error: float) -> None:
    rho = 0.85 * np.outer(kets(phase), kets(phase).conj()) + 0.15 * np.eye(8) / 8
    hub = np.array([[1 - error, error], [error, 1 - error]])
    told = drawn(rho, np.random.default_rng(8), SWAPPED, [CONFUSIONS[0], hub, CONFUSIONS[2]])
    found = shared_of(told, [CONFUSIONS[0], np.eye(2), CONFUSIONS[2]], SWAPPED)
    assert abs(found.fidelity - pair_fidelity(rho, error)) < 4 * found.sigma
    # without the result it is a mixture of two pairs
    told[1] = np.random.default_rng(9).random(told[1].shape) < 0.5
    lost = shared_of(told, [CONFUSIONS[0], np.eye(2), CONFUSIONS[2]], SWAPPED)
    assert lost.fidelity < 0.5 + 4 * lost.sigma


def bench() -> RelayBench:
    facility = load_facility(HUB)
    more = {
        "node_c.q0.f01": (6.2113e9, "Hz"),
        "node_c.q0.pi_amplitude": (0.42, "1"),
        "link_bc.best_lag": (6.0e-9, "s"),
    }
    known = MemoryRecord(entry(name, *one) for name, one in {**KNOWN, **more}.items())
    relay = relay_of(facility, "node_b")
    return RelayBench.of(
        NoRunner(facility),  # type: ignore[arg-type]
        relay,
        known,
        lambda data: None,
        link_validities(facility),
    )


def test_the_hub_sends_on_behind_what_it_has_caught() -> None:
    program = over_hub_program(bench(), GHZ_STATE, 100)
    validate(program)
    assert len({frame.port.partition(".")[0] for frame in program.frames}) == 3
    frames = {one.frame.name: one for one in place_in_fs(program).frames}

    def begins_ns(name: str) -> list[int]:
        return [int(np.ravel(one.start_fs)[0]) // 10**6 for one in frames[name].pulses]

    sent, caught, passed, last = (
        begins_ns(f"link_{one}.sideband")[-1] for one in ("ab.a", "ab.b", "bc.a", "bc.b")
    )
    assert caught - sent == 7
    assert last - passed == 6
    assert passed > caught + 144


def test_a_hub_is_found_or_the_file_says_what_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    facility = load_facility(HUB)
    assert relay_of(facility, None).ends == ("node_a", "node_b", "node_c")
    assert relay_of(facility, "node_b").name == "link_ab.link_bc"
    with pytest.raises(NoHub, match=r"node_a is not in the middle .* link_ab"):
        relay_of(facility, "node_a")
    two = EXAMPLES / "linked" / "facility.yaml"
    assert cli.main(["link", "ghz", str(two)]) == 2
    assert "no node is in the middle" in capsys.readouterr().err


def test_two_resonators_that_one_line_would_drive_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    near = tmp_path / "facility.yaml"
    near.write_text(HUB.read_text().replace("8.200 GHz", "8.300 GHz"))
    assert cli.main(["check", str(near)]) == 1
    assert "its sideband would drive both; tune one away" in capsys.readouterr().err


def test_the_hub_of_a_swap_is_turned_alike_in_all_settings() -> None:
    (axis,) = over_hub_program(bench(), SWAPPED_PAIR, 100).axes
    values = {one.name: np.array(one.values.values) for one in axis.variables}
    assert np.ptp(values["node_b.q0_turn"]) == np.ptp(values["node_b.q0_height"]) == 0.0
    assert values["node_b.q0_height"][0] > 0.0
    for outer in ("node_a.q0", "node_c.q0"):
        heights = values[f"{outer}_height"]
        assert heights[0] == 0.0 < heights[1]
    np.testing.assert_allclose(values["node_a.q0_turn"], -values["node_c.q0_turn"])


@pytest.mark.parametrize(("cluster", "sidebands"), [("a", 1), ("b", 2), ("c", 1)])
def test_each_cluster_has_its_part_and_the_hub_two_sidebands_on_one_output(
    cluster: str, sidebands: int
) -> None:
    target = targets_of(load_facility(HUB))[f"cluster_{cluster}"]
    made = compile_program(over_hub_program(bench(), GHZ_STATE, 100), target, ExternalStart(1))
    outputs = [one.output for one in made.sequencers]
    assert outputs.count("out1") == sidebands, outputs
