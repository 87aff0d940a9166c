"""The calibration routines, one file each: a program, its data, a fit, parameters."""
