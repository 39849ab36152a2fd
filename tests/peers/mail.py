"""A digest through Debian's smtp-sink: nobody is doubled, nobody who opted out is mailed, and a kill
in the middle loses nobody.

usage: mail.py COURANT    (HEAVY=1 in the environment: 1,000 subscribers instead of 240)
"""
import atexit
import collections
import contextlib
import email
import email.policy
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

COURANT = os.path.abspath(sys.argv[1])
HEAVY = os.environ.get("HEAVY") == "1"
PEOPLE, LEAVERS, CONNECTIONS, ARTICLES = (1000, 50, 8, 20) if HEAVY else (240, 20, 8, 20)


started = []


@atexit.register
def end_all():
    """Ends what a failed check leaves running."""
    for process in started:
        if process.poll() is None:
            process.kill()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    sys.exit(f"FAILED: waited {seconds} s in vain for {what}")


def reachable(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        sys.exit(1)


class Sink:
    """smtp-sink with one file a message; `slow` makes every tenth DATA wait a second."""

    def __init__(self, folder, port, slow):
        folder.mkdir()
        folder.chmod(0o777)
        program = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        delay = ["-W", "data:1:10"] if slow else []
        self.folder = folder
        self.process = subprocess.Popen([program, *user, *delay, "-d", f"{folder}/%H%M%S.", f"127.0.0.1:{port}", "100"])
        started.append(self.process)
        wait_for("smtp-sink", lambda: reachable(port))

    def messages(self):
        """(recipient, Message-ID, message, when it was complete) of every message taken."""
        found = []
        for path in self.folder.iterdir():
            try:
                taken, when = path.read_bytes(), path.stat().st_mtime
            except FileNotFoundError:  # smtp-sink removes what broke off before its end
                continue
            message = email.message_from_bytes(taken, policy=email.policy.default)
            if message["Message-ID"] and "</html>" in message.as_string():
                rcpt = re.search(r"<(.*?)>", message["X-Rcpt-Args"]).group(1)
                found.append((rcpt, message["Message-ID"], message, when))
        return found

    def count(self):
        return sum(1 for _ in self.folder.iterdir())

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Installation:
    def __init__(self, root):
        self.root, self.web, self.smtp = root, free_port(), free_port()
        (root / "desk").mkdir()
        (root / "courant.toml").write_text(f"""
[site]
title = "The Peer Review"
base_url = "https://news.example.org/"
sender = "news@example.org"
bounce_address = "bounces@example.org"
postal_address = "1 Loopback Lane"
data_dir = "data"
[web]
listen = "127.0.0.1:{self.web}"
admin_listen = "127.0.0.1:{free_port()}"
[[source]]
name = "desk"
folder = "desk"
mail_first = 100
[[edition]]
slug = "daily"
title = "Daily"
[[edition.digest]]
name = "morning"
schedule = "0 7 1 1 *"
[[relay]]
name = "sink"
url = "smtp://127.0.0.1:{self.smtp}?tls=none"
connections = {CONNECTIONS}
""")

    def run(self, *arguments, good=(0,)):
        done = subprocess.run([COURANT, "--config", self.root / "courant.toml", "--json", *arguments], capture_output=True, text=True)
        if done.returncode not in good:
            sys.exit(f"FAILED: {arguments} ended with {done.returncode}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def daemon(self):
        process = subprocess.Popen([COURANT, "--config", self.root / "courant.toml", "run"], stderr=open(self.root / "log", "a"))
        started.append(process)
        wait_for("the daemon", lambda: reachable(self.web) and (self.root / "data/control.sock").exists())
        return process

    def write(self, batch):
        """A JSON feed of new articles, and its ingestion."""
        words = "harbour ferry lantern market council bridge orchard station library weather".split()
        items = []
        for n in range(ARTICLES):
            text = " ".join(f"{words[(n * k + batch) % 10]}{(n * 7 + k * batch) % 97}" for k in range(1, 160))
            items.append({"id": f"{batch}-{n}", "url": f"https://desk.example/{batch}/{n}", "title": f"Story {batch}.{n}", "content_text": text})
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Desk", "items": items}
        (self.root / "desk" / f"batch{batch}.json").write_text(json.dumps(feed))
        counts = self.run("ingest")
        check(counts[0]["new"] == ARTICLES and counts[0]["held"] == 0, f"batch {batch}: {ARTICLES} new articles, none held")

    def unsubscribe(self, url):
        """Exactly the one-click POST of RFC 8058, without cookies or anything else."""
        path = url.removeprefix("https://news.example.org")
        request = urllib.request.Request(f"http://127.0.0.1:{self.web}{path}", data=b"List-Unsubscribe=One-Click", method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert 200 <= answer.status < 300 and "Set-Cookie" not in answer.headers, answer.status
        return time.time()


def settled(installation):
    rows = installation.run("outbox", "list", "--limit", "100000")
    return all(row["status"] not in ("scheduled", "leased", "deferred") for row in rows)


def main(root):
    courant = Installation(root)
    (root / "people.csv").write_text("email,name\n" + "".join(f"reader{n}@people.example,Reader {n}\n" for n in range(PEOPLE)))
    imported = courant.run("subscribers", "import", root / "people.csv", "--edition", "daily", "--basis", "made up")
    check(imported[0]["confirmed"] == PEOPLE, f"{PEOPLE} subscribers imported")

    courant.write(1)
    sink = Sink(root / "sink1", courant.smtp, slow=False)
    tally = courant.run("digest", "send", "daily")
    sink.stop()
    first = sink.messages()
    by_person = collections.Counter(rcpt for rcpt, *_ in first)
    check(len(first) == PEOPLE and max(by_person.values()) == 1 and tally[-1]["sent"] == PEOPLE, f"{len(first)} messages for {PEOPLE} subscribers, none twice")
    links = {rcpt: re.search(r"<(https://[^>]+)>", message["List-Unsubscribe"]).group(1) for rcpt, _, message, _ in first}
    one = first[0][2]
    check(one["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and one.get_body(("plain",)) and one.get_body(("html",)), "one-click headers, a text and an HTML part")
    paths = collections.Counter(message["X-Mail-Args"].split()[0].lower() for *_, message, _ in first)
    own = re.compile(r"<bounces\+[a-z2-7]{45}@example\.org>")
    check(len(paths) == PEOPLE and all(own.fullmatch(path) for path in paths), "each has a return path of its own")
    check(not any(message.defects for _, _, message, _ in first), "no message has a defect for Python's email parser")
    check(courant.run("digest", "send", "daily")[-1]["sent"] == 0, "a second digest with nothing new is not sent")

    print("-- opt-outs while a digest is sent")
    courant.write(2)
    sink = Sink(root / "sink2", courant.smtp, slow=True)
    daemon = courant.daemon()
    sender = threading.Thread(target=courant.run, args=("digest", "send", "daily"))
    sender.start()
    wait_for("the first messages", lambda: sink.count() > PEOPLE // 20)
    answered, before = {}, sink.count()
    for n in range(LEAVERS):
        who = f"reader{n * (PEOPLE // LEAVERS)}@people.example"
        answered[who] = courant.unsubscribe(links[who])
    during = sink.count()
    sender.join()
    wait_for("the outbox to empty", lambda: settled(courant))
    second = sink.messages()
    mailed = {rcpt: when for rcpt, _, _, when in second}
    late = [who for who, when in answered.items() if mailed.get(who, 0) > when]
    spared = sum(1 for who in answered if who not in mailed)
    check(before < PEOPLE - LEAVERS and during < PEOPLE, f"{LEAVERS} opted out between message {before} and message {during} of {PEOPLE}")
    check(not late, f"none of them was handed to the relay after the answer; {spared} were spared this very digest")
    stayed = {f"reader{n}@people.example" for n in range(PEOPLE)} - set(answered)
    check(stayed <= set(mailed) and len(second) == len(mailed), "everybody else got it once")
    daemon.send_signal(signal.SIGTERM)
    check(daemon.wait(60) == 0, "SIGTERM ends the daemon cleanly")
    sink.stop()

    print("-- kill -9 while a digest is sent")
    courant.write(3)
    sink = Sink(root / "sink3", courant.smtp, slow=True)
    daemon = courant.daemon()
    sender = subprocess.Popen([COURANT, "--config", root / "courant.toml", "digest", "send", "daily"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("a third of the messages", lambda: sink.count() > PEOPLE // 3)
    daemon.kill()
    daemon.wait()
    sender.wait()
    at_kill = len(sink.messages())
    daemon = courant.daemon()
    wait_for("the outbox to empty", lambda: settled(courant))
    third = sink.messages()
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(60)
    sink.stop()
    ids = collections.defaultdict(set)
    for rcpt, message_id, message, _ in third:
        ids[rcpt].add((message_id, message["X-Mail-Args"]))
    repeats = len(third) - len(ids)
    check(0 < at_kill < len(stayed), f"killed after {at_kill} of {len(stayed)} messages")
    check(set(ids) == stayed, "after the restart every remaining subscriber has it, and nobody else")
    check(repeats <= CONNECTIONS and all(len(known) == 1 for known in ids.values()), f"{repeats} repeats over {CONNECTIONS} connections, with the same Message-ID and return path")
    log = (root / "log").read_text()
    check("people.example" not in log and links["reader1@people.example"].rsplit("/", 1)[1] not in log, "no address and no token in the log")


with tempfile.TemporaryDirectory(prefix="courant-mail-") as folder:
    os.chmod(folder, 0o755)
    main(pathlib.Path(folder))
