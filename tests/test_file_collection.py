"""Workers that import a test file when its turn comes do what pytest does, and import it once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = {
    "conftest.py": """
        import pytest
        from tests.benches.file_collection import CollectionByFile

        def pytest_configure(config):
            config.addinivalue_line("markers", "slow: not now")
            if hasattr(config, "workerinput"):
                config.pluginmanager.register(CollectionByFile())

        @pytest.fixture(scope="module")
        def bench(request):
            yield
            with open("noted", "a") as noted:
                print("closed", request.node.name, file=noted)
        """,
    "test_well.py": """
        with open("noted", "a") as noted:
            print("imported", __name__, file=noted)
        import pytest

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_number(number, bench):
            assert number

        @pytest.mark.slow
        def test_long():
            assert False
        """,
    "test_wrong.py": """
        with open("noted", "a") as noted:
            print("imported", __name__, file=noted)

        def test_sum(bench):
            assert 1 + 1 == 3

        def test_after():
            pass
        """,
    "test_broken.py": """
        import no_such_module

        def test_nothing():
            pass
        """,
    "test_long.py": """
        import pytest

        pytestmark = pytest.mark.slow

        def test_nothing():
            assert False
        """,
}

AFTER_SLOW_ONES = {
    "conftest.py": FILES["conftest.py"],
    "first/test_a.py": "        def test_it(): pass",
    "first/test_b.py": FILES["test_long.py"],
    "second/test_c.py": "        def test_it(): pass",
}


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for name, text in getattr(request, "param", FILES).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        lines = (line.removeprefix(" " * 8) for line in text.strip("\n").splitlines())
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("folder", [AFTER_SLOW_ONES], indirect=True)
def test_a_file_of_which_nothing_runs_leaves_nothing_set_up(folder: Path) -> None:
    done = run(folder, "-n", "1", "--dist=load", "--maxschedchunk=1", "-m", "not slow")
    assert "2 passed in" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    "shuffled",
    [(), pytest.param(("--random-order-seed=3",), marks=pytest.mark.slow)],
    ids=["by size", "shuffled"],
)
def test_what_fails_is_named_and_a_file_is_imported_once(folder: Path, shuffled) -> None:
    words = ("-n", "2", "--dist=load", "--maxschedchunk=1", "-m", "not slow", *shuffled)
    done = run(folder, *words)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 4 passed, 1 error in" in done.stdout
    assert "FAILED test_wrong.py::test_sum - assert" in done.stdout
    assert "ERROR test_broken.py" in done.stdout
    assert "No module named 'no_such_module'" in done.stdout
    noted = (folder / "noted").read_text().splitlines()
    assert sorted(noted) == [
        "closed test_well.py",
        "closed test_wrong.py",
        "imported test_well",
        "imported test_wrong",
    ]
