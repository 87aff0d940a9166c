"""The generations of qblox-instruments, unmodified, on a cluster with the firmware that they want.

`make test-clients` runs this file; `make test` has the newest client, all over tests/referees.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from tests.benches.referees.foreign_stack import asked, finds_the_world, python_of

from podium.firmware_interfaces.qblox_cluster.identity import RELEASES
from podium.firmware_interfaces.qblox_cluster.q1asm import AssemblyError, assemble
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Form, Immediate
from podium.sim_instruments.testing import TwinPool

CLIENT = Path(__file__).with_name("client_qblox.py")
FIRMWARE = {
    "0.17.0": "0.12.0",
    "0.17.1": "0.12.1",
    "1.0.3": "0.13.0",
    "1.1.1": "0.13.0",
    "1.2.2": "2.1.0",
    "1.3.1": "2.1.0",
    "1.4.1": "2.1.0",
}
CHECK_EACH_CALL = ("0.17.0", "0.17.1", "1.0.3", "1.1.1", "1.2.2")
"""Later ones ask the error queue after questions alone."""


@pytest.fixture(scope="module")
def pool():
    with TwinPool() as pool:
        yield pool


def python_with(version: str) -> str:
    return python_of(f"qblox-instruments-{version}")


def ran(version: str, host: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python_with(version), str(CLIENT), host],
        cwd=folder,
        env=os.environ | {"HOME": str(folder), "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.parametrize(
    ("version", "firmware"), [*FIRMWARE.items(), ("1.3.1", "0.13.0"), ("1.4.1", "0.13.0")]
)
def test_a_client_does_its_work(pool: TwinPool, tmp_path: Path, version: str, firmware: str):
    python_with(version)
    with pool.instrument(
        "qblox_cluster", chip="krinner2022", seed=3, options={"firmware": firmware}
    ) as cluster:
        ended = ran(version, cluster.host, tmp_path)
        log = list(cluster.log)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    found = json.loads(ended.stdout.splitlines()[-1])
    assert (found["firmware"], found["driver"]) == (firmware, version)
    assert found["slots"] == [2, 4, 6, 8]
    assert found["types"] == ["QRM", "QCM"]
    assert found["rf"] == [True, True]
    assert found["system"] == "OKAY"
    assert found["nco_hz"] == 90e6
    assert found["wave_off"] < 1 / 32767
    assert found["armed"] == "ARMED"
    assert found["ended"] == ["OKAY", "STOPPED"]
    assert found["counts"] == [1] * 10
    assert found["weighed"] == [10]
    assert 0.02 < found["heard"] < 0.06
    assert found["scope"][0] == 16384
    assert 0.05 < found["scope"][1] < 0.2
    assert found["forgotten"]
    assert not found["wrong_assembled"]
    assert "does not support argument signature" in found["wrong_log"]
    newer = RELEASES[firmware].isa == 2
    assert found["newer_assembled"] is newer
    assert newer or "instruction 'jnz' not found" in found["newer_log"]
    if version in CHECK_EACH_CALL:
        assert "Assembly failed" in found["wrong_program"]
        assert newer or "Assembly failed" in found["newer_program"]
    assert found["slow"] == "STOPPED"
    assert "21.5" in found["wrong_level"]
    assert found["parameters"] > 60
    assert not [one.text for one in log if one.verdict == "unknown"]


@pytest.mark.parametrize(
    ("version", "firmware"),
    [("0.17.0", "0.12.1"), ("0.17.1", "0.13.0"), ("1.0.3", "2.1.0"), ("1.4.1", "0.12.1")],
)
def test_a_client_for_another_firmware_says_so_itself(
    pool: TwinPool, tmp_path: Path, version: str, firmware: str
):
    python_with(version)
    with pool.instrument(
        "qblox_cluster", chip="krinner2022", seed=3, options={"firmware": firmware}
    ) as cluster:
        ended = ran(version, cluster.host, tmp_path)
    assert ended.returncode != 0
    assert "not compatible with the firmware" in ended.stderr
    assert RELEASES[firmware].application.commit in ended.stderr


@pytest.mark.parametrize("version", ["0.17.1", "1.0.3", "1.4.1"])
def test_a_labs_loops_find_a_world_with_it(pool: TwinPool, tmp_path: Path, version: str):
    python_with(version)
    with pool.instrument(
        "qblox_cluster",
        chip="krinner2022",
        seed=8104,
        strict=True,
        options={"firmware": FIRMWARE[version]},
    ) as cluster:
        found = asked(
            f"qblox-instruments-{version}", "qcodes_lab.py", cluster.host, folder=tmp_path
        )
        finds_the_world(found, cluster.truth)


def spell(form: Form, values: dict[int, int]) -> str:
    operands = [
        str(values[k]) if isinstance(field, Immediate) else f"R{k + 1}"
        for k, field in enumerate(form.fields)
    ]
    return f"{form.mnemonic} {','.join(operands)}".rstrip()


def cases() -> list[str]:
    """Every form at its limits in both generations, and just beyond."""
    found = []
    for form in FORMS:
        places = {k: f for k, f in enumerate(form.fields) if isinstance(f, Immediate)}
        usual = {k: min(max(f.low, 4), f.high) for k, f in places.items()}
        found.append(spell(form, usual))
        for k, field in places.items():
            found += [spell(form, usual | {k: n}) for n in (field.low, 3, field.high)]
    return sorted(set(found))


@pytest.mark.parametrize("version", ["0.17.0", "1.0.3"])
def test_the_first_instruction_set_is_that_of_the_assembler_that_came_with_it(version: str):
    python = Path(python_with(version))
    (binary,) = python.parent.parent.glob("lib/*/site-packages/qblox_instruments/assemblers/*linux")
    differ = []
    for text in cases():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a.q1asm").write_text(f"{text}\n")
            theirs = subprocess.run(
                [str(binary), "-l", "error", "-o", "out", "a.q1asm"],
                cwd=folder,
                capture_output=True,
                check=False,
            )
        try:
            assemble(text, generation=1)
            ours = True
        except AssemblyError:
            ours = False
        if ours != (theirs.returncode == 0):
            differ.append((text, f"ours {ours}, theirs {not ours}"))
    assert not differ
