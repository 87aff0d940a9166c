import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.header import HeaderTree, short_form


@pytest.fixture
def tree() -> HeaderTree[str]:
    tree: HeaderTree[str] = HeaderTree()
    tree.add("[:SOURce<hw>]:FREQuency[:CW|:FIXed]", "frequency")
    tree.add("[:SOURce<hw>]:POWer[:LEVel][:IMMediate][:AMPLitude]", "power")
    tree.add(":OUTPut<ch>[:STATe]", "output")
    tree.add(":SYSTem:ERRor[:NEXT]", "error")
    return tree


@pytest.mark.parametrize(
    ("header", "value", "suffixes"),
    [
        (":SOURCE:FREQUENCY:CW", "frequency", (1,)),
        ("SOUR:FREQ", "frequency", (1,)),
        ("FREQ", "frequency", ()),
        ("FREQ:FIX", "frequency", ()),
        ("SOUR2:FREQUENCY", "frequency", (2,)),
        ("SOURCE12:POW:LEV:IMM:AMPL", "power", (12,)),
        ("POW:AMPL", "power", ()),
        ("OUTP3", "output", (3,)),
        ("OUTPUT3:STAT", "output", (3,)),
        ("SYST:ERR:NEXT", "error", ()),
    ],
)
def test_long_short_and_optional_mnemonics_lead_to_the_same_command(tree, header, value, suffixes):
    found = tree.find(header, tree.root)
    assert (found.value, found.suffixes) == (value, suffixes)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("FREQU", -113),  # neither short nor long
        ("FRE", -113),
        ("SOUR", -113),
        ("FREQ:CW:FIX", -113),
        ("SYST2:ERR", -114),
        ("NONE", -113),
    ],
)
def test_what_the_manual_does_not_list_is_undefined(tree, header, code):
    with pytest.raises(ScpiError) as caught:
        tree.find(header, tree.root)
    assert caught.value.code == code


def test_a_header_without_colon_goes_on_where_the_one_before_it_ended(tree):
    first = tree.find("SOUR2:POW:LEV", tree.root)
    second = tree.find("LEV:IMM", first.path)
    assert (second.value, second.suffixes) == ("power", (2,))
    with pytest.raises(ScpiError):
        tree.find("SYST:ERR", second.path)
    assert tree.find(":SYST:ERR", second.path).value == "error"


@pytest.mark.parametrize("pattern", [":OUTPut:STATe", ":OUTPuts", "SOURce<n>:FREQuency:CW"])
def test_two_commands_under_one_header_are_a_mistake_of_the_table(tree, pattern):
    with pytest.raises(ValueError, match=r"OUTP|FREQ|SOUR"):
        tree.add(pattern, "again")


def test_a_pattern_that_is_none_is_refused(tree):
    with pytest.raises(ValueError, match="not a header pattern"):
        tree.add(":OUT-PUT", "x")


@given(st.from_regex(r"[A-Z]{3,4}[a-z]{0,6}", fullmatch=True), st.data())
def test_only_the_short_and_the_long_form_are_accepted(mnemonic, data):
    tree: HeaderTree[str] = HeaderTree()
    tree.add(mnemonic, "it")
    prefix = mnemonic.upper()[: data.draw(st.integers(1, len(mnemonic)))]
    if prefix in (short_form(mnemonic), mnemonic.upper()):
        assert tree.find(prefix, tree.root).value == "it"
    else:
        with pytest.raises(ScpiError):
            tree.find(prefix, tree.root)
