"""IEEE 488.2 and SCPI: program messages, headers, parameters, responses, status."""
