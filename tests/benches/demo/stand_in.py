"""Stands in for ``podium twin ...`` and ``podium up``: same files, same answers, no physics.

``python stand_in.py HOW twin serve ...``: HOW is ``well``, or says which command misbehaves:
``serve-dies``, ``sample-refuses``, ``truth-refuses``. ``agent-PID``: well, and this process stands
for the agent of node_b.
"""

import json
import os
import signal
import sys
from pathlib import Path


def value(option: str) -> Path:
    return Path(sys.argv[sys.argv.index(option) + 1])


def main() -> int:
    how, *words = sys.argv[1:]
    match words[:2]:
        case ["twin", "sample"]:
            if how == "sample-refuses":
                print("podium twin: node_a has no chip", file=sys.stderr)
                return 1
            value("--out").write_text("seed: 1\n")
        case ["twin", "serve"]:
            if how == "serve-dies":
                print("podium twin: OSError: no address of 127.0.0.0/8 is free", file=sys.stderr)
                return 1
            stay(value("--endpoints"), {"instruments": {"a": {"model": "m", "host": "127.1.2.3"}}})
        case ["twin", "truth"]:
            if how == "truth-refuses":
                print("podium twin: no such file", file=sys.stderr)
                return 1
            names = [f"node_a.q{k}.t1" for k in range(3)]
            print(json.dumps({name: {"value": 33e-6, "unit": "s"} for name in names}))
        case ["twin", "time"]:
            print(json.dumps({"tai_s": 1.0, "since_start_s": 50.0, "running_s": 40.0}))
        case ["twin", "played"]:
            print(
                json.dumps({"instrument": "cluster_a", "connector": "slot4.marker2", "at_fs": []})
            )
        case ["up", _]:
            if how.startswith("agent-"):
                print(f"podium up: agent node_b is process {how[6:]}", flush=True)
            state = {"facility": words[1], "endpoints": None, "coordinator": "tcp/127.0.0.1:1"}
            stay(value("--state"), state)
    return 0


def stay(file: Path, content: object) -> None:
    """Note who we are, say that we are ready, and stay until told to go."""
    file.with_name(f"{file.name}.pid").write_text(str(os.getpid()))
    draft = file.with_name(f"{file.name}.draft")
    draft.write_text(json.dumps(content))
    draft.replace(file)
    signal.pause()


if __name__ == "__main__":
    sys.exit(main())
