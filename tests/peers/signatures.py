"""Made-up messages of every script, with hostile names, titles and texts: Python's email and mail-parser
read each as it was meant, dkimpy and opendkim verify each signature, and neither does once a signed
field or the body is changed, or a field of a sealed name is added.

usage: signatures.py COURANT    (HEAVY=1 in the environment: 10,000 messages instead of 80; SEED=n)
"""
import base64
import os
import pathlib
import random
import sys
import tempfile
import time

from composed.changes import all_changes
from composed.mailing import Installation
from composed.readers import faults
from composed.verifiers import Dkimpy, Opendkim
from composed.words import Words

COURANT = os.path.abspath(sys.argv[1])
HEAVY = os.environ.get("HEAVY") == "1"
SEED = int(os.environ.get("SEED", "5"))
DIGESTS, PEOPLE = (200, 50) if HEAVY else (8, 10)
# One of so many messages is changed in every way, each other one in one way.
WHOLLY = 100 if HEAVY else 16


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        sys.exit(1)


class Tally:
    """What was tried so far, and what went wrong."""

    def __init__(self):
        self.messages = self.changes = 0
        self.faults, self.refused, self.passed = [], [], []

    def add(self, messages, reading, verifiers, chance):
        """Judges messages as they are and, each in one way and some in every way, changed."""
        changes = []
        for message in messages:
            self.faults += reading(message)
            ways = all_changes(message, chance)
            changes += ways if self.messages % WHOLLY == 0 else [chance.choice(ways)]
            self.messages += 1
        self.changes += len(changes)
        for verifier in verifiers:
            good = verifier.verdicts(messages)
            bad = verifier.verdicts([message for _, message in changes])
            self.refused += [verifier.name for verdict in good if verdict != [True, True]]
            self.passed += [(verifier.name, what) for (what, _), verdict in zip(changes, bad) if any(verdict)]


def main(root):
    begun = time.monotonic()
    chance = random.Random(SEED)
    words = Words(chance)
    installation = Installation(COURANT, root, words)
    records = installation.records
    check(len(records) == 2, f"two keys made, and their records shown (SEED={SEED})")
    verifiers = [Dkimpy(records), Opendkim(records, root / "opendkim")]
    tally = Tally()
    for n in range(DIGESTS):
        mailing = installation.mail(n, PEOPLE)
        tally.add(mailing.messages, lambda message: faults(message, mailing), verifiers, chance)

    check(tally.messages == DIGESTS * PEOPLE, f"{tally.messages} messages of {DIGESTS} digests, in {len(words.used)} of {len(words.scripts)} scripts")
    check(not tally.faults, f"Python's email and mail-parser read each as it was meant, all within the limits {tally.faults[:9] or str()}".strip())
    check(not tally.refused, f"dkimpy and opendkim verify both signatures of each {tally.refused[:9] or str()}".strip())
    check(tally.changes > tally.messages and not tally.passed, f"{tally.changes} changed messages, none verifies for either {tally.passed[:9] or str()}".strip())
    one = mailing.messages[0]
    tags = one.split(b"\r\nFrom:")[0]
    check(b" l=" not in tags and b" x=" not in tags and tags.count(b" t=") == 2, "t= stands, l= and x= do not")
    others = {name: record.replace("p=", "p=" + base64.b64encode(b"x" * 3).decode()) for name, record in records.items()}
    check(not any(Dkimpy(others).of_one(one)), "nor does one with other keys in DNS")
    print(f"        {time.monotonic() - begun:.0f} s")


with tempfile.TemporaryDirectory(prefix="courant-dkim-") as folder:
    main(pathlib.Path(folder))
