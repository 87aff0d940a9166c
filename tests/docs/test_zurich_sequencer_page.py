"""The page on the sequencers names every word and every peripheral."""

import re
from pathlib import Path

from podium.firmware_interfaces.zurich.sequencer_assembly import FORMS, SEQUENCER_MEMORY, Address

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "zurich_sequencer.md").read_text()


def test_every_word_is_on_the_page():
    rows = re.findall(r"^\| `0x(\w{8})` \| `(\w+)", PAGE, re.MULTILINE)
    told = {name: int(re.sub(r"[dsmn]", "0", word), 16) for word, name in rows}
    assert told == {form.mnemonic: form.code for form in FORMS}


def test_every_peripheral_is_on_the_page():
    table = PAGE[PAGE.index("## Peripherals") : PAGE.index("## Time")]
    told: set[int] = set()
    for row in re.findall(r"^\| (\d[\d, to]*) \|", table, re.MULTILINE):
        first = [int(word) for word in re.findall(r"\d+", row)]
        told |= set(range(first[0], first[-1] + 1)) if "to" in row else set(first)
    assert told == set(range(16)) | {int(address) for address in Address}


def test_limits_are_the_codes():
    for limit in SEQUENCER_MEMORY.values():
        assert f"{limit:,}" in PAGE
