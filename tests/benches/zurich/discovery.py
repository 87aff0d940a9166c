"""The question by which a client looks for a data server."""

# As zhinst.core 26.7.2 sends it to 127.0.0.1, ports 8017, 8018 and 8019.
QUESTION = (
    b'{"request":"zi-discovery-request","version":"3",'
    b'"id":"vm-5897301b-a3b5-4cf0-acd9-6cc8d0c96e00","servers":[]}'
)
