"""The models that Podium brings along, by kind of instrument."""
