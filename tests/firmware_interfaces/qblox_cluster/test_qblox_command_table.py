import pytest

from podium.firmware_interfaces.qblox_cluster.command_table import COMMANDS, Reply, look_up


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.header)
def test_every_entry_is_found_by_its_long_and_its_short_form_in_any_case(entry) -> None:
    numbered = entry.header.replace("#", "3")
    short = "".join(c for c in numbered if not c.islower())
    for spelling in (numbered, numbered.lower(), short):
        found = look_up(spelling)
        assert found is not None
        assert found.entry.reply.is_block == entry.reply.is_block
    found = look_up(numbered)
    assert found.entry is entry
    assert found.indices == (3,) * entry.indices


@pytest.mark.parametrize(
    "header", ["", ":", "?", "SEQuencer0", "SEQuencer0:STATe", "SEQuence0:STATE?", "LO:ENAble?"]
)
def test_what_no_cluster_knows_is_not_found(header) -> None:
    assert look_up(header) is None


def test_a_default_has_the_kind_of_its_answer() -> None:
    for entry in COMMANDS:
        match entry.reply:
            case Reply.INTEGER | Reply.FLAG:
                int(entry.default)
            case Reply.NUMBER:
                float(entry.default)
            case Reply.JSON:
                assert entry.default.startswith("{")
            case _:
                pass
