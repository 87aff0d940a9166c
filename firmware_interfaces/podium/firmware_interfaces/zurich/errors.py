"""Errors in what a peer of the data server sends."""


class ProtocolError(ValueError):
    """The peer broke the rules of the wire: close its connection, and no other."""
