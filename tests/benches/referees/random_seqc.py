"""Random SeqC, and what it should play: an interpreter of the program's tree, not of its words.

Values are kept small, so that the compiler's comparisons by subtraction mean what C means.
"""

from dataclasses import dataclass, field

import numpy as np

WAVES = {
    "w0": ("gauss(512, 1.0, 256, 60)", 512),
    "w1": ("drag(640, 0.7, 320, 80)", 640),
    "w2": ("rect(1024, -0.4)", 1024),
    "w3": ("sine(512, 0.9, 0.3, 7)", 512),
}
TABLE = {0: ("w0", 512), 1: ("zero", 576), 2: ("w2", 1024), 3: ("w2", 512)}
"""Index: what the table of the programs plays, and how much of it."""
USER_REGISTERS = (3, 0, 41, 1999, 5, 6, 7, 8)


@dataclass
class Told:
    """What a program should do."""

    plays: list[tuple[str, int]] = field(default_factory=list)
    triggers: list[tuple[int, int]] = field(default_factory=list)
    """Value, and how many plays came before."""
    registers: dict[int, int] = field(default_factory=dict)


class Writer:
    """Writes a program and carries it out, statement by statement, from one source of chance.

    A statement is a pair: its text, and a function that does it to the variables.
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.Generator(np.random.Philox(seed))
        self.counters = 0

    def pick(self, *things):
        return things[self.random.integers(len(things))]

    def number(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def value(self):
        if self.random.random() < 0.35:
            n = self.pick(0, 1, 2, 3, 7, 100, 0x7FF, self.number(0, 2000))
            return str(n), lambda v, n=n: n
        name = self.pick("a", "b", "c")
        return name, lambda v: v[name]

    def variable(self):
        name = self.pick("a", "b", "c")
        return name, lambda v: v[name]

    def expression(self):
        left, f = self.variable()
        kind = self.pick("binary", "binary", "shift", "times", "unary", "compare")
        if kind == "shift":
            n = self.number(1, 5)
            op = self.pick("<<", ">>")
            return f"({left} & 2047) {op} {n}", (
                (lambda v: (f(v) & 2047) << n) if op == "<<" else (lambda v: (f(v) & 2047) >> n)
            )
        if kind == "times":
            n = self.number(2, 9)
            return f"({left} & 2047) * {n}", lambda v: (f(v) & 2047) * n
        if kind == "unary":
            op = self.pick("~", "-", "!")
            act = {"~": lambda x: ~x, "-": lambda x: -x, "!": lambda x: int(x == 0)}[op]
            return f"{op}{left}", lambda v: act(f(v))
        right, g = self.value()
        if kind == "compare":
            return self.comparison(left, f, right, g)
        op = self.pick("+", "-", "&", "|")
        act = {
            "+": lambda x, y: x + y,
            "-": lambda x, y: x - y,
            "&": lambda x, y: x & y,
            "|": lambda x, y: x | y,
        }[op]
        return f"{left} {op} {right}", lambda v: act(f(v), g(v))

    def comparison(self, left, f, right, g):
        op = self.pick("<", ">", "<=", ">=", "==", "!=")
        act = {
            "<": lambda x, y: x < y,
            ">": lambda x, y: x > y,
            "<=": lambda x, y: x <= y,
            ">=": lambda x, y: x >= y,
            "==": lambda x, y: x == y,
            "!=": lambda x, y: x != y,
        }[op]
        return f"{left} {op} {right}", lambda v: int(act(f(v), g(v)))

    def condition(self):
        left, f = self.variable()
        right, g = self.value()
        text, test = self.comparison(left, f, right, g)
        if self.random.random() < 0.3:
            name, h = self.variable()
            op = self.pick("&&", "||")
            if op == "&&":
                return f"{text} && {name}", lambda v: test(v) and h(v) != 0
            return f"{text} || {name}", lambda v: test(v) or h(v) != 0
        return text, test

    def play(self):
        kind = self.pick("zero", "wave", "wave", "pair", "hold", "table", "index", "length")
        if kind in ("zero", "hold"):
            n = 16 * self.number(32, 128)
            return f"play{kind.title()}({n});", lambda v, told: told.plays.append((kind, n))
        if kind == "wave":
            name = self.pick(*WAVES)
            way = self.pick("", "1, 2, ", "2, ")
            return f"playWave({way}{name});", lambda v, told: told.plays.append(
                (name, WAVES[name][1])
            )
        if kind == "pair":
            name, other = self.pick("w0", "w3"), self.pick("w0", "w3")
            return f"playWave({name}, {other});", lambda v, told: told.plays.append(
                (f"{name}+{other}", 512)
            )
        if kind == "length":
            name, f = self.variable()
            return f"playZero(({name} & 240) + 512);", lambda v, told: told.plays.append(
                ("zero", (f(v) & 240) + 512)
            )
        if kind == "table":
            index = self.pick(*TABLE)
            return f"executeTableEntry({index});", lambda v, told: told.plays.append(TABLE[index])
        name, f = self.variable()
        return f"executeTableEntry({name} & 3);", lambda v, told: told.plays.append(TABLE[f(v) & 3])

    def statement(self, depth: int):
        kinds = ["play"] * 6 + ["assign"] * 3 + ["register", "trigger"]
        if depth:
            kinds += ["repeat", "for", "while", "if", "if", "do"]
        match self.pick(*kinds):
            case "play":
                return self.play()
            case "assign":
                name = self.pick("a", "b", "c")
                text, f = self.expression()

                def assign(v, told):
                    v[name] = f(v) & 2047

                return f"{name} = ({text}) & 2047;", assign
            case "register":
                n = self.number(8, 15)
                name, f = self.variable()

                def register(v, told):
                    told.registers[n] = f(v)

                return f"setUserReg({n}, {name});", register
            case "trigger":
                n = self.number(0, 3)
                return f"setTrigger({n});", lambda v, told: told.triggers.append(
                    (n, len(told.plays))
                )
            case "repeat":
                n = self.number(1, 3)
                text, do = self.block(depth - 1)

                def repeat(v, told):
                    for _ in range(n):
                        do(v, told)

                return f"repeat ({n}) {{ {text} }}", repeat
            case "for":
                n = self.number(0, 3)
                self.counters += 1
                i = f"i{self.counters}"
                text, do = self.block(depth - 1)

                def count(v, told):
                    for _ in range(n):
                        do(v, told)

                return f"var {i}; for ({i} = 0; {i} < {n}; {i}++) {{ {text} }}", count
            case "while" | "do" as kind:
                # Its own counter: the body may do what it wants to the others.
                self.counters += 1
                i, n, step = f"i{self.counters}", self.number(0, 5), self.number(1, 3)
                text, do = self.block(depth - 1)

                def loop(v, told):
                    left = n
                    if kind == "do":
                        left -= step
                        do(v, told)
                    while left > 0:
                        left -= step
                        do(v, told)

                body = f"{{ {i} -= {step}; {text} }}"
                if kind == "do":
                    return f"var {i} = {n}; do {body} while ({i} > 0);", loop
                return f"var {i} = {n}; while ({i} > 0) {body}", loop
            case _:
                test, f = self.condition()
                yes, do = self.block(depth - 1)
                if self.random.random() < 0.5:
                    no, instead = self.block(depth - 1)

                    def either(v, told):
                        (do if f(v) else instead)(v, told)

                    return f"if ({test}) {{ {yes} }} else {{ {no} }}", either

                def only(v, told):
                    if f(v):
                        do(v, told)

                return f"if ({test}) {{ {yes} }}", only

    def block(self, depth: int):
        """Statements, a play after each few of them: nothing may take longer than what plays."""
        parts = []
        for _ in range(self.number(1, 3)):
            parts.append(self.statement(depth))
            parts.append(self.play())
        text = " ".join(part[0] for part in parts)

        def do(v, told):
            for _, act in parts:
                act(v, told)

        return text, do


def random_program(seed: int) -> tuple[str, Told]:
    """Return a program, and what it should do with :data:`USER_REGISTERS`."""
    writer = Writer(seed)
    parts = [writer.statement(2) for _ in range(writer.number(3, 8))]
    start = "".join(f"wave {name} = {made};\n" for name, (made, _) in WAVES.items())
    start += "assignWaveIndex(1, 2, w0, 0); assignWaveIndex(1, 2, w2, 1);\n"
    start += "var a = getUserReg(0); var b = getUserReg(2); var c = 17;\n"
    told = Told()
    values = {"a": USER_REGISTERS[0], "b": USER_REGISTERS[2], "c": 17}
    for _, act in parts:
        act(values, told)
    return start + "\n".join(text for text, _ in parts), told
