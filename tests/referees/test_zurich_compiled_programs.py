"""The vendor's own compiler and the vendor's schemas judge what our compiler emits."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import zhinst.core
import zhinst.toolkit
from hypothesis import HealthCheck, given, settings
from tests.benches.compilers.zurich_targets import hdawg, shfqc
from tests.benches.programs.example_programs import first_light
from tests.benches.programs.flux_programs import hdawg_programs
from tests.benches.programs.random_programs import programs
from tests.benches.thoroughness import cases, sampled
from zhinst.toolkit import CommandTable

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.batches import compile_in_batches
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.program.program import Program
from podium.firmware_interfaces.zurich.awg_limits import SEQUENCER_INSTRUCTIONS
from podium.firmware_interfaces.zurich.elf import read_elf
from podium.firmware_interfaces.zurich.program import Core, CoreProgram, ZurichProgram

QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
    derandomize=True,
)
SCHEMAS = Path(zhinst.toolkit.__file__).parent / "resources"
SCHEMA: dict[Core, Any] = {
    "sg": json.loads((SCHEMAS / "ct_schema_shfsg.json").read_text()),
    "hdawg": json.loads((SCHEMAS / "ct_schema_hdawg.json").read_text()),
}
FIRST_LIGHT = {name: replace(program, trace=False) for name, program in first_light().items()}


@pytest.fixture(autouse=True, scope="module")
def schemas_judged_once() -> Iterator[None]:
    """Have each part of a schema judged once: the toolkit does so anew for each number it takes."""
    check = jsonschema.Draft4Validator.check_schema
    judged: set[str] = set()

    def once(schema: object) -> None:
        text = repr(schema)
        if text not in judged:
            check(schema)
            judged.add(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonschema.Draft4Validator, "check_schema", once)
        yield


def judge(core: CoreProgram, model: str) -> None:
    """The vendor's compiler takes the program without a word, the schema takes the table."""
    if core.kind == "hdawg":
        data, told = zhinst.core.compile_seqc(core.text, model, "", 0, samplerate=2.4e9)
    else:
        data, told = zhinst.core.compile_seqc(core.text, model, "", 0, sequencer=core.kind)
    assert told["messages"] == ""
    assert not told["wavemem"]["exceedsFpgaMemory"]
    elf = read_elf(data)
    assert len(elf.words()) <= SEQUENCER_INSTRUCTIONS[core.kind]
    lengths = [len(wave.i) for wave in core.waveforms]
    assert [wave.length for wave in elf.waveforms] == lengths
    if core.command_table is None:
        assert core.kind == "qa"
        return
    table = json.loads(core.command_table)
    jsonschema.validate(table, SCHEMA[core.kind], cls=jsonschema.Draft4Validator)
    taken = CommandTable(SCHEMA[core.kind])
    taken.update(table)
    assert taken.is_valid()


QUICK = ("time_of_flight", "punch_out", "rabi", "ef_rabi", "t1", "ramsey_table")


def judge_all(program: ZurichProgram) -> None:
    for core in program.cores:
        judge(core, program.model)


@pytest.mark.parametrize("name", sampled(FIRST_LIGHT, kept=QUICK))
def test_the_vendors_compiler_takes_the_programs_of_first_light(name: str) -> None:
    for batch in compile_in_batches(FIRST_LIGHT[name], shfqc()):
        judge_all(batch.artifact)


def _judge_or_refuse(program: Program, target: ZurichTarget) -> None:
    try:
        judge_all(compile_program(program, target))
    except DoesNotFit:
        return


@settings(QUIET, max_examples=cases(12, 80))
@given(programs())
def test_the_vendors_compiler_takes_random_programs(program: Program) -> None:
    _judge_or_refuse(program, shfqc())


@settings(QUIET, max_examples=cases(12, 1_000))
@given(hdawg_programs())
def test_the_vendors_compiler_takes_random_flux_programs(program: Program) -> None:
    _judge_or_refuse(program, hdawg())


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(QUIET, max_examples=10_000)
@given(programs())
def test_the_vendors_compiler_takes_many_random_programs(program: Program) -> None:
    _judge_or_refuse(program, shfqc())
