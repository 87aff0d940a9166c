"""Memories of a sequencer hold programs, waveforms, weights and acquisitions."""
