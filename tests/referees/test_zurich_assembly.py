"""The vendor's own listing is the judge of what its words mean."""

import pytest
from tests.benches.referees import seqc_corpus

from podium.firmware_interfaces.zurich.sequencer_assembly import FORMS, Operation, decode, encode


@pytest.mark.parametrize("device", seqc_corpus.DEVICES)
def test_words_disassemble_to_the_vendors_listing(device):
    met: set[str] = set()
    compiled = 0
    for source in seqc_corpus.corpus():
        try:
            program = seqc_corpus.compile_seqc(source, device)
        except RuntimeError:
            continue  # the compiler says that this instrument does not know it
        words = program.elf.words().tolist()
        decoded = [decode(word, address) for address, word in enumerate(words)]
        read, told = [str(one) for one in decoded], seqc_corpus.listing(program.elf)
        assert read[: len(told)] == told, source
        # A program that never ends has one word more than its listing.
        assert read[len(told) :] in ([], ["end"]), source
        assert [encode(one) for one in decoded] == words
        met |= {one.form.mnemonic for one in decoded}
        compiled += 1
    assert compiled >= {"SHFSG8": 100, "SHFQC": 100, "SHFQA4": 60, "HDAWG8": 95}[device]
    if device == "HDAWG8":
        assert met == {form.mnemonic for form in FORMS}
    assert Operation.END.name.lower() in met
