"""Programs of link routines: on both nodes, with what is known of the ends, and compiled there."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.linked_ends import (
    EXAMPLES,
    LINKED,
    NoRunner,
    bench_of,
    entry,
    sidebands_ns,
)
from tests.benches.links.played_link import READOUT

from podium.control import cli
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links import link_bench
from podium.control.calibration.links.absorption import again_program, strength_program
from podium.control.calibration.links.carrier_tracking import carrier_tracking
from podium.control.calibration.links.emission import emission_program, slices_ns
from podium.control.calibration.links.entangled_pair import (
    PSI_PLUS,
    bell_program,
    carrier_phase,
    link_bell,
    phase_program,
)
from podium.control.calibration.links.f_coherence import WAITS, coherence_program
from podium.control.calibration.links.link_bench import STARTS, LinkBench
from podium.control.calibration.links.link_routines import CALIBRATION, LINK_ROUTINES, MEETING
from podium.control.calibration.links.link_session import UnknownLink, chosen_link, link_validities
from podium.control.calibration.links.photon_pulses import of_resonance
from podium.control.calibration.links.photon_transfer import (
    EARLIEST_NS,
    PhotonWay,
    detuning_program,
    fit_lag,
    found_lag,
    lag_program,
    lossless,
    reference_program,
)
from podium.control.calibration.links.sideband_rate import (
    aside_program,
    line_scans,
    rate_program,
)
from podium.control.calibration.links.sideband_spectroscopy import sideband_scans
from podium.control.calibration.links.thermal_photons import HeatingPulse, heating_program
from podium.control.calibration.links.transfer_efficiency import efficiency_program
from podium.control.calibration.links.transfer_process import link_process, process_program
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.bell_state import rotations
from podium.control.compilers.placing import place_in_fs
from podium.control.facility.load import load_facility
from podium.control.families.family import families_of
from podium.control.families.shot_grid import on_shot_grid
from podium.control.parameters.entry import NotMeasured
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.store import ParameterStore
from podium.control.program.program import Delay, Frame, Linear, Program, Table
from podium.control.program.validate import validate
from podium.control.runs.errors import RunError, RunFailed, RunRefused, StartLate, StartPartial


@pytest.fixture
def bench() -> LinkBench:
    return bench_of()


def test_programs_of_one_end_touch_its_node_alone(bench: LinkBench) -> None:
    for number, end in enumerate(bench.ends):
        programs = [scan.program for scan in sideband_scans(end, 100)]
        programs += [rate_program(end, 80, 100)]
        programs += [aside_program(end, scan, 100) for scan in line_scans(end)]
        for program in programs:
            validate(program)
            assert {frame.port.partition(".")[0] for frame in program.frames} == {
                ("node_a", "node_b")[number]
            }
            assert f"{end.node.qubit.name}.sideband" in {frame.port for frame in program.frames}


def test_what_a_shot_leaves_in_1_is_forgotten_before_the_next(bench: LinkBench) -> None:
    """In references it makes 0 look like 1, in scans of rates it keeps f from being prepared."""
    both = [lag_program(bench, 100), detuning_program(bench, 100), strength_program(bench, 100)]
    for end in bench.ends:
        programs = [reference_program(end, 100), rate_program(end, 80, 100), *both]
        for program in (*programs, aside_program(end, line_scans(end)[0], 100)):
            waits_s = [1e-15 * one for one in waits_fs(program)]
            left = np.exp(-max(waits_s) / end.bench.best(end.node.qubit, "t1"))
            assert left < 1e-3, "a transmission would be 1.8 % too high, a rate 0.1 % too low"


def waits_fs(program: Program) -> list[int]:
    """Waits of a program whose lengths no variable sets."""
    delays = [one.duration_fs for one in program.body if isinstance(one, Delay)]
    return [one for one in delays if isinstance(one, int)]


def test_the_best_lag_is_where_most_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where the sum is largest of that and of what the shot before, 8 ns earlier, left in 1.

    Nor where 2, which is read as more than 1, makes the most of what has fallen. Without noise; a
    shot of one lag follows one of the lag before, the first one of the last.
    """
    bench, equal = bench_of(**{**READOUT, "node_b.q0.second_i": (1.28e-3, "V")}), bench_of()
    program, way = lag_program(bench, 100), PhotonWay.of(bench)
    (swept,) = program.axes[0].variables
    assert isinstance(swept.values, Table)
    lags_s = 1e-15 * np.array(swept.values.values) - 1e-9 * EARLIEST_NS
    delay_s, passed, second = 7.5e-9, 0.77, bench.second.second_level()
    assert second == pytest.approx(1.28, abs=1e-3)
    fine_s = np.arange(-4, 14, 0.01) * 1e-9
    best_s = delay_s + fine_s[int(np.argmax(lossless(equal, way, fine_s)))]
    caught, read = (passed * lossless(one, way, lags_s - delay_s) for one in (equal, bench))
    left = np.exp(
        -1e-15 * max(waits_fs(program)) / bench.second.bench.best(bench.second.node.qubit, "t1")
    )
    before = left * np.roll(caught, 1)
    monkeypatch.setattr(
        link_bench.EndPulses, "fraction_sigma", lambda _, at, shots: np.full(at.size, 0.003)
    )
    found = found_lag(bench, way, lags_s, (1 - before) * read + second * before, 10_000)
    assert found.best_lag_s == pytest.approx(best_s, abs=0.04e-9)


