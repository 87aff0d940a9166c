"""What was compiled by who has installed is taken over by who cannot write there."""

import os

import pytest

from podium.sim_instruments.servers import kernel_cache
from podium.sim_instruments.servers.kernel_cache import (
    FAMILIES,
    SOURCES,
    compiled,
    copy_of_install,
    note_compiled,
)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """An installation with kernels beside its modules; Numba looks elsewhere."""
    root, mine = tmp_path / "install", tmp_path / "mine"
    for modules in SOURCES:
        (root / modules / "__pycache__").mkdir(parents=True)
        (root / modules / "kernel.py").write_text("pass")
        (root / modules / "__pycache__" / "kernel.nbi").write_text(modules)
    monkeypatch.setattr(kernel_cache, "ROOM", root)
    beside = root / "physics" / "__pycache__"
    monkeypatch.setattr(kernel_cache, "cache_folder", lambda: beside)
    note_compiled(["chip", "qblox_cluster"])
    monkeypatch.setattr(kernel_cache, "cache_folder", lambda: mine / "physics")
    monkeypatch.setattr(kernel_cache, "cache_folder_of", lambda modules: mine / modules)
    return root


def test_kernels_of_an_install_are_copied_once(install, tmp_path) -> None:
    assert not compiled(["chip"])
    assert copy_of_install(["chip", "qblox_cluster"])
    assert compiled(["chip", "qblox_cluster"])
    for modules in SOURCES:
        assert (tmp_path / "mine" / modules / "kernel.nbi").read_text() == modules


def test_what_the_install_has_not_compiled_is_not_taken_for_compiled(install) -> None:
    assert not copy_of_install(FAMILIES)
    assert not compiled(["zurich"])


def test_a_changed_source_makes_the_kernels_old(install) -> None:
    assert copy_of_install(["chip"])
    os.utime(install / "physics" / "kernel.py", (1, 1))
    assert not compiled(["chip"])
    assert not copy_of_install(["chip"])


def test_a_broken_note_is_no_note(install, tmp_path) -> None:
    assert copy_of_install(["chip"])
    (tmp_path / "mine" / "physics" / kernel_cache.NOTE).write_text("[")
    assert not compiled(["chip"])
    assert compiled([])
