"""Programs on several instruments of one data server: who starts them, and what nobody would."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.facility import Facility
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZSyncPort, ZurichRack

RACK = Path(__file__).parents[4] / "examples" / "zi_rack" / "facility.yaml"
NS, US = 10**6, 10**9
DRIVE = Frame("d", "node_a.q0.drive", 6.0e9)
FLUX = Frame("f", "node_a.q0.flux", 0.0)
READ = Frame("r", "node_a.q0.readout", 7.2e9)


@pytest.fixture(scope="module")
def rack() -> Facility:
    return load_facility(RACK)


def program(*frames: Frame, points: int = 3) -> Program:
    names = tuple(one.name for one in frames)
    body = {
        "d": (Play("d", Gaussian(40 * NS, 10 * NS), Affine("v")),),
        "f": (Delay(("f",), 60 * NS), Play("f", Square(40 * NS), Affine("v"))),
        "r": (Capture("r", "q0", 500 * NS, 200 * NS), Play("r", Square(700 * NS), 0.2)),
    }
    said = [one for name in names if name != "r" for one in body[name]]
    axis = Axis("v", (Variable("v", "1", Linear.steps(0.0, 1.0 / points, points)),))
    return Program(
        "trial",
        frames,
        (*said, Barrier(names), *(body["r"] if "r" in names else ()), Barrier(names),
         Delay((names[0],), 10 * US)),
        axes=(axis,),
        shots=10,
    )  # fmt: skip


def without(facility: Facility, *ports: int) -> Facility:
    """Return the facility with these ports alone; none: with no cables at all."""
    entry = facility.instruments["zi_a"]
    options = dict(entry.options)
    cables = options.pop("zsync")
    if ports:
        options["zsync"] = FrozenMap({port: cables[port] for port in ports})
    changed = replace(entry, options=FrozenMap(options))
    return replace(facility, instruments=FrozenMap({**facility.instruments, "zi_a": changed}))


def test_what_is_on_several_instruments_is_one_artifact_with_a_program_for_each(rack):
    artifact = compiler_for(rack)(program(DRIVE, FLUX, READ))["zi_a"]
    assert isinstance(artifact, ZurichRack)
    played_by = {one.instrument for one in artifact.programs}
    assert played_by == {"zi_a.dev8001", "zi_a.dev12001", "zi_a.dev12002"}
    assert (artifact.name, artifact.pqsc) == ("trial", "dev10001")
    assert artifact.ports[0] == ZSyncPort(0, "dev12001")
    assert all("waitZSyncTrigger();" in c.text for p in artifact.programs for c in p.cores)
    settings = {one.instrument: dict(one.settings) for one in artifact.programs}
    assert settings["zi_a.dev12002"]["sgchannels/0/awg/diozsyncswitch"] == 1
    assert settings["zi_a.dev8001"]["dios/0/mode"] == 3
    assert settings["zi_a.dev8001"]["system/clocks/sampleclock/freq"] == 2e9
    assert artifact.duration_fs == max(one.duration_fs for one in artifact.programs)
    assert "# zi_a.dev8001" in artifact.listing
    assert any("d" in one.what for one in artifact.quantised)


def test_the_first_shot_is_at_all_connectors_at_one_time(rack):
    artifact = compiler_for(rack)(program(DRIVE, FLUX, READ))["zi_a"]
    assert isinstance(artifact, ZurichRack)
    # 616 samples of 0.5 ns, of which the slowest takes 610, and 400 ns until the first shot.
    assert {one.first_shot_fs for one in artifact.programs} == {308 * NS + 400 * NS}
    assert artifact.first_shot_fs == 708 * NS


def test_what_is_on_one_instrument_is_started_by_that_one_alone(rack):
    artifact = compiler_for(rack)(program(READ))["zi_a"]
    assert isinstance(artifact, ZurichProgram)
    assert not artifact.start.zsync


def test_an_instrument_that_plays_nothing_takes_no_part(rack):
    """Its frame is there, and waits with the others."""
    both = program(DRIVE, READ)
    waiting = replace(both, body=tuple(one for one in both.body if one != both.body[0]))
    artifact = compiler_for(without(rack))(waiting)["zi_a"]
    assert isinstance(artifact, ZurichProgram)
    assert artifact.instrument == "zi_a.dev12001"
    silent = replace(both, body=(Delay(("d",), 10 * US),))
    with pytest.raises(DoesNotFit, match="plays and captures nothing"):
        compiler_for(rack)(silent)


def test_an_hdawg_alone_is_started_by_the_pqsc(rack):
    artifact = compiler_for(rack)(program(FLUX))["zi_a"]
    assert isinstance(artifact, ZurichRack)
    assert artifact.ports == (ZSyncPort(2, "dev8001"),)


def test_what_nobody_would_start_is_refused_with_what_to_write(rack):
    with pytest.raises(DoesNotFit, match="nobody starts them: say under 'zsync' of zi_a"):
        compiler_for(without(rack))(program(DRIVE, READ))
    with pytest.raises(
        DoesNotFit, match=r"zi_a\.dev12002 are connected to no ZSync port of zi_a\.dev10001"
    ):
        compiler_for(without(rack, 0, 2))(program(DRIVE, READ))
    with pytest.raises(DoesNotFit, match=r"one that has no trigger of its own: zi_a\.dev8001"):
        compiler_for(without(rack))(program(FLUX))
    assert compiler_for(without(rack))(program(DRIVE))["zi_a"].name == "trial"


def test_what_does_not_fit_is_cut_for_all_instruments_alike(rack):
    parts = compiler_for(rack).batches(program(DRIVE, FLUX, READ, points=1500))
    covered = [list(range(1500))[batch.piece[0]] for batch, _ in parts]
    assert len(parts) == 2, "an HDAWG's table has 1024 rows"
    assert np.concatenate(covered).tolist() == list(range(1500))
    assert all(len(part["zi_a"].programs) == 3 for _, part in parts)
