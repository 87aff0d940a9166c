"""What a lab does with qblox-instruments, whichever release it is. Runs in its environment.

    python client_qblox.py HOST

Nothing here knows of simulated instruments. HOST is a Qblox cluster: a QRM-RF in slot 2 on a
feedline, a QCM-RF in slot 4. The last line that is printed is JSON: what was found.
"""

import json
import sys
import warnings

import numpy as np
from qblox_instruments import Cluster

PROGRAM = """
        move 0,R0
        set_mrk 15
        upd_param 4
shot:   wait_sync 4
        reset_ph
        play 0,1,4
        acquire 0,R0,4
        acquire_weighed 1,0,0,1,2000
        wait 20000
        add R0,1,R0
        nop
        jlt R0,10,@shot
        stop
"""
WRONG = "play 0,1\nstop\n"
NEWER = "move 3,R0\nshot: sub R0,1,R0\njnz @shot\nstop\n"
SLOW, SHOTS, WINDOW = "move 30,R1\na: wait 10000\nloop R1,@a\nstop\n", 10, 400


def refused(call) -> str:
    """Return what a call complains of; empty where it does not."""
    try:
        call()
    except Exception as error:
        return " ".join(map(str, (error, *getattr(error, "exceptions", ()))))
    return ""


def sequence(program: str, **parts: dict) -> dict:
    return {"waveforms": {}, "weights": {}, "acquisitions": {}, "program": program} | parts


def main(host: str) -> dict:
    """Connect, load, run, fetch, and ask for what is wrong."""
    warnings.simplefilter("ignore")
    cluster = Cluster("cluster", host)
    cluster.reset()
    readout, drive = cluster.module2, cluster.module4
    found: dict = {
        "firmware": cluster.get_idn()["firmware"]["application"]["version"],
        "driver": cluster.get_idn()["firmware"]["driver"]["version"],
        "slots": [module.slot_idx for module in cluster.modules if module.present()],
        "types": [readout.module_type.name, drive.module_type.name],
        "rf": [readout.is_rf_type, drive.is_rf_type],
        "system": cluster.get_system_status().status.name,
    }
    readout.out0_in0_lo_freq(7.16e9)
    readout.out0_att(20)
    for module in (readout, drive):
        module.disconnect_outputs()
    readout.disconnect_inputs()
    first = readout.sequencer0
    first.connect_sequencer("io0")
    first.nco_freq(90e6)
    first.mod_en_awg(True)
    first.demod_en_acq(True)
    first.integration_length_acq(WINDOW)
    first.sync_en(True)
    found["nco_hz"] = first.nco_freq()
    wave = 0.3 * np.sin(np.linspace(0, 3, 1000))
    weight = np.linspace(0, 1, WINDOW)
    first.sequence(
        sequence(
            PROGRAM,
            waveforms={
                "sine": {"data": wave.tolist(), "index": 0},
                "flat": {"data": [0.2] * 1000, "index": 1},
            },
            weights={
                "ramp": {"data": weight.tolist(), "index": 0},
                "one": {"data": [1.0] * WINDOW, "index": 1},
            },
            acquisitions={
                "shots": {"num_bins": SHOTS, "index": 0},
                "weighed": {"num_bins": 1, "index": 1},
            },
        )
    )
    held = readout.get_waveforms(0)["sine"]["data"]
    found["wave_off"] = float(np.max(np.abs(np.asarray(held) - wave)))
    readout.scope_acq_sequencer_select(0)
    readout.scope_acq_trigger_mode_path0("sequencer")
    readout.scope_acq_trigger_mode_path1("sequencer")
    readout.arm_sequencer(0)
    found["armed"] = readout.get_sequencer_status(0).state.name
    readout.start_sequencer(0)
    status = readout.get_sequencer_status(0, timeout=1)
    found["ended"] = [status.status.name, status.state.name]
    readout.get_acquisition_status(0, timeout=1)
    readout.store_scope_acquisition(0, "shots")
    taken = readout.get_acquisitions(0)
    bins = taken["shots"]["acquisition"]["bins"]
    each = np.asarray(bins["integration"]["path0"]) + 1j * np.asarray(bins["integration"]["path1"])
    found["counts"] = list(map(int, bins["avg_cnt"]))
    found["heard"] = float(np.mean(np.abs(each)) / WINDOW)
    found["weighed"] = list(map(int, taken["weighed"]["acquisition"]["bins"]["avg_cnt"]))
    scope = taken["shots"]["acquisition"]["scope"]["path0"]["data"]
    found["scope"] = [len(scope), float(np.max(np.abs(scope)))]
    readout.delete_acquisition_data(0, all=True)
    after = readout.get_acquisitions(0)["shots"]["acquisition"]["bins"]
    found["forgotten"] = not any(map(int, np.nan_to_num(after["avg_cnt"])))
    second = drive.sequencer0

    def run(program: str) -> None:
        second.sequence(sequence(program))
        drive.arm_sequencer(0)
        drive.start_sequencer(0)

    for name, program in (("wrong", WRONG), ("newer", NEWER)):
        found[f"{name}_program"] = refused(lambda program=program: run(program))
        found[f"{name}_assembled"] = bool(drive.get_assembler_status())
        found[f"{name}_log"] = drive.get_assembler_log()
    run(SLOW)
    found["slow"] = drive.get_sequencer_status(0, timeout=1).state.name
    found["wrong_level"] = refused(lambda: readout.out0_att(21.5))
    found["parameters"] = len(first.snapshot(update=True)["parameters"])
    cluster.close()
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
