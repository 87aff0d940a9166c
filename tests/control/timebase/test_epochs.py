import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.timebase.epochs import DomainRecord, EpochMoved, Epochs, Moved

numbers = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5))
signs = st.none() | st.dictionaries(st.sampled_from(["boots", "lost_lock"]), st.integers(0, 2))


@given(numbers, numbers)
def test_two_sets_agree_only_if_every_domain_does(then, now) -> None:
    moved = Epochs.of(then).moved(Epochs.of(now))
    assert {one.domain for one in moved} == {
        name for name in {*then, *now} if then.get(name) != now.get(name)
    }
    assert (moved == ()) == (then == now)


def test_a_mismatch_names_the_domain_and_both_numbers() -> None:
    then, now = Epochs.of({"house": 3, "node_b": 7}), Epochs.of({"house": 3, "node_b": 8})
    with pytest.raises(EpochMoved, match=r"^start of run 5: node_b: epoch 7 then, 8 now$"):
        then.check(now, "start of run 5")
    then.check(Epochs.of({"node_b": 7, "house": 3}), "the order in which they are named")


def test_a_domain_that_is_no_longer_there_has_moved() -> None:
    then, now = Epochs.of({"a": 1}), Epochs.of({"b": 2})
    assert then.moved(now) == (Moved("a", 1, None), Moved("b", None, 2))
    assert str(Moved("a", 1, None)) == "a: epoch 1 then, none now"


@given(numbers, numbers)
def test_parts_are_put_together_unless_they_contradict_each_other(one, other) -> None:
    parts = (Epochs.of(one), Epochs.of(other))
    if all(one[name] == other[name] for name in one.keys() & other.keys()):
        assert Epochs.union(parts) == Epochs.of(one | other)
    else:
        with pytest.raises(EpochMoved, match=r"epoch \d then, \d now"):
            Epochs.union(parts)


def test_a_domain_stands_once_and_in_order() -> None:
    with pytest.raises(ValueError, match="each domain once"):
        Epochs((("b", 1), ("a", 1)))
    with pytest.raises(ValueError, match="each domain once"):
        Epochs((("a", 1), ("a", 2)))


@given(signs, st.lists(signs, max_size=20))
def test_an_epoch_lasts_only_while_the_signs_are_seen_and_the_same(first, later) -> None:
    record, before = DomainRecord.first("node_a", first), first
    for shown in later:
        after = record.seen(shown)
        assert after.epoch == record.epoch + (shown is None or shown != before)
        record, before = after, shown
