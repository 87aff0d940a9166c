import pytest

from podium.firmware_interfaces.zurich.node_documentation import (
    NOTHING,
    Choice,
    NodeDocumentation,
    documents_in,
)

DOCUMENT = b"""<?xml version="1.0" encoding="utf-8"?>
<nodeProps><branchRule match="/dev[0-9]+/a">
<leafRule match="/dev[0-9]+/a/([0-9]+)/level"><desc lang="en">For all.</desc>
<desc lang="en" device="BIG|HUGE">For big ones.</desc><unit unit="true">V</unit></leafRule>
<leafRule match="/dev[0-9]+/a/0/only"><desc lang="en">First.</desc><unit unit="false"/></leafRule>
<leafRule match="/dev[0-9]+/path"><desc lang="en">Which.</desc><unit unit="false"/>
<option value="0"><desc lang="en" keyword="lf|low">Low.</desc></option>
<option value="1"><desc lang="en" device="BIG" keyword="rf">High.</desc></option></leafRule>
</branchRule></nodeProps>"""


def test_a_rule_is_found_by_its_shape_and_the_model():
    told = NodeDocumentation(DOCUMENT)
    assert len(told) == 3
    assert told.about("a/12/level", "SMALL4").description == "For all."
    assert told.about("a/12/level", "HUGE8").description == "For big ones."
    assert told.about("a/12/level", "HUGE8").unit == "V"
    assert told.about("a/0/only", "X").description == "First."
    assert told.about("a/1/only", "X") is NOTHING
    assert told.about("b", "X") is NOTHING


def test_words_of_a_choice_mean_its_number():
    about = NodeDocumentation(DOCUMENT).about("path", "BIG2")
    assert about.choices == {0: Choice(("lf", "low"), "Low."), 1: Choice(("rf",), "High.")}
    assert [about.number_of(word) for word in ("LF", "low", "rf", "x")] == [0, 0, 1, None]
    assert about.choices[0].words() == '"lf", "low": Low.'
    assert 1 not in NodeDocumentation(DOCUMENT).about("path", "SMALL").choices


def test_documents_are_found_in_a_library_and_garbage_is_refused():
    other = b'<?xml version="1.0" encoding="utf-8"?><other/>'
    assert documents_in(b"\0elf" + other + DOCUMENT + b"\0" + DOCUMENT[:90]) == [DOCUMENT]
    assert documents_in(b"nothing") == []
    with pytest.raises(ValueError, match="no XML"):
        NodeDocumentation(b"<a")
    assert NodeDocumentation().about("a", "b") is NOTHING
