"""Cables from outputs of analysers back into their inputs."""
