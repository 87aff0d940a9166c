import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.constants import Boltzmann
from tests.benches.physics.sampled_facility import FACILITY, facility
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.design import DesignError, read_design
from podium.sim_instruments.physics.relaxation import lifetime_s
from podium.sim_instruments.physics.sampling import draw_world, sample
from podium.sim_instruments.physics.sampling_qubits import SamplingError
from podium.sim_instruments.physics.spread import CUT
from podium.sim_instruments.physics.truth import qubit_truth
from podium.sim_instruments.physics.world_file import dump_world

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
SEEDS = range(cases(12, 40))


@cache
def example(seed: int) -> Chip:
    return sample(EXAMPLE, seed).chip()


def test_the_world_has_the_values_that_were_drawn_for_its_design() -> None:
    design = read_design(EXAMPLE).nodes[0]
    drawn: dict[str, list[float]] = {}
    for seed in SEEDS:
        chip = example(seed)
        (feedline,) = chip.at(chip.sweet_spots_v())
        for point, qubit in zip(feedline.qubits, design.qubits, strict=True):
            for quantity, truth in qubit_truth(point).items():
                if quantity == "thermal_population":
                    assert 0.001 < truth.value < 0.03
                    continue
                spread = qubit.values[quantity]
                assert truth.unit == spread.unit
                # t1 is that of a two-level system when drawn; higher levels move it by < 2 %.
                assert truth.value == pytest.approx(
                    spread.value, abs=CUT * spread.spread * 1.02 + 1
                )
                drawn.setdefault(quantity, []).append((truth.value - spread.value) / spread.spread)
    for quantity in ("f01", "anharmonicity", "readout_frequency", "chi", "kappa"):
        # 120 draws, fixed seeds: mean within 5, deviation within 0.7..1.3 of the cut normal's.
        assert abs(np.mean(drawn[quantity])) < 5 / math.sqrt(120)
        assert 0.7 < np.std(drawn[quantity]) < 1.3


def test_coherence_times_go_together_in_every_world() -> None:
    for seed in SEEDS:
        chip = example(seed)
        for point in chip.at(chip.sweet_spots_v())[0].qubits:
            told = {name: truth.value for name, truth in qubit_truth(point).items()}
            assert told["t2_ramsey"] < told["t2_echo"] < 2 * lifetime_s(point.rates_1_s)
            assert point.dephasing_1_s > 0
            assert point.slow_sigma_hz > 500


def test_the_sweet_spot_is_the_drawn_offset_and_crosstalk_is_small() -> None:
    for seed in SEEDS:
        chip = example(seed)
        assert all(abs(volts) <= CUT * 0.1 + 1e-9 for volts in chip.sweet_spots_v().values())
        own = np.diag(chip.flux_per_volt)
        assert np.all(np.abs(1 / own - 1.5) <= CUT * 0.05 + 1e-9)
        others = chip.flux_per_volt / own - np.eye(3)
        assert np.max(np.abs(others)) < 0.01


def test_a_known_offset_is_where_the_sweet_spot_lies(tmp_path: Path) -> None:
    text = FACILITY.replace("flux_offset: {value: 0 V, spread: 0.1 V}", "flux_offset: 120 mV")
    assert sample(facility(tmp_path, text), 4).chip().sweet_spots_v() == {
        "n.a.flux": pytest.approx(0.12)
    }


def test_readout_is_dispersive_and_the_slow_noise_is_short_against_a_routine() -> None:
    for seed in SEEDS:
        chip = example(seed)
        (feedline,) = chip.at(chip.sweet_spots_v())
        for point in feedline.qubits:
            assert 20 < point.n_crit < 90
            assert 0 < point.kappa_coupling_hz < point.kappa_hz
            # Mean frequency over 10 000 shots of 250 us: within a fifth of f01's floor of 2 kHz.
            assert point.slow_sigma_hz * math.sqrt(2 * point.slow_memory_s / 2.5) < 0.2 * 2e3
            assert point.slow_memory_s > 5 * 60e-6, "static during a shot's pulses"
        spacing = np.diff(sorted(float(point.resonator_hz[0]) for point in feedline.qubits))
        assert spacing.min() > 100e6


def test_the_same_seed_gives_the_same_file_and_another_seed_another_world() -> None:
    assert dump_world(sample(EXAMPLE, 5)) == dump_world(sample(EXAMPLE, 5))
    assert sample(EXAMPLE, 5) != sample(EXAMPLE, 6)


def test_a_qubit_more_moves_no_other_qubits_circuit(tmp_path: Path) -> None:
    text = FACILITY.replace("{line: [a]}", "{line: [a, b]}")
    design = text.split("      a:\n")[1].split("wiring:")[0]
    text = text.replace("wiring:", f"      b:\n{design}wiring:")
    text = text.replace("  n.a.drive:", "  n.b.drive: {output: box.slot4.out1}\n  n.a.drive:")
    one = sample(facility(tmp_path), 3).nodes["n"].qubits["a"]
    two = sample(facility(tmp_path, text), 3).nodes["n"].qubits["a"]
    for field in ("charging_energy", "coupling", "quality_factor", "drive", "white_dephasing"):
        assert getattr(one, field) == getattr(two, field)
    assert two != sample(facility(tmp_path, text), 3).nodes["n"].qubits["b"]


