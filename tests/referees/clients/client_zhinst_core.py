"""What one version of ``zhinst.core`` gets of a data server with an SHFQC and an HDAWG.

``python client_zhinst_core.py HOST PORT session`` prints all that it got, as JSON, last;
``connect`` and ``anyway`` only connect, ``records`` reads an SHFQA that has results in its nodes.
Needs nothing but zhinst-core and numpy, and runs where nothing of ours is installed.
"""

import contextlib
import io
import json
import sys
import time

import numpy as np
import zhinst.core

PATIENCE_S = 30.0
SG = "/dev12000/sgchannels"
ON, RANGE, PATH = (f"{SG}/0/output/{name}" for name in ("on", "range", "rflfpath"))
THIRD = f"{SG}/3/output/on"
AWG, CORE, QA = f"{SG}/0/awg", "/dev8001/awgs/0", "/dev12000/qachannels/0"
PROGRAM = "var x = 0; repeat (10) { x += 3; playZero(64); } setUserReg(0, x);"
READOUT = "repeat (40) { playZero(4096); startQA(QA_GEN_0, QA_INT_0); }"
LENGTH, PULSE = 256, 0.3
KINDS = ("u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16")


def connected(host, port, **words):
    """Return a session, or why there is none."""
    try:
        return zhinst.core.ziDAQServer(host, port, 6, **words)
    except RuntimeError as error:
        return {"refused": str(error), "error": type(error).__name__}


def waited(done):
    """Return whether something became true in time."""
    until_s = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.01)
    return True


def polled(client, *paths):
    """Return what was heard of these nodes, as soon as all of them were heard of."""
    heard = {}

    def all_heard():
        for path, entry in client.poll(0.02, 100, flat=True).items():
            entries = entry if isinstance(entry, list) else [entry]
            heard.setdefault(path, []).extend(entries)
        return heard.keys() >= set(paths)

    waited(all_heard)
    return heard


def numbers(entries):
    return [float(value) for entry in entries for value in entry["value"]]


def error_of(do):
    """Return what a call raises, and the vendor's class that it is made of."""
    try:
        do()
    except RuntimeError as error:
        return type(error).__name__
    return ""


def about(client):
    found = {
        "installed": zhinst.core.__version__,
        "client": [client.version(), client.revision()],
        "server": [client.getString("/zi/about/version"), client.getInt("/zi/about/revision")],
        "nodes": client.listNodes("/zi/about/*", 0),
        "level": client.api_level,
    }
    found["full"] = ""
    if "fullversion" in found["nodes"]:
        found["full"] = client.getString("/zi/about/fullversion")
    return found


def instruments(client):
    for device in ("dev12000", "dev8001"):
        client.connectDevice(device, "1GbE")
    found = {"connected": sorted(client.getString("/zi/devices/connected").lower().split(","))}
    found["models"] = [client.getString(f"/{one}/features/devtype") for one in found["connected"]]
    client.disconnectDevice("dev8001")
    found["after"] = client.getString("/zi/devices/connected").lower()
    client.connectDevice("dev8001", "1GbE")
    return found


def lists(client):
    flags = zhinst.core.ziListEnum
    told = json.loads(client.listNodesJSON(f"{SG}/*/output/*"))
    with contextlib.redirect_stdout(io.StringIO()) as helped:
        client.help(RANGE)
    return {
        "leaves": client.listNodes(f"{SG}/*/output", flags.recursive | flags.absolute),
        "settings": client.listNodes(
            f"{SG}/0/output",
            flags.recursive | flags.absolute | flags.leavesonly | flags.settingsonly,
        ),
        "younger": [
            len(client.listNodes(path, flags.absolute))
            for path in (f"{SG}/3/busy", "/dev8001/sines/7/freq")
        ],
        "json": len(told),
        "range": told[RANGE],
        "help": helped.getvalue(),
    }


def values(client):
    found = {}
    client.setInt(ON, 1)
    found["int"] = client.getInt(ON)
    client.setDouble(RANGE, -3.0)
    found["double"] = client.getDouble(RANGE)
    found["sync"] = client.syncSetDouble(RANGE, 3.0)
    client.setString("/dev12000/system/nics/0/defaultip4", "10.0.0.1")
    found["string"] = client.getString("/dev12000/system/nics/0/defaultip4")
    client.set(PATH, "lf")
    found["keyword"] = client.getInt(PATH)
    client.set([(PATH, "rf"), (ON, 0), (RANGE, 10.0)])
    found["transaction"] = [client.getInt(PATH), client.getInt(ON), client.getDouble(RANGE)]
    client.setInt(f"{SG}/*/output/on", 1)
    several = client.get(f"{SG}/*/output/on", flat=True)
    found["wildcard"] = {path: numbers([entry]) for path, entry in several.items()}
    client.setInt(f"{SG}/*/output/on", 0)
    found["both"] = list(client.get(f"{ON},{RANGE}", flat=True))
    found["nested"] = float(client.get(RANGE)["dev12000"]["sgchannels"]["0"]["output"]["range"][
        "value"][0])  # fmt: skip
    return found


def vectors(client):
    found = {}
    path = f"{AWG}/waveform/waves/7"
    for kind in KINDS:
        sent = np.arange(100).astype(kind)
        client.setVector(path, sent)
        (back,) = client.get(path, flat=True, settingsonly=False)[path]
        found[kind] = back["vector"].dtype == sent.dtype and bool((back["vector"] == sent).all())
    path = f"{CORE}/waveform/waves/0"
    sent = np.arange(1_000_000, dtype=np.uint32)
    client.setVector(path, sent)
    (back,) = client.get(path, flat=True, settingsonly=False)[path]
    found["long"] = np.array_equal(back["vector"], sent)
    return found


