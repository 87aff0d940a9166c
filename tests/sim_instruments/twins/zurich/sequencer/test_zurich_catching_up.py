"""What is put out acts with the start of the last play, however the sequencer came to wait."""

from tests.benches.referees.seqc_corpus import compile_seqc

from podium.sim_instruments.twins.zurich.sequencer import image
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor, Trace
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row


def _run(source: str, device: str, model: image.Model) -> Trace:
    return Processor(image.make_image(compile_seqc(source, device).elf, model)).run()


def test_after_a_wait_what_follows_acts_with_the_play_before_it() -> None:
    once = "playZero(2048); setSweepStep(0, 3); playZero(64); resetOscPhase(); playZero(64);"
    trace = _run(f"repeat (3) {{ {once} }}", "SHFSG8", image.SHFSG)
    steps = trace.kinds(Kind.FREQUENCY)[:, Row.TIME]
    resets = trace.kinds(Kind.RESET_OSCILLATORS)[:, Row.TIME]
    assert (resets - steps)[1:].tolist() == [2048, 2048]


def test_time_that_a_full_queue_takes_is_no_distance_between_starts() -> None:
    short = "startQA(QA_GEN_0, 0, false, 0, 0);"
    longer = "v += 1; v -= 2; v += 3; startQA(QA_GEN_ALL, QA_INT_ALL, true, 0, 0);"
    source = f"var v = 0; repeat (5) {{ playZero(1200); {short} playZero(96000); {longer} }}"
    starts = _run(source, "SHFQA4", image.SHFQA).kinds(Kind.START_QA)[:, Row.TIME]
    assert (starts[3:] - starts[2:-1]).tolist() == [1200, 96000] * 3 + [1200]
