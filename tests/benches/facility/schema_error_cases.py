"""Mistakes in the form of a facility file, and what is said of each."""

Q0_F01 = "f01: {value: 6.02 GHz, spread: 40 MHz, assumed: true}"


Q0_FLUX = "node_a.q0.flux: {source: bias_q0, limit: 1.2 V, slew: 0.5 V/s}"


CASES = [
    (
        "an unknown key",
        "cold_below: 30 mK",
        "cold_blow: 30 mK",
        "cold_blow",
        "'cold_blow' is not known here; did you mean 'cold_below'?",
    ),
    (
        "a missing key",
        ", cold_below: 30 mK",
        "",
        "fridge_a:",
        "'cold_below' is missing",
    ),
    ("an unknown section", "wiring:\n", "wirring:\n", "wirring", "did you mean 'wiring'?"),
    ("no name", "facility: first_light", "", "", "'facility' is missing"),
    ("a missing unit", "limit: 1.2 V", "limit: 1.2", "1.2,", "1.2 has no unit; a voltage"),
    (
        "a wrong unit",
        Q0_FLUX,
        Q0_FLUX.replace("1.2 V", "1.2 A"),
        "1.2 A",
        "'1.2 A' is a current; a voltage is wanted, written like '1.2 V'",
    ),
    (
        "a unit in small letters",
        Q0_F01,
        Q0_F01.replace("6.02 GHz", "6.02 ghz"),
        "6.02 ghz",
        "did you mean '6.02 GHz'?",
    ),
    (
        "a bare quantity in a wrong unit",
        Q0_F01,
        "f01: 6 V",
        "6 V",
        "nodes > node_a > qubits > q0 > design > f01: '6 V' is a voltage; a frequency is wanted",
    ),
    (
        "a spread below zero",
        Q0_F01,
        Q0_F01.replace("40 MHz", "-40 MHz"),
        "-40 MHz",
        "'-40 MHz': it must not be negative",
    ),
    ("a key of a design value", Q0_F01, "f01: {vaule: 6 GHz}", "vaule", "mean 'value'?"),
    (
        "an unknown design value",
        Q0_F01,
        f"{Q0_F01}\n          f10: 6 GHz",
        "f10: 6",
        "'f10' is not known here; did you mean 'f01'?",
    ),
    ("a kind of node", "kind: digital", "kind: digitl", "digitl", "'digital' or 'analog'"),
    ("a list for a word", "device: krinner2022", "device: [a]", "[a]", "not a list"),
    ("a word for a list", "feedline: [q0, q1, q2]", "feedline: q0", "q0\n", "a list ([a, b])"),
    (
        "a word for a mapping",
        "fridge_a: {thermometer: thermometry_a.mixing_chamber, cold_below: 30 mK}",
        "fridge_a: cold",
        "cold\n",
        "a mapping (name: value) is wanted here, not 'cold'",
    ),
    ("a truth that is none", Q0_F01, Q0_F01.replace("true", "ja"), "ja}", "true or false"),
    (
        "a name that cannot be",
        "  house: {",
        "  House-1: {",
        "House-1",
        "'House-1' cannot be a name: small letters",
    ),
    (
        "one name for two owners",
        "clocks:\n  house:",
        "clocks:\n  fridge_a: {source: cluster_a}\n  house:",
        "fridge_a: {thermometer",
        "'fridge_a' is also a name in 'clocks' (line of fridge_a: {source)",
    ),
    ("a tab", "  house: {", "\thouse: {", "\thouse", "a tab stands in the indentation"),
    (
        "a duplicate key",
        "clock: house",
        "clock: house\n    kind: analog",
        "kind: analog",
        "'kind' is given twice; the first stands in line",
    ),
    (
        "an open bracket",
        "feedline: [q0, q1, q2]",
        "feedline: [q0, q1, q2",
        ":\n      q0:",
        "expected ',' or ']'",
    ),
    (
        "a tag",
        "model: yokogawa_gs200",
        "model: !other yokogawa_gs200",
        "!other",
        "tags like '!other' have no meaning here",
    ),
    (
        "an alias in itself",
        "[q0, q1, q2]",
        "&a [q0, q1, q2, *a]",
        "&a",
        "an alias (*) stands inside its own anchor (&)",
    ),
    (
        "a key that is no word",
        "clock: house",
        "clock: house\n    1.5: x",
        "1.5",
        "a key is a word or a whole number",
    ),
    ("a control character", "krinner2022", "krinner\x01", "\x01", "is not allowed in YAML"),
]
