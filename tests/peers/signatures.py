"""Made-up messages of every script, with hostile names, titles and texts: Python's email and mail-parser
read each as it was meant, dkimpy and opendkim verify each signature, and neither does once a signed
field or the body is changed, or a field of a sealed name is added.

usage: signatures.py COURANT    (HEAVY=1 in the environment: 10,000 messages instead of 80; SEED=n)
"""
import base64
import concurrent.futures
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
WHOLLY = 250 if HEAVY else 16


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        sys.exit(1)


class Judged:
    """What was tried with the messages of a mailing, and what went wrong."""

    def __init__(self, mailing, records, chance):
        self.faults = [fault for message in mailing.messages for fault in faults(message, mailing)]
        self.refused, self.passed, changes = [], [], []
        for message in mailing.messages:
            ways = all_changes(message, chance)
            changes += ways if chance.randrange(WHOLLY) == 0 else [chance.choice(ways)]
        self.changes = [what for what, _ in changes]
        for verifier in (Dkimpy(records), Opendkim(records)):
            good = verifier.verdicts(mailing.messages)
            bad = verifier.verdicts([message for _, message in changes])
            self.refused += [verifier.name for verdict in good if verdict != [True, True]]
            self.passed += [(verifier.name, what) for what, verdict in zip(self.changes, bad) if any(verdict)]


def told(what, found):
    return f"{what}: {len(found)} do not, as {found[:9]}" if found else what


def main(root, pool):
    begun = time.monotonic()
    words = Words(random.Random(SEED))
    installation = Installation(COURANT, root, words)
    records = installation.records
    check(len(records) == 2, f"two keys made, and their records shown (SEED={SEED})")
    judging, count = [], 0
    for n in range(DIGESTS):
        mailing = installation.mail(n, PEOPLE)
        count += len(mailing.messages)
        judging.append(pool.submit(Judged, mailing, records, random.Random(f"{SEED} {n}")))
    judged = [each.result() for each in judging]
    gather = lambda what: [one for each in judged for one in getattr(each, what)]

    check(count == DIGESTS * PEOPLE, f"{count} messages of {DIGESTS} digests, in {len(words.used)} of {len(words.scripts)} scripts")
    wrong = gather("faults")
    check(not wrong, told("Python's email and mail-parser read each as it was meant, all within the limits", wrong))
    check(not gather("refused"), told("dkimpy and opendkim verify both signatures of each", gather("refused")))
    changes, passed = gather("changes"), gather("passed")
    check(len(changes) > count and not passed, told(f"{len(changes)} changed messages, in {len(set(changes))} ways, do not verify", passed))
    one = mailing.messages[0]
    tags = one.split(b"\r\nFrom:")[0]
    check(b" l=" not in tags and b" x=" not in tags and tags.count(b" t=") == 2, "t= stands, l= and x= do not")
    others = {name: record.replace("p=", "p=" + base64.b64encode(b"x" * 3).decode()) for name, record in records.items()}
    check(not any(Dkimpy(others).of_one(one)), "nor does one verify with other keys in DNS")
    print(f"        {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="courant-dkim-") as folder, concurrent.futures.ProcessPoolExecutor() as pool:
        main(pathlib.Path(folder), pool)
