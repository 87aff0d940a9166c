"""Constants that the SI defines (2019): exact. SciPy has them too, at a twentieth of a second."""

Planck = 6.62607015e-34
"""J s."""
Boltzmann = 1.380649e-23
"""J/K."""
elementary_charge = 1.602176634e-19
"""C."""
