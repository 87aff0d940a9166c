"""Facility files with instruments whose drivers are named in them."""

GS200 = """
    driver: qcodes.instrument_drivers.yokogawa.YokogawaGS200
    address: "TCPIP::192.168.0.4::7655::SOCKET"
    arguments: {timeout: 3, terminator: "\\n"}
    roles:
      FluxSource: {level: voltage, limit: 1.5 V, output: output, setup: {voltage_range: 10}}
"""


SGS100A = """
    driver: qcodes.instrument_drivers.rohde_schwarz.RohdeSchwarzSGS100A
    address: "TCPIP::192.168.0.5::5025::SOCKET"
    roles:
      MicrowaveSource:
        {frequency: frequency, power: power, output: status, modulated: IQ_state,
         lowest: 1 GHz, highest: 12 GHz, limit: 15 dBm}
"""


def entry_of(text: str, name: str) -> str:
    """Return the entry of an instrument as the example has it, without its name."""
    start = text.index(f"  {name}:") + len(name) + 3
    end = start
    for line in text[start:].splitlines(keepends=True):
        if end > start and line.strip() and not line.startswith("    "):
            break
        end += len(line)
    return text[start:end]
