"""Copies of a process that has done nothing yet. Each is made by an interpreter of its own."""

import subprocess
import sys
import textwrap


def said(code: str) -> list[str]:
    """Return what a process prints that copies itself."""
    begin = "import os, signal, socket, sys, threading\n"
    begin += "from podium.control.processes.early_copy import early_copy\n"
    words = [sys.executable, "-c", begin + textwrap.dedent(code)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, input="ours")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_copy_lives_apart_and_its_status_is_what_it_returns() -> None:
    assert said(
        """
        print("once")
        def live(its):
            assert os.getsid(0) == os.getpid()
            assert sys.stdin.read() == ""
            print(its.recv(100).decode(), flush=True)
            return 7
        copy = early_copy(live)
        copy.connection.send(b"hello")
        print(os.waitstatus_to_exitcode(os.waitpid(copy.pid, 0)[1]))
        """
    ) == ["once", "hello", "7"]


def test_a_copy_sees_that_the_original_lets_go() -> None:
    assert said(
        """
        copy = early_copy(lambda its: 3 if its.recv(100) == b"" else 4)
        copy.connection.close()
        print(os.waitstatus_to_exitcode(os.waitpid(copy.pid, 0)[1]))
        """
    ) == ["3"]


def test_what_a_copy_raises_ends_it_and_nothing_of_the_original() -> None:
    assert said(
        """
        def live(its):
            raise ValueError("no")
        try:
            copy = early_copy(live)
        finally:
            print("unwound by", "the original" if copy else "the copy", flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(copy.pid, 0)[1]))
        print(os.waitstatus_to_exitcode(os.waitpid(early_copy(lambda its: sys.exit(5)).pid, 0)[1]))
        """
    ) == ["unwound by the original", "1", "5"]


def test_a_process_with_threads_is_not_copied() -> None:
    assert said(
        """
        over = threading.Event()
        other = threading.Thread(target=over.wait)
        other.start()
        print(early_copy(lambda its: 0))
        over.set()
        other.join()
        for _ in range(10**6):  # the system's thread ends a little later than Python's
            if len(os.listdir("/proc/self/task")) == 1:
                break
            os.sched_yield()
        print(early_copy(lambda its: 0) is None)
        """
    ) == ["None", "False"]
