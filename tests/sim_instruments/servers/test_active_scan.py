"""A scan with active reset, as Podium compiles it: walked on a tree, it is what it was before."""

import numpy as np
from benches.active_scan import scans

QUBITS, SHOTS = 3, 2


async def test_a_compiled_scan_that_is_walked_is_equal_to_the_bit(tmp_path) -> None:
    one = (await scans(tmp_path, {QUBITS: SHOTS}))[QUBITS]
    other = (await scans(tmp_path, {QUBITS: SHOTS}, walks=False))[QUBITS]
    assert (one.walked, other.walked) == (1, 0)
    assert list(one.data) == list(other.data) != []
    for name in one.data:
        values = one.data[name].to_numpy()
        assert np.array_equal(values, other.data[name].to_numpy()), name
        assert np.std(np.abs(values)) > 0
