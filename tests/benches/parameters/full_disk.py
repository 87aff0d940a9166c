"""A disk that is full and a user who may write nothing."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from podium.control.parameters.entry import ParameterEntry

F01 = ParameterEntry("node_a.q0.f01", 6e9, 1e3, "Hz", "run-1", "ramsey", 1.7e9, 1)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let writes beyond ``size`` bytes of a file fail, as those on a full disk do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[None]:
    """Be a user without rights, where the tests run as one with all of them."""
    folder = tmp_path
    while folder != folder.parent and folder.stat().st_uid == os.geteuid():
        folder.chmod(folder.stat().st_mode | 0o055)
        folder = folder.parent
        if str(folder) == "/tmp":
            break
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
