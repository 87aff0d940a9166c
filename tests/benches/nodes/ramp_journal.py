"""The channel whose ramps are kept in a journal."""

from podium.control.agent.ramp_journal import RampIntent

Q0 = RampIntent("node_a.q0.flux", "bias_q0", "TCPIP::1", "YOKOGAWA GS210 1", 0.0, 0.4, 0.5, "ada")
