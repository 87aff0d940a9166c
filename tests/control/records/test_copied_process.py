"""What a copy of the process answers, raises, or dies of comes back."""

import os
import signal
from pathlib import Path

import pytest

from podium.control.records.copied_process import Died, in_a_copy
from podium.control.records.run_import import NoData


def test_an_answer_comes_back_and_nothing_else_happens_here(tmp_path: Path) -> None:
    seen: list[int] = []

    def work() -> tuple[int, bytes]:
        seen.append(1)
        return os.getpid(), b"x" * 1_000_000

    number, content = in_a_copy(work, 60)
    assert number != os.getpid()
    assert len(content) == 1_000_000
    assert seen == []


@pytest.mark.parametrize("error", [NoData("it is empty"), FileNotFoundError(2, "No such file")])
def test_an_error_comes_back_as_it_is(error: Exception) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)) as found:
        in_a_copy(work, 60)
    assert str(found.value) == str(error)


def test_what_ends_the_copy_is_named() -> None:
    with pytest.raises(Died, match="by SIGSEGV: it is damaged"):
        in_a_copy(lambda: os.kill(os.getpid(), signal.SIGSEGV), 60)
    with pytest.raises(Died, match="by status 3: it is damaged"):
        in_a_copy(lambda: os._exit(3), 60)


def test_what_never_ends_is_ended_and_said() -> None:
    def work() -> None:
        while True:
            pass

    with pytest.raises(Died, match="more than 1 s of a processor: it is damaged"):
        in_a_copy(work, 1)