def test_a_scan_of_the_lag_has_ends_at_which_nothing_is_caught(bench: LinkBench) -> None:
    """Else the offset is taken for a part of the height."""
    (swept,) = lag_program(bench, 100).axes[0].variables
    assert isinstance(swept.values, Table)
    lags = 1e-15 * np.array(swept.values.values) - 1e-9 * EARLIEST_NS
    grid = np.arange(-150, 400) * 1e-9
    shape = lossless(bench, PhotonWay.of(bench), grid)
    seen = np.interp(lags, grid, shape)
    assert seen.max() > 0.9
    assert (seen[-2:] < 0.02).all()
    assert seen[:-2].min() > 0.1
    sigma = np.full(lags.size, 0.015)
    whole, near = (
        fit_lag(lags[:end], 0.02 + 0.75 * seen[:end], sigma[:end], grid, shape).sigmas["height"]
        for end in (lags.size, lags.size - 2)
    )
    assert whole < 0.65 * near


def test_what_is_not_known_of_a_rate_is_in_the_delay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Played are those of the rate as it was known, whatever a fit takes it to be."""
    bench = bench_of(**{"link_ab.b.sideband_rate": (11.8e6, "Hz")})
    (swept,) = lag_program(bench, 100).axes[0].variables
    assert isinstance(swept.values, Table)
    lags = 1e-15 * np.array(swept.values.values) - 1e-9 * EARLIEST_NS
    way, alike = PhotonWay.of(bench), lambda _, arrived, shots: np.full(arrived.size, 0.003)
    monkeypatch.setattr(link_bench.EndPulses, "fraction_sigma", alike)
    arrived = 0.02 + 0.75 * lossless(bench, way, lags)
    known = found_lag(bench, way, lags, arrived, 10_000)
    for end in bench.ends:
        name = f"{end.end.name}.sideband_rate"
        with end.bench.taking({name: 0.02 * end.drive().rate_hz}):
            stronger = found_lag(bench, way, lags, arrived, 10_000)
        moved_s = stronger.fit.values["delay"] - known.fit.values["delay"]
        assert 0.4e-9 < moved_s < 1.4e-9
        assert abs(stronger.best_lag_s - known.best_lag_s) < 0.2e-9, "that is seen by itself"


def test_programs_of_both_ends_are_one_program_on_two_nodes(bench: LinkBench) -> None:
    programs = [
        lag_program(bench, 100),
        detuning_program(bench, 100),
        efficiency_program(bench, 100),
        reference_program(bench.second, 100, bench),
        phase_program(bench, 100),
        process_program(bench, 100),
        bell_program(bench, 100),
    ]
    for program in programs:
        validate(program)
        assert len({frame.port.partition(".")[0] for frame in program.frames}) == 2
    assert programs[-1].keep_shots
    for program in (reference_program(bench.first, 100), emission_program(bench, 100)):
        validate(program)


@pytest.mark.parametrize("made", [bell_program, process_program, efficiency_program])
def test_no_photon_of_a_reset_meets_a_catch(bench: LinkBench, made) -> None:
    """Each end sends twice in a shot: what was left in 1, and then; the second catches once."""
    (reset_a, sent), (reset_b, caught) = sidebands_ns(bench, made(bench, 100))
    assert reset_a[1] < reset_b[0], "the second end would catch what the first sends away"
    empty_ns = 12 / (2 * np.pi * 10.4e6) * 1e9
    assert min(sent[0], caught[0]) > reset_b[1]
    assert sent[0] - reset_b[1] > empty_ns
    assert caught[0] - reset_a[1] > empty_ns
    assert reset_b[0] - reset_a[1] > empty_ns, "two resets would be one window of the link"


def test_f_does_not_wait_before_it_is_sent(bench: LinkBench) -> None:
    """The emission begins as both pulses have ended, the catch so much later as is known."""
    pulse_ns = bench.first.node.pulse_ns
    frames = {one.frame.name: one for one in place_in_fs(bell_program(bench, 100)).frames}
    last_ns = int(np.ravel(frames[bench.first.node.ef].pulses[-1].start_fs)[0]) // 10**6
    (_, sent), (_, caught) = sidebands_ns(bench, bell_program(bench, 100))
    assert sent[0] == last_ns + pulse_ns
    assert caught[0] - sent[0] == 7


def test_the_sideband_is_where_the_ladder_puts_it_until_it_is_measured(bench: LinkBench) -> None:
    assert bench.first.sideband_hz() == pytest.approx(2 * 6.3443e9 - 264.7e6 - 8.4e9)
    known = bench_of(**{"link_ab.a.sideband_frequency": (4.0238e9, "Hz")})
    assert known.first.sideband_hz() == 4.0238e9
    aside = bench_of(**{"link_ab.detuning": (0.3e6, "Hz")})
    frames: dict[str, Frame] = {frame.name: frame for frame in aside.frames()}
    assert frames["link_ab.b.sideband"].frequency_hz == aside.second.sideband_hz() + 0.3e6


def test_the_photon_is_as_wide_as_asked_and_as_both_resonators_let_it(bench: LinkBench) -> None:
    photon = bench.photon()
    assert photon.bandwidth_hz == 10.4e6
    assert photon.duration_ns == 152
    rate = of_resonance(photon.sent, bench.first.drive())
    assert np.ptp(np.angle(rate)) == pytest.approx(0.0, abs=1e-6)
    narrow = bench_of(**{"link_ab.a.kappa": (9e6, "Hz")}).photon()
    assert (narrow.bandwidth_hz, narrow.duration_ns) == (9e6, 176)
    with pytest.raises(FitFailed, match="of full scale"):
        bench_of(**{"link_ab.a.sideband_rate": (5e6, "Hz")}).photon()


def test_a_photon_whose_pulse_no_table_holds_is_refused(tmp_path: Path) -> None:
    slow = tmp_path / "facility.yaml"
    slow.write_text(LINKED.read_text().replace("bandwidth: 10.4 MHz", "bandwidth: 0.09 MHz"))
    with pytest.raises(FitFailed, match=r"a pulse of 17684 ns, .* at least 0\.099 MHz would do"):
        bench_of(slow).photon()


def test_slices_of_the_emission_are_the_whole_of_it() -> None:
    parts = slices_ns(180)
    assert parts[0][0] == 0
    assert parts[-1][1] == 180
    assert all(one[1] == other[0] for one, other in pairwise(parts))


def test_a_phase_of_the_state_is_a_turn_of_what_is_measured() -> None:
    """Psi+ with a phase, measured by axes that follow it, looks as Psi+ does."""
    turned = PSI_PLUS * np.array([1, np.exp(2j * np.pi * 0.2), 1, 1])
    plain = [np.abs(u @ PSI_PLUS) ** 2 for u in rotations()]
    assert np.allclose(plain, [np.abs(u @ turned) ** 2 for u in rotations(-0.2)]) != np.allclose(
        plain, [np.abs(u @ turned) ** 2 for u in rotations(0.2)]
    )


def test_links_are_found_by_name_and_by_ends() -> None:
    facility = load_facility(LINKED)
    for words in ([], ["link_ab"], ["node_a", "node_b"], ["node_b", "node_a"]):
        assert chosen_link(facility, words).name == "link_ab"
    with pytest.raises(UnknownLink, match="no link fits node_a and node_c"):
        chosen_link(facility, ["node_a", "node_c"])


def test_a_link_of_which_nothing_is_said_has_no_bench() -> None:
    facility = load_facility(EXAMPLES / "two_nodes" / "facility.yaml")
    with pytest.raises(NotMeasured, match="add 'transfer' to links > link_ab"):
        LinkBench.of(
            NoRunner(facility),  # type: ignore[arg-type]
            facility.links["link_ab"],
            MemoryRecord(),
            lambda data: None,
            link_validities(facility),
        )


def test_all_routines_but_the_pair_are_a_calibration() -> None:
    names = [one.name for one in LINK_ROUTINES]
    meeting = [one for one in names if one in MEETING]  # of a station alone
    assert meeting == list(MEETING)
    assert CALIBRATION.index("thermal_photons") < CALIBRATION.index("absorption"), (
        "which takes them"
    )
    assert [one for one in names if one not in MEETING] == [
        *CALIBRATION,
        "carrier_tracking",
        "link_bell",
        "link_process",
        "sideband_chirp",
        "photon_shape",
        "link_chsh",
        "link_benchmark",
        "result_latency",
        "remote_preparation",
        "teleported_cnot",
        "fed_forward_cnot",
        "halves_readout",
        "search_forecast",
        "search_pairs",
        "grover_search",
        "herald_one_click",
        "herald_two_clicks",
        "alpha_scan",
    ]


def test_status_says_what_the_store_knows(tmp_path, capsys) -> None:
    store = tmp_path / "parameters.sqlite"
    asked = ["link", "status", str(LINKED), "node_a", "node_b", "--store", str(store)]
    with ParameterStore(store) as known:
        assert cli.main([*asked]) == 1
        known.put([entry("link_ab.a.kappa", 10.3e6, "Hz"), entry("link_ab.delay", 5e-9, "s")])
    capsys.readouterr()
    assert cli.main([*asked, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["link"] == "link_ab"
    assert plain["values"]["link_ab.a.kappa"]["value"] == 10.3e6
    assert cli.main(["link", "status", str(LINKED), "node_x", "--store", str(store)]) == 2
    assert "no link fits node_x" in capsys.readouterr().err


class LosesStarts:
    """Loses so many starts, each after a long time, and then plays."""

    def __init__(self, facility, error: RunError, lost: int) -> None:
        self.facility, self.error, self.lost, self.tries = facility, error, lost, 0

    async def run(self, program):
        self.tries += 1
        if self.tries <= self.lost:
            raise self.error
        raise Played


class Played(Exception):
    """The run was made."""


@pytest.mark.parametrize(
    ("error", "lost", "tries", "ends"),
    [
        (StartPartial("partial start (only on node_a)"), 3, 4, Played),
        (StartLate("FIRE came too late"), 3, 4, Played),
        (StartPartial("partial start (only on node_a)"), 99, STARTS, StartPartial),
        (RunFailed("agent node_a is lost"), 1, 2, Played),
        (RunFailed("agent node_a is lost"), 3, 2, RunFailed),
        (RunRefused("it does not fit"), 3, 1, RunRefused),
    ],
)
async def test_a_start_that_was_lost_is_made_again_however_long_runs_take(
    error: RunError, lost: int, tries: int, ends: type[Exception], monkeypatch
) -> None:
    """A busy machine takes more than a minute for one run; what else fails is made again once."""
    wall = iter(range(0, 100_000, 100))
    monkeypatch.setattr(link_bench.time, "monotonic", lambda: float(next(wall)))
    bench = bench_of()
    runner = LosesStarts(bench.first.bench.runner.facility, error, lost)
    for end in bench.ends:
        end.bench.runner = runner
    with pytest.raises(ends):
        await bench.run(Outcome("link_bell", "Bell"), lag_program(bench, 100))
    assert runner.tries == tries


@pytest.mark.parametrize("routine", [carrier_phase, carrier_tracking, link_bell, link_process])
async def test_a_phase_that_the_reference_does_not_hold_is_not_asked_for(
    routine, tmp_path: Path
) -> None:
    weak = tmp_path / "facility.yaml"
    weak.write_text(LINKED.read_text().replace("jitter: 2.5 ps", "jitter: 13 ps"))
    with pytest.raises(FitFailed, match=r"13 ps rms, 39 degrees at 8\.4 GHz"):
        await routine(bench_of(weak))


@pytest.mark.parametrize(
    ("file", "ends"),
    [
        ("facility.yaml", ("cluster_a", "cluster_b")),
        ("facility_mixed.yaml", ("cluster_a", "zi_b")),
        ("facility_one_cluster.yaml", ("cluster_a", "cluster_a")),
    ],
)
def test_what_an_operator_sees_of_a_link_is_played_by_both_families(
    file: str, ends: tuple[str, str]
) -> None:
    facility = load_facility(EXAMPLES / "linked" / file)
    families, triggers = families_of(facility), facility.timing.triggers
    bench = bench_of(EXAMPLES / "linked" / file, **READOUT)
    alone = [
        [heating_program(end, HeatingPulse.square(end), 100), coherence_program(end, WAITS, 100)]
        for end in bench.ends
    ]
    both = [strength_program(bench, 100), again_program(bench, 100)[0]]
    for name, own in zip(ends, alone, strict=True):
        for program in (*own, *both):
            started = families[name].started_by(name, triggers[name])
            made = families[name].compile(on_shot_grid(program, facility), name, started)
            (axis,) = program.axes
            (count,) = {len(np.array(list_of(one.values))) for one in axis.variables}
            assert {one.shape for one in made.results} == {(count,)}


def list_of(values: Linear | Table) -> list[float]:
    if isinstance(values, Table):
        return list(values.values)
    return [values.start + k * values.step for k in range(values.count)]
