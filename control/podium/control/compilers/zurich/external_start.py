"""Programs that begin on a trigger from outside, and show when they did."""

from collections.abc import Sequence
from dataclasses import replace

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.precompensation import STEP_FS
from podium.control.compilers.zurich.seqc import waiting_for
from podium.control.compilers.zurich.settings import (
    CYCLIC,
    INTEGRATION,
    READOUT_MODE,
    TRIGGER_LEVEL_V,
    analyser_source,
)
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.program.program import Program
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.awg_limits import SHF_RATE_HZ
from podium.firmware_interfaces.zurich.limits import PQSC
from podium.firmware_interfaces.zurich.program import (
    CoreProgram,
    IntegrationWeights,
    Setting,
    Start,
    StartRecord,
    ZurichProgram,
)

FIRST_SHOT_FS = 4_004 * FS_PER_NS
"""From the start to the first shot, settling and offset left out."""
FIRST_MARKER_FS = 2_000 * FS_PER_NS
"""From the start to the first marker of a loopback, offset left out."""


ANALYSERS: dict[str, int] = {"SHFQC": 1, "SHFQA2": 2, "SHFQA4": 4}
"""Channels with a result logger, which stamps a start."""
INPUTS_OF_AN_ANALYSER = 2
"""A and B; after those of all analysers come the generators' (node documentation)."""
RISING = 1
"""``auxtriggers/0/slope`` (node documentation)."""
OFFSET_MAX_NS = 1_000_000_000
"""A skew that takes a second is none."""
RECORDED = 800
"""Samples from the start to the one that is stamped where a program reads nothing out."""
RECORD_SAMPLES = 16


def external_start(model: str, socket: str, offset_fs: int = 0, filters_fs: int = 0) -> Start:
    """Return a start by a trigger input (``sg0_trigger``, ``qa0_trigger_a``, a PQSC's ``trigger0``,
    after which it starts the others), where all is held back by ``filters_fs`` for filters.

    Raises :class:`DoesNotFit` for an input that the instrument's generators do not hear, and
    ``ValueError`` for an offset that cannot be waited.
    """
    if not 0 <= offset_fs <= OFFSET_MAX_NS * FS_PER_NS:
        raise ValueError(
            f"start {offset_fs} fs after the trigger: a program can be held back by 0 to "
            f"{OFFSET_MAX_NS} ns; give the latest node 0 and the others what they are ahead of it"
        )
    if filters_fs % STEP_FS:
        raise ValueError(
            f"held back by {filters_fs} fs for filters of flux lines: instruments of Zurich "
            f"Instruments are held back in steps of {STEP_FS} fs; take "
            f"{-(-filters_fs // STEP_FS) * STEP_FS} fs for all that begin together"
        )
    kind, _, name = socket.rpartition("trigger")
    kind = kind.removesuffix("_")
    number = int(kind[2:] or 0)
    if model == PQSC:
        return Start(
            int(name),
            zsync=True,
            offset_fs=offset_fs,
            filters_fs=filters_fs,
            external=True,
            lead_fs=FIRST_SHOT_FS,
        )
    if kind.startswith("sg"):
        analysers = ANALYSERS.get(model, 0)
        return Start(
            number,
            offset_fs=offset_fs,
            filters_fs=filters_fs,
            external=True,
            analyser_source=INPUTS_OF_AN_ANALYSER * analysers + number if analysers else None,
            lead_fs=FIRST_SHOT_FS,
        )
    if not model.startswith("SHFQA"):
        raise DoesNotFit(
            f"{socket}: the generators of an {model} do not hear the analyser's trigger inputs; "
            "take sg0_trigger, which both hear"
        )
    source = INPUTS_OF_AN_ANALYSER * number + "ab".index(name.removeprefix("_"))
    return Start(
        source,
        offset_fs=offset_fs,
        filters_fs=filters_fs,
        external=True,
        lead_fs=FIRST_SHOT_FS,
    )


