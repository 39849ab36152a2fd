"""Messages that Courant signed and put into a folder: dkimpy verifies each signature, and none of them
once a signed field or the body is changed, or a field of a sealed name is added.

usage: signatures.py COURANT    (HEAVY=1 in the environment: 2,000 messages instead of 60)
"""
import base64
import email
import email.policy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import dkim

COURANT = os.path.abspath(sys.argv[1])
PEOPLE = 2000 if os.environ.get("HEAVY") == "1" else 60

SEALED = ["From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "Content-Type",
          "List-Unsubscribe", "List-Unsubscribe-Post"]
COVERED = SEALED + ["MIME-Version", "List-Id", "Feedback-ID"]

NAMES = ["", "Ada Reader", "Zoë Ångström", "山田 太郎", "محمد", "J. R. \"Bob\" Dobbs", "a,b;c<d>@e", "😀" * 30,
         "long " * 60, "Eve\r\nBcc: mallory@example.net", "=?utf-8?q?x?=", "\t tabs\tand  spaces "]

TEXTS = ["", ".", "..\n.\n", "line with trailing spaces   \n\n\n", "\ttabs\t\tand  spaces\n", "x" * 5000,
         "From here on\n", "=3D=\n=", "Grüße aus Köln, 東京 и Москва – ", "a\r\nb\rc", "DKIM-Signature: v=1\n\n"]


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        sys.exit(1)


def run(root, *arguments):
    command = [COURANT, "--config", root / "courant.toml", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    if done.returncode != 0:
        sys.exit(f"FAILED: {arguments} ended with {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def configure(root):
    """Two keys made by `dkim keygen`, and their records as `dkim show` prints them."""
    site = """
[site]
title = "The Peer Review"
base_url = "https://news.example.org/"
sender = "news@example.org"
postal_address = "1 Loopback Lane"
data_dir = "data"
[[source]]
name = "desk"
folder = "desk"
mail_first = 100
[[edition]]
slug = "daily"
title = "Daily „Überblick“, 日報"
max_articles = 100
[[edition.digest]]
name = "morning"
schedule = "0 7 1 1 *"
[[relay]]
name = "folder"
url = "folder:mail"
"""
    for selector, algorithm in (("r1", "rsa"), ("e1", "ed25519")):
        made = run(root, "dkim", "keygen", "--domain", "example.org", "--selector", selector, "--algorithm", algorithm)
        site += f'[[dkim]]\ndomain = "example.org"\nselector = "{selector}"\nkey_file = "{made[0]["file"]}"\n'
    (root / "courant.toml").write_text(site)
    return {(key["name"] + ".").encode(): key["record"].encode() for key in run(root, "dkim", "show")}


def write_articles(root):
    (root / "desk").mkdir()
    items = [{"id": str(n), "url": f"https://desk.example/{n}", "title": f"{NAMES[n % len(NAMES)]} {n}",
              "content_text": f"Story {n}. " + text * (1 + n % 3)} for n, text in enumerate(TEXTS)]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Desk", "items": items}
    (root / "desk" / "batch.json").write_text(json.dumps(feed))
    old = 1_700_000_000
    os.utime(root / "desk" / "batch.json", (old, old))


def verify(message, records):
    """What dkimpy says of each signature, from the top."""
    found = len(re.findall(rb"(?m)^DKIM-Signature:", message.split(b"\r\n\r\n")[0]))
    look_up = lambda name, timeout=0: records.get(name if isinstance(name, bytes) else name.encode())
    verdicts = []
    for n in range(found):
        try:
            verdicts.append(dkim.DKIM(message).verify(idx=n, dnsfunc=look_up))
        except dkim.DKIMException:
            verdicts.append(False)
    return verdicts


def fields(message):
    """The fields of the head with their folds, without the signatures."""
    head = message.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    found = re.findall(rb"(?m)^[^ \t\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", head)
    return [field for field in found if not field.startswith(b"DKIM-Signature:")]


def changed(message):
    """(what, message) of each single change that must not pass."""
    for field in fields(message):
        name = field.split(b":")[0]
        if name.decode().lower() in [covered.lower() for covered in COVERED]:
            yield f"{name.decode()} changed", message.replace(field, field[:-2] + b"x\r\n", 1)
            yield f"{name.decode()} removed", message.replace(field, b"", 1)
    for name in SEALED:
        added = f"{name}: x\r\n".encode()
        head, body = message.split(b"\r\n\r\n", 1)
        yield f"{name} added above", added + message
        yield f"{name} added below", head + b"\r\n" + added + b"\r\n" + body
    yield "a line added to the body", message + b"more\r\n"
    yield "the body cut", message[:-20] + b"\r\n"


def main(root):
    records = configure(root)
    check(len(records) == 2, "two keys made, and their records shown")
    write_articles(root)
    run(root, "ingest")
    csv = "email,name\r\n"
    for n in range(PEOPLE):
        name = NAMES[n % len(NAMES)].replace('"', '""')
        csv += f'reader{n}@people.example,"{name}"\r\n'
    (root / "people.csv").write_text(csv, newline="")
    imported = run(root, "subscribers", "import", "people.csv", "--edition", "daily", "--basis", "made up")
    check(imported[0]["confirmed"] == PEOPLE, f"{PEOPLE} subscribers imported")
    run(root, "digest", "send", "daily")
    messages = [path.read_bytes() for path in (root / "mail").glob("*.eml")]
    check(len(messages) == PEOPLE, f"{PEOPLE} messages written")

    check(all(verify(message, records) == [True, True] for message in messages), "dkimpy verifies both signatures of each")
    parsed = [email.message_from_bytes(message, policy=email.policy.default) for message in messages]
    check(not any(message.defects or "Bcc" in message for message in parsed), "none has a defect or a field from outside")
    lines = [line for message in messages for line in message.split(b"\r\n")]
    check(not any(len(line) > 998 or b"\r" in line or b"\n" in line for line in lines), "no line is over 998, no CR or LF stands alone")
    tags = messages[0].split(b"\r\nFrom:")[0]
    check(b" l=" not in tags and b" x=" not in tags and tags.count(b" t=") == 2, "t= stands, l= and x= do not")

    passed, tried = [], 0
    for message in messages[:: max(1, len(messages) // 12)]:
        for what, other in changed(message):
            tried += 1
            if other == message or any(verify(other, records)):
                passed.append(what)
    check(tried > 400 and not passed, f"{tried} changed messages, none verifies {passed or str()}".strip())
    other = {name: record.replace(b"p=", b"p=" + base64.b64encode(b"x" * 3)) for name, record in records.items()}
    check(not any(verify(messages[0], other)), "nor does one with other keys in DNS")


with tempfile.TemporaryDirectory(prefix="courant-dkim-") as folder:
    main(pathlib.Path(folder))
