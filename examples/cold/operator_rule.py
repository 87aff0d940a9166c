"""Operates the fridge of this example by a check list, for ``podium scenario run NAME --rule``.

It reads the fridge's control software over HTTP and the resistance bridge over its socket, as a
person's own script would, and sets what it may set there. What only hands can do (have water,
mains or a pump put right) it asks of :class:`Desk`. It knows how the fridge stands in usual
operation, and puts back what does not stand so; it knows no incident.
"""

import json
from urllib.error import URLError
from urllib.request import Request, urlopen

BF, CPA = "mapper.bf", "driver.cpa"
STILL = "driver.bftc.data.heaters.heater_3"
OPEN = {"v1", "v3", "v4", "v5", "v6", "v9", "v10"}
SHUT = {"v2", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22"}
LITTLE_MMOL_S = 0.3
"""Less circulation than half of the usual."""
STILL_W = 0.012
LEAK_BAR = 1e-9
"""In the vacuum can; 1e-14 bar are usual."""
ANSWER_S = 5.0


def act(desk):
    """Go through the check list once."""
    # By the fridge's own temperatures and the bridge it is seen whether boxes can be believed.
    try:
        said = desk.send("thermometry_a", "RANGE? 0")
        if said.strip() != "0":
            desk.send("thermometry_a", "RANGE 0,0")  # nobody measures at three in the morning
    except ValueError:
        desk.do("thaw", "thermometry_a")
    seen = read(desk)
    if seen(f"{CPA}.compressor_running_status") == 0:
        start_compressor(desk, seen)
        return
    put_back(desk, seen)
    look_after_flow(desk, seen)
    look_after_can(desk, seen)


def start_compressor(desk, seen):
    """Have its cause put right once, open the water, and start it until it runs."""
    if not desk.memory.get("called"):
        desk.memory["called"] = True
        desk.do("repair", "fridge_a")
        desk.operate("fridge_a", "water.on", 1.0)
    write(desk, {f"{BF}.pulsetube": 1})


def put_back(desk, seen):
    """Put valves and pumps back as they stand in usual operation; the traps have their own."""
    wrong = {f"{BF}.valves.{v}": 1 for v in sorted(OPEN) if seen(f"{BF}.valves.{v}") == 0}
    if not desk.memory.get("pumping"):
        wrong |= {f"{BF}.valves.{v}": 0 for v in sorted(SHUT) if seen(f"{BF}.valves.{v}") == 1}
    if seen(f"{BF}.pumps.turbo1") == 0:
        desk.do("repair", "fridge_a")
    wrong |= {f"{BF}.pumps.{p}": 1 for p in ("scroll1", "turbo1") if seen(f"{BF}.pumps.{p}") == 0}
    if wrong:
        write(desk, wrong)


def look_after_flow(desk, seen):
    """Take the second trap where the first does not let through; heat a still that is too cold."""
    if seen(f"{BF}.flow") >= LITTLE_MMOL_S:
        return
    if seen(f"{BF}.pressures.p3") > 1.2 and seen(f"{BF}.valves.v7") == 0:
        write(desk, {f"{BF}.valves.v7": 1, f"{BF}.valves.v8": 1})
    if seen(f"{BF}.temperatures.tstill") < 0.65:
        write(desk, {f"{STILL}.power": STILL_W, f"{STILL}.active": 1, f"{STILL}.write": None})


def look_after_can(desk, seen):
    """Have a leak closed, and pump the can."""
    leaks = seen(f"{BF}.pressures.p1") > LEAK_BAR
    if leaks and not desk.memory.get("pumping"):
        desk.memory["pumping"] = True
        desk.do("repair", "fridge_a")
        write(desk, {f"{BF}.pumps.scroll2": 1, f"{BF}.pumps.turbo2": 1, f"{BF}.valves.v14": 1})
    elif not leaks and desk.memory.pop("pumping", False):
        write(desk, {f"{BF}.valves.v14": 0})


def read(desk):
    """Return what looks a value up that the software shows now."""
    with urlopen(f"{address(desk)}/values/?recursion=-1", timeout=ANSWER_S) as answer:
        data = json.load(answer)["data"]
    return lambda path: float(data[path]["content"]["latest_value"]["value"] or "nan")


def write(desk, values):
    """Set values by their paths; None calls a method."""
    content = {
        path: {"content": {"call": 1} if value is None else {"value": str(value)}}
        for path, value in values.items()
    }
    body = json.dumps({"data": content}).encode()
    try:
        with urlopen(Request(f"{address(desk)}/values/", body), timeout=ANSWER_S):
            pass
    except URLError as error:
        desk.note(f"refused: {error}")
        return
    desk.note(", ".join(f"{path} = {value}" for path, value in values.items()))


def address(desk):
    """Return where the control software listens."""
    box = desk.instruments["control_a"]
    return f"http://{box['host']}:{box['ports']['http']}"
