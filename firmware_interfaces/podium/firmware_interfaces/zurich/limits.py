"""What a facility file may say of a Zurich Instruments data server and its instruments."""

TCP_PORT = 8004
"""The data server's usual port."""
SERIAL_MAX = 99_999
"""Serial numbers have up to five digits: ``dev12000``."""
DEVICE_MODELS = ("SHFQC", "SHFSG4", "SHFSG8", "SHFQA2", "SHFQA4", "HDAWG4", "HDAWG8", "PQSC")
"""What ``features/devtype`` says of the instruments that there are nodes of here."""