def compile_timed(program: Program, target: ZurichTarget, start: Start) -> ZurichProgram:
    """Compile what ``start`` begins; raises as ``compile_program``, and :class:`DoesNotFit` where
    nothing shows when it began."""
    return recorded(compile_program(program, target, start))


def recorded(program: ZurichProgram) -> ZurichProgram:
    """Return the program with its trigger input set up, and with a start that it records.

    A program without readouts gets one sample integrated on an analyser that plays nothing.
    """
    settings = [*([] if program.start.zsync else _input(program)), *program.settings]
    record, cores = program.record, program.cores
    if record is None:
        taken = {core.index for core in cores if core.kind == "qa"}
        free = [one for one in range(ANALYSERS.get(program.model, 0)) if one not in taken]
        if not free:
            raise DoesNotFit(
                f"{program.name!r} on {program.instrument} ({program.model}): nothing there shows "
                "when it begins; an analyser of its own does that, so let it capture something, "
                "or take an SHFQC"
            )
        record, core, more = _recorder(free[0], program.start)
        cores, settings = (*cores, core), [*settings, *more]
    return replace(program, cores=cores, settings=tuple(settings), record=record)


def recorded_by(
    programs: Sequence[ZurichProgram], recorder: ZurichTarget
) -> tuple[ZurichProgram, ...]:
    """Return programs that begin together, one of which, or one more, records when.

    Raises :class:`DoesNotFit` where all analysers of ``recorder`` are busy with something else.
    """
    others = [
        replace(one, record=None) for one in programs if one.instrument != recorder.instrument
    ]
    (mine,) = [one for one in programs if one.instrument == recorder.instrument] or [
        replace(
            programs[0],
            instrument=recorder.instrument,
            model=recorder.model,
            cores=(),
            settings=(),
            results=(),
            resources=(),
            quantised=(),
            make_listing=lambda: "records the start",
            record=None,
        )
    ]
    return (*others, recorded(mine))


def _input(program: ZurichProgram) -> list[Setting]:
    """Return the settings of the trigger input, and of who listens to it."""
    source = program.start.source
    input_ = (
        f"qachannels/{source // INPUTS_OF_AN_ANALYSER}/triggers/{source % INPUTS_OF_AN_ANALYSER}"
        if program.model.startswith("SHFQA")
        else f"sgchannels/{source}/trigger"
    )
    return [
        (f"{input_}/level", TRIGGER_LEVEL_V),
        (f"{input_}/imp50", 1),
        *((f"{one.node}/auxtriggers/0/slope", RISING) for one in program.cores if one.kind == "sg"),
    ]


def _recorder(channel: int, start: Start) -> tuple[StartRecord, CoreProgram, list[Setting]]:
    """Return what has an analyser stamp its start."""
    text = (
        f"{waiting_for(start)}\n"
        f"playZero(32);\nplayZero({RECORDED - 32});\nplayZero(1024);\n"
        "startQA(0, QA_INT_0, true, 0, 0b0);\n"
    )
    weights = IntegrationWeights(0, "", (1.0,) * RECORD_SAMPLES, (0.0,) * RECORD_SAMPLES)
    core = CoreProgram("qa", channel, ("start",), text, weights=(weights,))
    node = f"qachannels/{channel}"
    settings: list[Setting] = [
        (f"{node}/mode", READOUT_MODE),
        (f"{node}/readout/integration/length", RECORD_SAMPLES),
        (f"{node}/readout/integration/delay", 0.0),
        (f"{node}/readout/result/enable", 0),
        (f"{node}/readout/result/source", INTEGRATION),
        (f"{node}/readout/result/mode", CYCLIC),
        (f"{node}/readout/result/length", 1),
        (f"{node}/readout/result/averages", 1),
        (f"{node}/generator/auxtriggers/0/channel", analyser_source(start)),
        (f"{node}/generator/single", 1),
    ]
    return StartRecord(channel, 0, RECORDED * FS_PER_S // SHF_RATE_HZ), core, settings
