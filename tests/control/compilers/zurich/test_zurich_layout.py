from podium.control.compilers.zurich.layout import WaveStretch, stretches


def test_a_pulse_is_padded_to_16_samples_and_32_at_least() -> None:
    assert stretches([5], [8], 0, 320) == [WaveStretch(0, 32, (0,))]
    assert stretches([100], [80], 0, 320) == [WaveStretch(96, 192, (0,))]


def test_pulses_that_share_a_grain_are_one_waveform_and_others_are_not() -> None:
    assert stretches([0, 40], [40, 40], 0, 320) == [WaveStretch(0, 80, (0, 1))]
    assert stretches([48, 0], [48, 48], 0, 320) == [
        WaveStretch(0, 48, (1,)),
        WaveStretch(48, 96, (0,)),
    ]


def test_a_gap_of_16_samples_becomes_part_of_a_waveform() -> None:
    assert stretches([0, 64], [48, 48], 0, 320) == [
        WaveStretch(0, 64, (0,)),
        WaveStretch(64, 112, (1,)),
    ]
    assert stretches([16], [48], 0, 320) == [WaveStretch(0, 64, (0,))]
    assert stretches([0], [48], 0, 64) == [WaveStretch(0, 64, (0,))]
