"""The page of claims names every file that assumes something, and every referee."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "what-a-twin-claims.md").read_text()
ROOMS = ("firmware_interfaces", "drivers", "sim_instruments", "control")
ASSUMING = sorted(
    file for room in ROOMS for file in (ROOT / room).rglob("*.py") if "ASSUMED" in file.read_text()
)
REFEREES = {
    "test_connect_lines": "`test_connect_lines.py`",
    "test_compiled_branches": "conditions of compiled programs",
    "test_compiled_programs": "compiled programs",
    "test_dilution_data_sheets": "`test_dilution_data_sheets.py`",
    "test_q1asm": "Q1 assembler",
    "test_q1simulator": "q1simulator",
    "test_q1simulator_differences": "where we differ, and why",
    "test_qblox_cluster_client": "qblox_instruments.Cluster",
    "test_qblox_linq_client": "messages between sequencers",
    "test_qblox_timing_client": "tags, trigger and time",
    "test_qblox_every_parameter": "every one of every kind of module and of each sequencer",
    "test_qblox_command_table": "every command that it can send is known",
    "test_qcodes_lakeshore_372": "Lake Shore 372",
    "test_lakeshore_372_client": "`test_lakeshore_372_client.py`",
    "test_qcodes_keysight_n5183b": "`test_qcodes_keysight_n5183b.py`",
    "test_qcodes_rohde_schwarz_znb20": "`test_qcodes_rohde_schwarz_znb20.py`",
    "test_qcodes_keysight_n5222b": "`test_qcodes_keysight_n5222b.py`",
    "test_qcodes_keysight_n9030b": "`test_qcodes_keysight_n9030b.py`",
    "test_qcodes_srs_sg384": "`test_qcodes_srs_sg384.py`",
    "test_qcodes_oxford": "Oxford Triton and Mercury iPS",
    "test_pfeiffer_published": "`test_pfeiffer_published.py`",
    "test_lakeshore_336_client": "`test_lakeshore_336_client.py`",
    "test_qcodes_rohde_schwarz_sgs100a": "R&S SGS100A",
    "test_qcodes_yokogawa_gs200": "Yokogawa GS200",
    "test_qcodes_qdevil_qdac2": "`test_qcodes_qdevil_qdac2.py`",
    "test_qcodes_qdevil_qdac2_examples": "`test_qcodes_qdevil_qdac2_examples.py`",
    "test_qcodes_qdevil_qdac2_units": "`test_qcodes_qdevil_qdac2_units.py`",
    "test_qcodes_qdevil_qswitch": "`test_qcodes_qdevil_qswitch.py`",
    "test_autosweep_dicon_gp600": "`test_autosweep_dicon_gp600.py`",
    "test_qcodes_keysight_33512b": "`test_qcodes_keysight_33512b.py`",
    "test_q1simulator_feedback": "`test_q1simulator_feedback.py`",
    "test_qblox_feedback_client": "`test_qblox_feedback_client.py`",
    "test_qblox_older_release_client": "`test_qblox_older_release_client.py`",
    "test_qblox_qrc_client": "`test_qblox_qrc_client.py`",
    "test_qblox_mixer_client": "`test_qblox_mixer_client.py`",
    "test_qblox_tag_feedback_client": "`test_qblox_tag_feedback_client.py`",
    "test_pyvcd": "pyvcd 0.5.1",
    "test_qutip": "QuTiP",
    "test_qutip_joint": "`test_qutip_joint.py`",
    "test_qutip_five_transmons": "`test_qutip_five_transmons.py`",
    "test_qutip_fluxonium_pair": "`test_qutip_fluxonium_pair.py`",
    "test_qutip_drive_crosstalk": "`test_qutip_drive_crosstalk.py`",
    "test_qutip_coupler_drive": "`test_qutip_coupler_drive.py`",
    "test_qutip_plasmon_drive": "`test_qutip_plasmon_drive.py`",
    "test_qutip_shelving": "`test_qutip_shelving.py`",
    "test_qutip_coherent_members": "`test_qutip_coherent_members.py`",
    "test_qutip_joint_sessions": "`test_qutip_joint_sessions.py`",
    "test_heralded_links": "`test_heralded_links.py`",
    "test_heralded_requests": "`test_heralded_requests.py`",
    "test_photon_coincidences": "`test_photon_coincidences.py`",
    "test_heralded_monte_carlo": "`test_heralded_monte_carlo.py`",
    "test_qutip_links": "`test_qutip_links.py`",
    "test_qutip_linked_gates": "`test_qutip_linked_gates.py`",
    "test_qutip_relays": "`test_qutip_relays.py`",
    "test_qutip_standing_modes": "`test_qutip_standing_modes.py`",
    "test_zurich_coupled_qubits": "`test_zurich_coupled_qubits.py`",
    "test_zurich_precompensation": "`test_zurich_precompensation.py`",
    "test_scqubits": "scqubits",
    "test_scqubits_devices": "`test_scqubits_devices.py`",
    "test_scqubits_fluxonium": "of transmons and fluxoniums | scqubits",
    "test_stim": "`test_stim.py`",
    "test_snmp_white_rabbit_switch": "White Rabbit switch",
    "test_srs_fs725_published": "SRS FS725",
    "test_bluefors_control_client": "`test_bluefors_control_client.py`",
    "test_bluefors_control_logs": "`test_bluefors_control_logs.py`",
    "test_nut_ups_client": "`test_nut_ups_client.py`",
    "test_nut_published": "`test_nut_published.py`",
    "test_nut_unit_tests": "`test_nut_unit_tests.py`",
    "test_message_faces_client": "`test_message_faces_client.py`",
    "test_cryomech_cpa_client": "`test_cryomech_cpa_client.py`",
    "test_snmp_hwgroup_poseidon2": "`test_snmp_hwgroup_poseidon2.py`",
    "test_smc_hrs100_client": "`test_smc_hrs100_client.py`",
    "test_bluefors_tc_client": "`test_bluefors_tc_client.py`",
    "test_qcodes_tektronix_awg": "`test_qcodes_tektronix_awg.py`",
    "test_zurich_core_client": "`zhinst.core.ziDAQServer` 26.7.2.5",
    "test_zurich_core_values": "results and scope records with their headers",
    "test_zurich_toolkit_client": "`zhinst.toolkit.Session` 1.4.0",
    "test_zurich_published_examples": "`test_zurich_published_examples.py`",
    "test_zurich_triggers_on_the_chip": "`test_zurich_triggers_on_the_chip.py`",
    "test_zurich_multistate": "`test_zurich_multistate.py`",
    "test_zurich_running_client": "`test_zurich_running_client.py`",
    "test_zurich_spectroscopy_on_the_chip": "`test_zurich_spectroscopy_on_the_chip.py`",
    "test_zurich_feedback_client": "`test_zurich_feedback_client.py`",
    "test_zurich_forwarding_client": "`test_zurich_forwarding_client.py`",
    "test_zurich_resets_on_the_chip": "`test_zurich_resets_on_the_chip.py`",
    "test_zurich_plays_on_the_chip": "`test_zurich_plays_on_the_chip.py`",
    "test_zurich_pqsc_client": "`test_zurich_pqsc_client.py`",
    "test_zurich_rack_on_the_chip": "`test_zurich_rack_on_the_chip.py`",
    "test_zurich_discovery_client": "`test_zurich_discovery_client.py`",
    "test_zurich_command_table": "`test_zurich_command_table.py`",
    "test_zurich_timing_models": "`test_zurich_timing_models.py`",
    "test_zurich_assembly": "`test_zurich_assembly.py`",
    "test_zurich_wave_memory": "`test_zurich_wave_memory.py`",
    "test_zurich_compiled_programs": "`test_zurich_compiled_programs.py`",
    "test_zurich_sequencer": "`test_zurich_sequencer.py`",
    "test_published_gates": "`test_published_gates.py`",
    "test_wrtd_published": "event messages of the timing plane",
}


@pytest.mark.parametrize("file", ASSUMING, ids=lambda file: file.name)
def test_a_file_that_assumes_something_is_named(file: Path):
    named = re.findall(r"`([\w/]*\.py)`", PAGE)
    assert any(str(file).endswith(f"/{name}") for name in named), file


def test_every_referee_is_named():
    tests = {file.stem for file in (ROOT / "tests" / "referees").glob("test_*.py")}
    assert tests == REFEREES.keys()
    for words in REFEREES.values():
        assert words in PAGE, words
