"""The recorder: what is heard is kept, a dead disk is a problem, and it recovers."""

from pathlib import Path

from podium.control.bus.readings import ChannelReading, InstrumentReadings
from podium.control.records import reading_recorder as recorder_module
from podium.control.records.reading_recorder import Recorder

BEGIN_S = 1_800_000_000


def told(second: int, value: float | None) -> InstrumentReadings:
    reading = ChannelReading("still", value, "K", "good" if value else "out_of_range")
    return InstrumentReadings("bridge", second, (BEGIN_S + second, 0), 1.0, (reading,))


async def test_what_was_heard_comes_back_at_once_and_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    recorder = Recorder(path)
    for second in range(20):
        recorder.hear(told(second, 0.8 if second != 7 else None), BEGIN_S)
    course = (await recorder.courses((), BEGIN_S - 40, BEGIN_S + 20, 1000))["bridge.still"]
    assert course.mean.tolist() == [0.8] * 19
    recorder.close()
    again = Recorder(path)
    kept = await again.between(BEGIN_S, BEGIN_S + 60)
    assert kept["bridge.still"].value[7] is None
    assert kept["bridge.still"].quality[7] == "out_of_range"
    assert len(kept["bridge.still"].tai_s) == 20
    again.close()


async def test_it_is_flushed_now_and_then_only(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.sqlite")
    for wall_s, kept in ((100.0, 1), (101.0, 1), (109.0, 1), (110.0, 4)):
        recorder.hear(told(int(wall_s), 0.8), BEGIN_S)
        await recorder.flush_if_due(wall_s)
        assert recorder.recorded == kept
    recorder.close()


async def test_a_dead_disk_is_a_problem_and_recording_goes_on_when_it_is_back(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(recorder_module, "WAITING_MAX", 50)
    folder = tmp_path / "gone"
    folder.write_text("not a folder")
    recorder = Recorder(folder / "history.sqlite")
    recorder.hear(told(0, 0.8), BEGIN_S)
    await recorder.flush()
    assert recorder.problem is not None
    assert await recorder.courses((), BEGIN_S - 60, BEGIN_S, 10) == {}
    folder.unlink()
    recorder.hear(told(1, 0.9), BEGIN_S)
    await recorder.flush()
    assert (recorder.problem, recorder.recorded) == (None, 2)
    recorder.close()


async def test_a_damaged_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"no database" * 1000)
    recorder = Recorder(path)
    recorder.hear(told(0, 0.8), BEGIN_S)
    await recorder.flush()
    assert (recorder.problem, recorder.recorded) == (None, 1)
    assert path.with_suffix(".damaged").exists()
    recorder.close()
