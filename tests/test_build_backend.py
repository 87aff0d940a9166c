"""What the build backend asks for and puts into the wheel."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def backend():
    """The build backend, which lies in no package."""
    place = ROOT / "build_backend" / "podium_build.py"
    spec = importlib.util.spec_from_file_location("podium_build", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """As front ends call it: at the root, with nothing said in the environment."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("PODIUM_KERNELS", raising=False)


def names(requirements: list[str]) -> set[str]:
    return {one.partition(">")[0].partition("=")[0] for one in requirements}


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are compiled ahead on Linux only")
def test_who_builds_a_wheel_needs_what_compiles_kernels(backend) -> None:
    assert {"numba", "numpy", "scipy"} <= names(backend.get_requires_for_build_wheel())


def test_who_wants_none_and_who_edits_the_sources_need_no_compiler(backend, monkeypatch) -> None:
    assert "numba" not in names(backend.get_requires_for_build_wheel({"kernels": "none"}))
    assert "numba" not in names(backend.get_requires_for_build_editable())
    assert "numba" not in names(backend.get_requires_for_build_sdist())
    monkeypatch.setenv("PODIUM_KERNELS", "none")
    assert "numba" not in names(backend.get_requires_for_build_wheel())


def test_another_word_is_refused_with_the_one_that_there_is(backend) -> None:
    with pytest.raises(SystemExit, match="kernels=nine: there is only `none`"):
        backend.get_requires_for_build_wheel({"kernels": "nine"})


def hook(backend):
    return backend.KernelsHook(str(ROOT), {}, None, None, "", "wheel")


def test_kernels_go_where_numba_looks_and_the_wheel_is_for_this_machine(
    backend, tmp_path, monkeypatch
) -> None:
    cache = tmp_path / "sim_instruments" / "podium" / "room" / "__pycache__"
    cache.mkdir(parents=True)
    for name in ("k.f-1.py311.nbi", "k.f-1.py311.1.nbc", "k.f.sources", "k.cpython-311.pyc"):
        (cache / name).write_text("")
    monkeypatch.setenv(backend.FOLDER, str(tmp_path))
    data = {"force_include": {}, "pure_python": True}
    hook(backend).initialize("standard", data)
    assert set(data["force_include"].values()) == {
        f"podium/room/__pycache__/{name}"
        for name in ("k.f-1.py311.nbi", "k.f-1.py311.1.nbc", "k.f.sources")
    }
    assert not data["pure_python"]
    assert data["infer_tag"]


def test_without_kernels_the_wheel_is_for_every_machine(backend, monkeypatch) -> None:
    monkeypatch.delenv(backend.FOLDER, raising=False)
    data = {"force_include": {}, "pure_python": True}
    hook(backend).initialize("standard", data)
    assert data == {"force_include": {}, "pure_python": True}


def test_what_cannot_be_compiled_is_left_out_and_said(
    backend, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(backend, "WARM_UP", "no_such_module")
    assert not backend.compile_kernels(tmp_path)
    assert "the first use will do it" in capsys.readouterr().err
