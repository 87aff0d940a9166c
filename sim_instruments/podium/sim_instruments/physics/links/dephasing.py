"""Pure dephasing of three levels from two measured rates: models of the g-f coherence.

The g-f coherence's dephasing is hardly ever published. What is lost there depends on the noise,
and a photon's coherence passes through it; so models are compared and the bracket is stated.
"""

import numpy as np
from numpy.typing import NDArray


def _matrix(ge: float, ef: float, gf: float) -> NDArray[np.float64]:
    return np.array([[0.0, ge, gf], [ge, 0.0, ef], [gf, ef, 0.0]])


def number_operator(ge_1_s: float, ef_1_s: float) -> NDArray[np.float64]:
    """Return (3, 3), 1/s: noise of the number operator, of the strength that g-e shows.

    A coherence of n and m loses (n - m)^2 times the g-e rate, g-f four times; what e-f was
    measured to lose does not count.
    """
    return _matrix(ge_1_s, ge_1_s, 4 * ge_1_s)


def independent_lines(ge_1_s: float, ef_1_s: float) -> NDArray[np.float64]:
    """Return (3, 3), 1/s: independent noise of the lines g-e and e-f, whose rates add for g-f."""
    return _matrix(ge_1_s, ef_1_s, ge_1_s + ef_1_s)


def two_sigma_z(ge_1_s: float, ef_1_s: float) -> NDArray[np.float64]:
    """Return (3, 3), 1/s: jumps ``sqrt(rate / 2) sigma_z`` of g-e and of e-f.

    The one of either line has the third level at 0, so it also takes a quarter of its rate from
    the other two coherences. The jumps' rates are the two lines' own, as papers' master
    equations have them: coherences decay a little faster than was measured.
    """
    return _matrix(ge_1_s + ef_1_s / 4, ef_1_s + ge_1_s / 4, (ge_1_s + ef_1_s) / 4)
