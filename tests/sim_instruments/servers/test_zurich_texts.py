"""What is found of the vendor's client where it is installed, and what a server does without."""

import subprocess
import sys

from podium.firmware_interfaces.zurich.inventory.models import MODELS, nodes_of
from podium.sim_instruments.servers import zurich_texts
from podium.sim_instruments.servers.zurich_texts import vendor_text
from podium.sim_instruments.twins.zurich.data_server.vendor_text import VendorText


def test_the_documentation_knows_most_nodes() -> None:
    documentation = vendor_text().documentation
    for model in MODELS:
        nodes = nodes_of(model)
        known = sum(bool(documentation.about(path, model).description) for path in nodes)
        assert known > 0.75 * len(nodes), model


def test_words_that_programs_use_mean_their_numbers() -> None:
    about = vendor_text().documentation.about
    assert about("sgchannels/2/output/rflfpath", "SHFQC").number_of("lf") == 0
    assert about("awgs/0/outputs/1/modulation/mode", "HDAWG8").number_of("off") == 0
    assert about("qachannels/0/mode", "SHFQA4").number_of("readout") == 1


def test_schemas_of_command_tables_are_found() -> None:
    assert vendor_text().table_check("SHFQC")('{"header": {}}') != ""
    good = '{"header": {"version": "1.1"}, "table": [{"index": 0, "waveform": {"index": 0}}]}'
    assert vendor_text().table_check("SHFSG8")(good) == ""


def test_without_the_client_there_is_a_server_without_words(monkeypatch) -> None:
    def missing(name: str) -> str:
        raise zurich_texts.PackageNotFoundError(name)

    monkeypatch.setattr(zurich_texts, "version", missing)
    found = zurich_texts.vendor_text.__wrapped__()
    assert (found.installed, found.table_schemas) == (VendorText().installed, {})
    assert len(found.documentation) == 0
    assert found.version.hello == "26.7.2"


def test_looking_for_them_runs_nothing_of_the_vendors() -> None:
    code = (
        "import sys\n"
        "from podium.sim_instruments.servers.zurich_texts import vendor_text\n"
        "assert len(vendor_text().documentation) > 1000\n"
        "assert not [name for name in sys.modules if name.startswith('zhinst')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