def test_the_rabi_frequency_is_reached_at_full_scale_of_the_attenuated_output(
    tmp_path: Path,
) -> None:
    chip = sample(facility(tmp_path), 0).chip()
    point = chip.at(chip.sweet_spots_v())[0].qubits[0]
    full_scale_w = 1e-3 * 10 ** ((5 - 20) / 10)
    assert point.rabi_hz_per_sqrt_w * math.sqrt(full_scale_w) == pytest.approx(40e6)


def test_the_chain_lies_near_the_wiring_of_the_file() -> None:
    for seed in SEEDS:
        chip = example(seed)
        (feedline,) = chip.at({})
        assert 20 * math.log10(feedline.transmission_in) == pytest.approx(-66, abs=2.5)
        assert 20 * math.log10(feedline.gain_out) == pytest.approx(70, abs=2.5)
        kelvin = feedline.noise_w_per_hz / feedline.gain_out**2 / Boltzmann
        assert kelvin == pytest.approx(2, rel=0.25)
        delay_ns = feedline.delay_in_ns + feedline.delay_out_ns
        assert delay_ns == pytest.approx(150, abs=50.1)
        assert min(feedline.delay_in_ns, feedline.delay_out_ns) > 30


def test_numbers_carry_the_origin_that_the_design_gives_them(tmp_path: Path) -> None:
    qubit = sample(facility(tmp_path), 1).nodes["n"].qubits["a"]
    assert qubit.kappa_coupling.source == "drawn: the facility file's design"
    assert qubit.charging_energy.assumed, "readout_frequency of the design is assumed"
    assert qubit.flux_noise.assumed


def test_the_fridge_has_the_stages_that_its_thermometer_reads(tmp_path: Path) -> None:
    world = sample(facility(tmp_path), 1)
    assert world.temperatures_k("cold").keys() == {"mixing_chamber"}
    assert 0.007 <= world.temperatures_k("cold")["mixing_chamber"] < 0.030


@pytest.mark.parametrize(
    ("channel", "lowest_k", "highest_k"),
    [
        ("mxc", 0.007, 0.017),
        ("MXC-flange", 0.007, 0.017),
        ("4K", 2.5, 4.1),
        ("attic", 0.007, 0.017),
    ],
)
def test_a_channel_may_have_any_name(
    tmp_path: Path, channel: str, lowest_k: float, highest_k: float
) -> None:
    text = FACILITY.replace("6: mixing_chamber", f"6: {channel}")
    world = sample(facility(tmp_path, text), 1)
    assert lowest_k <= world.temperatures_k("cold")[channel] <= highest_k


def test_a_fridge_is_cold_by_the_channel_that_says_so(tmp_path: Path) -> None:
    text = FACILITY.replace("mixing_chamber", "still").replace("30 mK", "0.5 K")
    assert sample(facility(tmp_path, text), 1).temperatures_k("cold")["still"] < 0.5


def test_a_chip_that_no_library_knows_has_the_hidden_values_of_its_kind(tmp_path: Path) -> None:
    known = sample(facility(tmp_path), 1).nodes["n"]
    own = sample(facility(tmp_path, FACILITY.replace("krinner2022", "someone")), 1).nodes["n"]
    assert (own.qubits, own.feedlines) == (known.qubits, known.feedlines)
    assert own.device == "someone"
    assert own.source == "a paper; what it does not say: ASSUMED to be as of krinner2022"


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("f01: {value: 6 GHz,", "f01: {value: 6 V,", r"qubits\.a\.design\.f01\.value: .*voltage"),
        (
            '          f01: {value: 6 GHz, spread: 40 MHz, source: "a paper, table 1"}\n',
            "",
            r"design: f01 is missing",
        ),
        (
            "          flux_offset: {value: 0 V, spread: 0.1 V}\n",
            "",
            r"design: flux_offset is missing",
        ),
        ("kind: transmon", "kind: phase_slip", r"'phase_slip' cannot be drawn"),
        ("  n.line:", "  n.other:", r"wiring: n\.line is missing; there are n\.other"),
        ("fridges: {", "fridges: [}", r"is not YAML"),
    ],
)
def test_a_design_that_says_too_little_is_refused_with_the_place(
    tmp_path: Path, old: str, new: str, wrong: str
) -> None:
    assert old in FACILITY
    with pytest.raises(DesignError, match=wrong):
        sample(facility(tmp_path, FACILITY.replace(old, new)), 1)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("value: 27 us, spread: 5 us", "value: 90 us", "do not go together"),
        ("chi: -1.2 MHz", "chi: 1.2 MHz", r"n\.a: no transmon below its resonator"),
    ],
)
def test_a_design_that_no_world_fits_is_refused_with_the_numbers(
    tmp_path: Path, old: str, new: str, wrong: str
) -> None:
    assert old in FACILITY
    with pytest.raises(SamplingError, match=wrong):
        sample(facility(tmp_path, FACILITY.replace(old, new)), 1)
    with pytest.raises(SamplingError, match="a seed is a whole number from 0"):
        draw_world(read_design(facility(tmp_path)), -1)
