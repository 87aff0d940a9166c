"""The wire of a Qblox cluster: framing, commands, payloads, limits, its assembly language."""
