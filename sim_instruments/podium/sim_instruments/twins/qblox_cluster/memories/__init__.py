"""What a sequencer's memories hold: programs, waveforms, weights, acquisitions."""
