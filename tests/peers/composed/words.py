"""Words of every script that Unicode names, and what people and attackers put between them."""
import collections
import unicodedata

BREAKS = ["\r\n", "\n", "\r", "\0", "\t", "\x0b", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u00a0", "\u3000", "  "]

SNIPPETS = ["\r\nBcc: mallory@example.net\r\n\r\n", "\nSubject: other", "\r\n.\r\n", "\r.\r", "\n.\n", "=?utf-8?q?x?=",
            "=?utf-8?b?4piD", "?=", "=\r\n", "=3D", "--=_courant_alternative--", "\r\n--=_courant_alternative\r\n",
            "From here on", "DKIM-Signature: v=1; a=rsa-sha256", "J. R. \"Bob\" Dobbs", "a,b;c<d>@e:f", "(comment)", "\\",
            "\"", "\\\"", "<", ">", "&nbsp;", "<script>alert(1)</script>", "{{ title }}", "{% raw %}", "%s%n", "'; DROP TABLE",
            "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\ufffe", "\U0010ffff", "\ufffd", "\uf8ffunsubscribe\uf8ff",
            "👩‍👩‍👧‍👦", "🏳️‍🌈", "e\u0301\u0323\u0327", "Z̷̖̎ä̶̲l̴̰̈g̵̬̈o̷͙͌", "ﷺ", "𒐫", "x" * 1200, "é" * 90, "字" * 120, "😀" * 60,
            "https://example.org/" + "a" * 1000, ".", "..", "-- ", "\t\ttabs\t ", " trailing   "]


def scripts():
    """Letters and marks, by the first word of their names: ARABIC, CJK, DEVANAGARI and so on."""
    found = collections.defaultdict(list)
    for code in range(0xA0, 0x32000):
        letter = chr(code)
        if unicodedata.category(letter)[0] in "LM":
            found[unicodedata.name(letter, "OTHER").split()[0]].append(letter)
    found["ASCII"] = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return dict(found)


class Words:
    """Makes up text; the same `random` makes up the same."""

    def __init__(self, random):
        self.random = random
        self.scripts = scripts()
        self.turns = sorted(self.scripts)
        random.shuffle(self.turns)
        self.used = set()

    def script(self):
        """The next script in turn, so that few texts use all of them."""
        name = self.turns[len(self.used) % len(self.turns)] if len(self.used) < len(self.turns) else self.random.choice(self.turns)
        self.used.add(name)
        return self.scripts[name]

    def words(self, most):
        letters = self.script()
        word = lambda: "".join(self.random.choices(letters, k=self.random.randint(1, 14)))
        return [word() for _ in range(self.random.randint(1, most))]

    def line(self, most=12):
        """Some words; in half of the lines with something hostile among them."""
        parts = self.words(most)
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 3])):
            parts.insert(self.random.randint(0, len(parts)), self.random.choice(SNIPPETS + BREAKS))
        return self.random.choice([" ", " ", " ", ""]).join(parts)

    def text(self):
        """Lines that end in every way a line can."""
        ends = ["\n", "\n", "\n\n", "\r\n", "\r", "   \n", "\t\n"]
        return "".join(self.line(30) + self.random.choice(ends) for _ in range(self.random.randint(0, 9)))

    def name(self):
        """What a name may be called: nothing, or a line."""
        return self.random.choice(["", self.line(3), self.line(3), self.line(20)])

    def address(self, n):
        """An address of its own, with what a local part may hold."""
        start = self.random.choice(["reader", "o'hara", "!#$%&'*+-/=?^_`{|}~", "a.b.c", "X" * 50, "x--"])
        host = self.random.choice(["people.example", "bücher.example", "例え.テスト.example", "a" * 60 + ".example"])
        return f"{start}{n}@{host}"
