"""A facility with one qubit, to draw worlds for."""

from pathlib import Path

FACILITY = """
facility: small
fridges: {cold: {thermometer: thermo.mixing_chamber, cold_below: 30 mK}}
instruments:
  box: {model: qblox_cluster, modules: {2: QRM-RF, 4: QCM-RF}}
  thermo: {model: lakeshore_372, channels: {6: mixing_chamber}}
nodes:
  n:
    kind: digital
    chip: {device: krinner2022, source: a paper}
    feedlines: {line: [a]}
    qubits:
      a:
        kind: transmon
        design:
          f01: {value: 6 GHz, spread: 40 MHz, source: "a paper, table 1"}
          anharmonicity: -175 MHz
          readout_frequency: {value: 7.2 GHz, assumed: true}
          kappa: 4 MHz
          chi: -1.2 MHz
          t1: {value: 33 us, spread: 7 us}
          t2_echo: {value: 40 us, spread: 7 us}
          t2_ramsey: {value: 27 us, spread: 5 us}
          rabi_frequency: 40 MHz
          flux_period: 1.5 V
          flux_offset: {value: 0 V, spread: 0.1 V}
          asymmetry: 0.4
wiring:
  n.line:
    output: box.slot2.out0
    line_attenuation: 66 dB
    line_gain: 70 dB
    noise_temperature: 2 K
    delay: {value: 150 ns, spread: 20 ns}
  n.a.drive: {output: box.slot4.out0, output_attenuation: 20 dB, line_attenuation: 60 dB}
"""


def facility(tmp_path: Path, text: str = FACILITY) -> Path:
    path = tmp_path / "facility.yaml"
    path.write_text(text)
    return path
