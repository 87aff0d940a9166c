"""Vendors' and others' clients, opened by the very lines that a one-line twin prints for them."""

import subprocess
import sys

import pytest

from podium.sim_instruments.testing import TwinInstrument, twin_instrument

LIBRARIES = {
    "qblox-instruments, qcodes": "qblox_instruments",
    "qblox-instruments without qcodes": "qblox_instruments",
    "zhinst-toolkit": "zhinst.toolkit",
    "zhinst-core": "zhinst.core",
    "qcodes": "qcodes",
    "pyvisa": "pyvisa",
    "a plain socket": "socket",
    "cpa1110": "cpa1110",
    "pymodbus": "pymodbus",
    "qcodes-contrib-drivers": "qcodes_contrib_drivers",
    "pyvisa over HiSLIP": "pyvisa",
    "pyvisa over VXI-11": "pyvisa",
}
PASTED = """
import sys, warnings
warnings.simplefilter("ignore")
for line in sys.argv[2:]:
    names = {{}}
    exec(line, names)
    client = names[sys.argv[1]]
    {asks}
    type(client).__dict__.get("close", lambda client: None)(client)
print("ALL OPENED")
"""
ASKS = {
    "qblox_cluster": """
    if hasattr(client, "sendall"):
        client.sendall(b"*IDN?\\n"); assert client.recv(500).startswith(b"Qblox,Cluster MM")
    else:
        assert "cluster" in str(client.get_idn()).lower(), client.get_idn()
        found = [one.slot_idx for one in getattr(client, "modules", []) if one.present()]
        assert not hasattr(client, "modules") or found == [2, 4, 6, 8], found
    """,
    "zurich": """
    if hasattr(client, "connect_device"):
        assert client.connect_device("DEV12000").serial == "dev12000"
    else:
        client.connectDevice("dev12000", "1GbE")
        assert client.getString("/dev12000/features/devtype") == "SHFQC"
    """,
    "cryomech_cpa": """
    if hasattr(client, "read_snapshot"):
        assert client.read_snapshot().model_number == 4 << 8 | 19
    else:
        assert client.read_input_registers(1, count=2).registers == [3, 1]
    """,
    "yokogawa_gs200": """
    if hasattr(client, "sendall"):
        client.sendall(b"*IDN?\\n"); said = client.recv(500).decode()
    else:
        said = str(client.get_idn() if hasattr(client, "get_idn") else client.query("*IDN?"))
    assert "GS210" in said, said
    """,
    "qdevil_qdac2": """
    if hasattr(client, "sendall"):
        client.sendall(b"*IDN?\\n"); said = client.recv(500).decode()
    else:
        said = str(client.get_idn() if hasattr(client, "get_idn") else client.query("*IDN?"))
    assert "QDAC-II" in said, said
    """,
}


def paste(twin: TwinInstrument) -> None:
    asks = ASKS[twin.model].strip()
    ended = subprocess.run(
        [sys.executable, "-c", PASTED.format(asks=asks), twin.name, *twin.clients.values()],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.stdout.endswith("ALL OPENED\n"), ended.stderr


@pytest.mark.parametrize(
    ("model", "chip"),
    [
        pytest.param("qblox_cluster", "krinner2022", marks=pytest.mark.slow),
        pytest.param("zurich", "krinner2022", marks=pytest.mark.slow),
        ("zurich", None),
        ("yokogawa_gs200", None),
        ("qdevil_qdac2", None),
        ("cryomech_cpa", None),
    ],
)
def test_every_line_opens_its_client_and_no_client_says_what_is_unknown(model, chip) -> None:
    with twin_instrument(model, chip=chip) as twin:
        assert len(twin.clients) >= 2
        assert twin.clients.keys() <= LIBRARIES.keys()
        paste(twin)
        assert len(twin.log) > 1
        assert [one.text for one in twin.unknown] == []
