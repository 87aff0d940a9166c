"""What two bring-ups found is compared value by value."""

import pytest
from benches.split_bring_up import BringUp, difference


def found(**values: tuple[float, float]) -> BringUp:
    return BringUp(1.0, 1.0, values, 0)


def test_equal_values_are_equal_to_the_bit() -> None:
    one = found(f01=(6e9, 1e3), t1=(3e-5, 1e-6))
    apart = difference(one, one)
    assert (apart.equal, apart.of, apart.sigmas, apart.missing) == (2, 2, 0.0, ())


def test_the_furthest_value_is_told_in_sigmas_and_what_one_alone_has() -> None:
    one = found(f01=(6e9, 1e3), t1=(3e-5, 1e-6), chi=(-1e6, 1e3))
    other = found(f01=(6e9 + 50, 1e3), t1=(3.02e-5, 1e-6), kappa=(1.0, 0.1))
    apart = difference(one, other)
    assert (apart.name, apart.equal, apart.of) == ("t1", 0, 2)
    assert apart.sigmas == pytest.approx(0.2)
    assert apart.missing == ("chi", "kappa")


def test_a_value_without_a_sigma_that_differs_is_never_alike() -> None:
    assert difference(found(f01=(1.0, 0.0)), found(f01=(2.0, 0.0))).sigmas == float("inf")
