"""Raw results of lone qubits on a manual clock are what they were, on both families.

To the bit where they were noted, on such a processor with these libraries; elsewhere rounded, or
each tenth shot to a hundred-millionth of the largest. Whoever means to change them notes the
digests that the test tells, and writes the shots anew (``python -m`` this module).
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numba
import numpy as np
import pytest
import scipy
from llvmlite.binding import get_host_cpu_name
from tests.benches.servers.playing import rabi
from tests.benches.thoroughness import sampled

from podium.control.facility.facility import HostAddress
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.sim_instruments.testing import TwinPool

NOTED_WITH = ("znver4", "2.4.6", "1.17.1", "0.68.1")
NOTED = {
    "first_light": ("dc4e0ec18ae091520411930e63b1ac71", "4834ce63b2f5a702a6413296cbff670d"),
    "first_light_zi": ("82e9cd84b0e41928910f39c4548cbb27", "1412323c6710b1432cc5370be654c91e"),
}
"""By example: of all bits, and of values rounded to a thousandth of a millionth of the largest."""
SHOTS = Path(__file__).with_name("lone_qubits.npz")
"""Each tenth shot of each example and qubit, (40, 3), of another processor."""
EXAMPLES = Path(__file__).parents[3] / "examples"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def pool() -> Iterator[TwinPool]:
    with TwinPool() as pool:
        yield pool


def driver_of(entry):
    """Return a family's driver of an instrument."""
    assert isinstance(entry.address, HostAddress)
    host, ports = entry.address.host, entry.address.ports
    if entry.model == "zurich":
        from podium.drivers.zurich.data_server import ZurichDataServer

        return ZurichDataServer("zi_a", host, ports, entry.options["devices"])
    from podium.drivers.qblox_cluster import QbloxCluster

    return QbloxCluster("cluster_a", host, ports, entry.options["modules"])


def results(pool: TwinPool, folder: Path, example: str, name: str) -> dict[str, np.ndarray]:
    """Return each shot of a Rabi scan of three qubits, by capture, as the driver hands it over."""
    file, where = EXAMPLES / example / "facility.yaml", folder / "endpoints.json"
    with pool.facility(file, seed=1, clock="manual") as twins:
        where.write_text(json.dumps(twins.endpoints))
        facility = load_facility(file, where)
        artifact = compiler_for(facility)(rabi(points=3, shots=400))[name]
        driver = driver_of(facility.instruments[name])
        try:
            driver.load(artifact)
            driver.arm()
            driver.start()
            driver.wait(artifact.duration_fs * 1e-15)
            found = driver.collect()
        finally:
            driver.close()
    return {capture: data.i + 1j * data.q for capture, data in found.items()}


def digest(found: dict[str, np.ndarray], *, rounded: bool) -> str:
    said = hashlib.sha256()
    for capture, values in sorted(found.items()):
        if rounded:
            values = np.rint(values / (1e-9 * np.abs(values).max()))
        said.update(capture.encode() + np.ascontiguousarray(values).tobytes())
    return said.hexdigest()[:32]


@pytest.mark.parametrize(
    ("example", "name"),
    sampled(
        [("first_light", "cluster_a"), ("first_light_zi", "zi_a")],
        kept=[("first_light", "cluster_a")],
    ),
)
def test_raw_results_are_what_they_were(pool, tmp_path, example: str, name: str) -> None:
    found = results(pool, tmp_path, example, name)
    assert all(values.shape == (400, 3) for values in found.values())
    assert sorted(found) == ["q0", "q1", "q2"]
    here = get_host_cpu_name(), np.__version__, scipy.__version__, numba.__version__
    every, rounded = NOTED[example]
    if here == NOTED_WITH:
        assert digest(found, rounded=False) == every
    elif digest(found, rounded=True) != rounded:  # a last bit may round a value otherwise
        with np.load(SHOTS) as kept:
            for qubit, values in found.items():
                was = kept[f"{example}_{qubit}"]
                assert np.abs(values[::10] - was).max() < 1e-8 * np.abs(was).max(), (qubit, here)


def write_shots() -> None:
    """Write the shots that the test compares with."""
    shots = {}
    with TwinPool() as pool, TemporaryDirectory() as folder:
        for example, name in (("first_light", "cluster_a"), ("first_light_zi", "zi_a")):
            found = results(pool, Path(folder), example, name)
            shots |= {f"{example}_{qubit}": one[::10] for qubit, one in found.items()}
    np.savez_compressed(SHOTS, **shots)


if __name__ == "__main__":
    write_shots()
