"""A wheel and an sdist are built, and the wheel is installed and tried where nothing else is."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
BASE_MB = 100
"""What ``pip install podium`` may bring, pip itself aside."""
IN_WHEEL = {
    "podium/control/commands/02-notebook.ipynb",
    "podium/control/facility/cold.yaml",
    "podium/control/facility/first_light.yaml",
    "podium/control/facility/two_nodes.yaml",
    "podium_pytest.py",
}
IN_SDIST = {
    "CHANGELOG.md",
    "README.md",
    "build_backend/podium_build.py",
    "docs/tutorials/02-notebook.ipynb",
    "pyproject.toml",
}
FIRST_RUN = """
from numba.core import event

compiled = []

class Listener(event.Listener):
    def on_start(self, event):
        compiled.append(event.data["dispatcher"].py_func.__name__)

    def on_end(self, event):
        pass

event.register("numba:compile", Listener())
from podium.sim_instruments.physics.compilation_runs import run_whole
from podium.sim_instruments.physics.joint.compilation_run import run_joint
from podium.sim_instruments.servers import kernel_cache
from podium.sim_instruments.servers.cluster_compilation_run import run_cluster
from podium.sim_instruments.servers.zurich_compilation_run import run_sequencer

assert "site-packages" in kernel_cache.__file__, kernel_cache.__file__
assert kernel_cache.compiled(kernel_cache.FAMILIES)
run_whole()
run_joint()
run_cluster()
run_sequencer()
assert not compiled, compiled
"""


def run(*words: str | Path, **more) -> str:
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, timeout=1000, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, Path]:
    """The wheel and the sdist, by the ends of their names."""
    folder = tmp_path_factory.mktemp("packages")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


def test_the_wheel_holds_what_commands_copy_and_nothing_compiled(built) -> None:
    names = set(zipfile.ZipFile(built["wheel"]).namelist())
    assert built["wheel"].name.endswith("-py3-none-any.whl")
    assert names >= IN_WHEEL
    assert not {name for name in names if name.endswith((".pyc", ".nbi", ".nbc"))}
    assert not {name for name in names if name.startswith("tests")}


def test_the_sdist_holds_what_the_wheel_is_built_from(built) -> None:
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert names >= IN_SDIST


def test_the_wheel_alone_simulates_a_box_and_is_small(built, tmp_path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "env")
    bin_ = tmp_path / "env" / "bin"
    constraints = ROOT / "constraints.txt"
    run(bin_ / "pip", "install", "-q", "-c", constraints, built["wheel"], "pytest")
    (tmp_path / "test_box.py").write_text(
        "def test_a_box_is_there(twin_instrument):\n"
        "    assert twin_instrument('yokogawa_gs200').ports\n"
    )
    assert "1 passed" in run(bin_ / "pytest", "-q", tmp_path / "test_box.py", cwd=tmp_path)
    packages = next((tmp_path / "env" / "lib").glob("python*")) / "site-packages"
    own = [one for one in packages.iterdir() if not one.name.startswith(("pip", "setuptools"))]
    size = sum(
        os.path.getsize(Path(folder, file))
        for one in own
        for folder, _, files in os.walk(one)
        for file in files
        if not file.endswith(".pyc")
    )
    assert size < BASE_MB * 1e6, f"{size / 1e6:.0f} MB"
    refused = subprocess.run(
        [bin_ / "podium", "twin", "serve", "--model", "qblox_cluster", "--chip", "krinner2022"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 1
    assert "pip install 'podium[chip]'" in refused.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are compiled ahead on Linux only")
def test_what_pip_builds_from_the_sdist_compiles_nothing_in_its_first_run(built, tmp_path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "env")
    bin_ = tmp_path / "env" / "bin"
    pinned = {**os.environ, "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}  # the build's as well
    pinned.pop("PODIUM_KERNELS", None)
    run(bin_ / "pip", "install", "-q", f"podium[chip] @ {built['sdist'].as_uri()}", env=pinned)
    elsewhere = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    run(bin_ / "python", "-c", FIRST_RUN, cwd=tmp_path, env=elsewhere)