def subscriptions(client, other):
    found = {}
    client.subscribe(f"{SG}/*/output/on")
    client.sync()
    other.set([(ON, 1), (THIRD, 1)])
    heard = polled(client, ON, THIRD)
    found["heard"] = {path: numbers(entries) for path, entries in heard.items()}
    client.unsubscribe("/dev12000/*")
    other.set([(ON, 0), (THIRD, 0)])
    client.sync()
    found["after"] = list(client.poll(0.02, 50, flat=True))
    client.getAsEvent(RANGE)
    found["event"] = numbers(polled(client, RANGE).get(RANGE, []))
    return found


def errors(client):
    return {
        "nothing": error_of(lambda: client.getInt("/dev12000/nothing")),
        "read only": error_of(lambda: client.setInt(f"{SG}/0/output/overrangecount", 1)),
        "write only": error_of(lambda: client.get(f"{AWG}/elf/data")),
        "argument": error_of(lambda: client.setInt(PATH, 9)),
        "device": error_of(lambda: client.connectDevice("dev5", "1GbE")),
        "interface": error_of(lambda: client.connectDevice("dev12000", "PCIe")),
        "transaction": error_of(
            lambda: client.set([(ON, 1), (f"{SG}/0/output/overrangecount", 1), (THIRD, 1)])
        ),
        "and the rest": [client.getInt(ON), client.getInt(THIRD)],
    }


def programs(client):
    """Return what came of a program compiled here and one that the client's module compiled."""
    found = {}
    elf, _ = zhinst.core.compile_seqc(PROGRAM, "SHFQC", "", 0, sequencer="sg")
    client.setVector(f"{AWG}/elf/data", elf)
    found["length"] = [len(elf), client.getInt(f"{AWG}/elf/length")]
    found["ready"] = client.getInt(f"{AWG}/ready")
    client.syncSetInt(f"{AWG}/single", 1)
    client.syncSetInt(f"{AWG}/enable", 1)
    found["ended"] = waited(lambda: client.getInt(f"{AWG}/enable") == 0)
    found["register"] = client.getDouble(f"{AWG}/userregs/0")
    client.setVector(f"{AWG}/elf/data", b"no program")
    found["no program"] = client.getInt(f"{AWG}/ready")
    module = client.awgModule()
    module.set("device", "dev8001")
    module.set("index", 0)
    module.execute()
    module.set("compiler/sourcestring", PROGRAM)
    waited(lambda: module.getDouble("progress") == 1.0 and client.getInt(f"{CORE}/ready"))
    found["module"] = [module.getInt("compiler/status"), client.getInt(f"{CORE}/ready")]
    client.syncSetInt(f"{CORE}/single", 1)
    client.syncSetInt(f"{CORE}/enable", 1)
    found["module ended"] = waited(lambda: client.getInt(f"{CORE}/enable") == 0)
    found["module register"] = client.getDouble(f"{CORE}/userregs/0")
    return found


def readout(client):
    """Return what a result logger sent of four averages of ten results, over the cable."""
    turning = np.exp(2j * np.pi * 0.02 * np.arange(LENGTH))
    elf, _ = zhinst.core.compile_seqc(READOUT, "SHFQC", "", 0, sequencer="qa")
    client.set(
        [
            (f"{QA}/mode", "readout"),
            (f"{QA}/centerfreq", 5e9),
            (f"{QA}/input/range", 0),
            (f"{QA}/output/range", 0),
            (f"{QA}/input/on", 1),
            (f"{QA}/output/on", 1),
            (f"{QA}/readout/integration/length", LENGTH),
            (f"{QA}/readout/integration/delay", 0.0),
            (f"{QA}/readout/result/length", 10),
            (f"{QA}/readout/result/averages", 4),
            (f"{QA}/readout/result/source", "result_of_integration"),
        ]
    )
    client.setVector(f"{QA}/generator/waveforms/0/wave", PULSE * turning)
    client.setVector(f"{QA}/readout/integration/weights/0/wave", np.conj(turning))
    client.setVector(f"{QA}/generator/elf/data", elf)
    result = f"{QA}/readout/result/data/0/wave"
    client.subscribe(result)
    client.sync()
    client.syncSetInt(f"{QA}/readout/result/enable", 1)
    client.syncSetInt(f"{QA}/generator/single", 1)
    client.syncSetInt(f"{QA}/generator/enable", 1)
    heard = polled(client, result).get(result, [])
    client.unsubscribe(result)
    return [record(entry) for entry in heard]


def record(entry):
    vector = np.asarray(entry["vector"], complex)
    return {
        "real": vector.real.tolist(),
        "imag": vector.imag.tolist(),
        "told": {
            name: float(value)
            for name, value in entry["properties"].items()
            if isinstance(value, int | float)
        },
    }


def records(client):
    client.connectDevice("dev12002", "1GbE")
    found = {}
    for name in ("qachannels/0/readout/result/data/0/wave", "scopes/0/channels/0/wave"):
        path = f"/dev12002/{name}"
        (entry,) = client.get(path, flat=True, settingsonly=False)[path]
        found[name.split("/")[0]] = record(entry)
    return found


def session(client, host, port):
    found = {"about": about(client), "instruments": instruments(client)}
    found |= {"lists": lists(client), "values": values(client), "vectors": vectors(client)}
    other = connected(host, port)
    found |= {"subscriptions": subscriptions(client, other), "errors": errors(client)}
    return found | {"programs": programs(client), "readout": readout(client)}


def main(host, port, what):
    words = {"allow_version_mismatch": True} if what == "anyway" else {}
    client = connected(host, int(port), **words)
    if isinstance(client, dict):
        return client
    match what:
        case "session":
            return session(client, host, int(port))
        case "records":
            return records(client)
    return about(client)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
