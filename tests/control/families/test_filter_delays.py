"""Controllers of several families that begin together wait for the slowest flux filters of all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import pytest
from tests.benches.families.filtered_rack import DRIVES, FLUXES, LONG, SHORT, edges, filtered_rack
from tests.benches.links.linked_ends import LINKED

from podium.control.agent.compiled_programs import CompiledPrograms
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.predistortion import predistortion_of
from podium.control.compilers.zurich.external_start import external_start
from podium.control.facility.facility import Facility
from podium.control.facility.line_response import LineResponse
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for, families_of, wirings_of, with_lines
from podium.control.families.filter_delays import held_for_filters_fs
from podium.control.families.qblox.targets import targets_of
from podium.control.program.program import Program
from podium.control.timebase.timed_program import TimedProgram, timed_to_json
from podium.firmware_interfaces.compiled_program import Artifact
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalStart
from podium.firmware_interfaces.zurich.rack import ZurichRack

STEP_FS = 40 * FS_PER_NS


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Facility:
    return load_facility(str(filtered_rack(tmp_path_factory.mktemp("rack"))))


async def played(
    facility: Facility, program: Program, lines: Mapping[str, LineResponse]
) -> Mapping[str, Artifact]:
    """Return what one agent makes of a start of all controllers."""
    wirings = wirings_of(facility, facility.instruments)
    compiled = CompiledPrograms(compiler_for(facility), facility, wirings)
    sent = timed_to_json(TimedProgram(program, {}, lines))
    return (await compiled.compile(sent, timed=True)).artifacts


def first_shots_fs(artifacts: Mapping[str, Artifact]) -> dict[str, int]:
    found = {}
    for name, one in artifacts.items():
        if isinstance(one, ClusterProgram):
            found[name] = one.first_shot_ns * FS_PER_NS
        else:
            assert isinstance(one, ZurichRack)
            (found[name],) = {part.first_shot_fs for part in one.programs}
    return found


@pytest.mark.parametrize(
    "lines",
    [
        {FLUXES[0]: LONG},
        {FLUXES[1]: LONG},
        {FLUXES[0]: SHORT, FLUXES[1]: LONG},
        {FLUXES[0]: LONG, FLUXES[1]: SHORT},
    ],
)
async def test_a_cluster_and_a_rack_wait_for_the_slowest_filters_of_both(
    facility: Facility, lines: Mapping[str, LineResponse]
) -> None:
    plain = first_shots_fs(await played(facility, edges(), {}))
    held = first_shots_fs(await played(facility, edges(), lines))
    assert set(held) == {"cluster_a", "zi_b"}
    (by_fs,) = {held[name] - plain[name] for name in held}
    families = families_of(facility)
    own = {
        name: with_lines(families[name], name, lines).filters_fs(edges(), name)  # type: ignore[attr-defined]
        for name in held
    }
    assert 0 <= by_fs - max(own.values()) < STEP_FS
    assert by_fs % STEP_FS == 0


async def test_a_line_that_is_not_played_on_holds_nobody_back(facility: Facility) -> None:
    flux, other = FLUXES
    assert await played(facility, edges(()), {other: LONG}) == await played(facility, edges(()), {})
    program = edges((flux,))
    declared = replace(program, frames=edges().frames)
    only = held_for_filters_fs(families_of(facility), declared, {flux: SHORT})
    delay_fs = predistortion_of(flux, SHORT).delay_ns * FS_PER_NS
    assert 0 <= only - delay_fs < STEP_FS


def test_clusters_alone_wait_for_no_nanosecond_more_than_the_slowest_filters() -> None:
    """Else a photon would be caught by so much too early, or too late."""
    facility = load_facility(str(LINKED.parent / "facility_wired_data_qubits.yaml"))
    lines = dict(zip(FLUXES, (LONG, SHORT), strict=True))
    delays_ns = [predistortion_of(port, line).delay_ns for port, line in lines.items()]
    assert delays_ns[0] > delays_ns[1] > 0
    families = families_of(facility)

    def held_ns(*fluxes: str) -> int:
        program = replace(edges(fluxes), frames=edges().frames)
        return held_for_filters_fs(families, program, lines) // FS_PER_NS

    assert held_ns(*FLUXES) == delays_ns[0]
    assert held_ns(FLUXES[1]) == delays_ns[1], "frames that play nothing do not count"
    assert held_ns() == 0
    for end in "ab":
        target = targets_of(facility, lines)[f"cluster_{end}"]
        starts = [ExternalStart(1, held_ns=held) for held in (delays_ns[0], 2 * delays_ns[0])]
        made = [compile_program(edges(), target, one) for one in starts]
        assert made[1].first_shot_ns - made[0].first_shot_ns == delays_ns[0]


class Plain:
    """A family that holds nothing back."""

    ports: ClassVar = {"box": {DRIVES[1]}}


def test_one_that_cannot_be_held_back_is_refused_with_both_and_the_delay(
    facility: Facility,
) -> None:
    families = {"cluster_a": families_of(facility)["cluster_a"], "box": Plain()}
    delay_ns = predistortion_of(FLUXES[0], LONG).delay_ns
    said = (
        rf"at cluster_a make its pulses {delay_ns} ns late, and what begins with them on box cannot"
        rf".* run without corrections of {FLUXES[0]}, or play on box in a program of its own"
    )
    with pytest.raises(DoesNotFit, match=said):
        held_for_filters_fs(families, edges(FLUXES[:1]), {FLUXES[0]: LONG})  # type: ignore[arg-type]
    assert held_for_filters_fs(families, edges(()), {FLUXES[0]: LONG}) == 0  # type: ignore[arg-type]


def test_filters_that_take_longer_than_was_agreed_on_are_refused(facility: Facility) -> None:
    """Rather than played at another time than what begins with them."""
    target = targets_of(facility, {FLUXES[0]: LONG})["cluster_a"]
    delay_ns = predistortion_of(FLUXES[0], LONG).delay_ns
    said = f"node_a.q0.flux: .* {delay_ns} ns late on cluster_a, .* held back by 40 ns: hold all"
    with pytest.raises(DoesNotFit, match=said):
        compile_program(edges(), target, ExternalStart(1, held_ns=40))
    rack = with_lines(families_of(facility)["zi_b"], "zi_b", {FLUXES[1]: LONG})
    (wiring,) = [
        one for one in wirings_of(facility, facility.instruments) if one.controller == "zi_b"
    ]
    with pytest.raises(DoesNotFit, match=r"dev8001: filters of flux lines make pulses .* ns late"):
        rack.compile(edges(), "zi_b", replace(wiring, filters_fs=STEP_FS))
    with pytest.raises(ValueError, match=r"steps of 40000000 fs; take 80000000 fs for all"):
        external_start("SHFQC", "sg0_trigger", 0, STEP_FS + 1)
