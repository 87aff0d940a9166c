"""Looks at the world through the scope of a device."""

WAVE = "scopes/0/channels/0/wave"


def listen(bench, **nodes):
    bench.set("scopes/0/length", 64)
    bench.set("scopes/0/trigger/channel", 64)
    bench.set("scopes/0/trigger/enable", 1)
    bench.set("scopes/0/channels/0/enable", 1)
    for node, value in nodes.items():
        bench.set(f"scopes/0/{node.replace('_', '/')}", value)
    bench.set("scopes/0/enable", 1)
