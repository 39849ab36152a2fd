"""A disk that fills up in the middle of a send: what cannot be recorded is not mailed, feeds are served
all the while, and the send goes on alone when there is room again.

usage: fulldisk.py COURANT    (as root, for a disk of its own; HEAVY=1 for 8 rounds; SEED=n repeats a run)
"""
import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
from support.relay import Relay
from support.site import Site, check, wait_for

COURANT = os.path.abspath(sys.argv[1])
SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
ROUNDS = 8 if os.environ.get("HEAVY") == "1" else 1
PEOPLE = 500
DISK_MB = 32


@contextlib.contextmanager
def small_disk(folder):
    """A disk at `folder` for as long as the block lasts; ends the program where that is not permitted."""
    folder.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", folder], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"skipped: no small disk can be mounted here: {done.stderr.strip()}")
        sys.exit(0)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


class Filler:
    """Takes all the room there is, and what others give up, until it is removed."""

    def __init__(self, path):
        self.path, self.done = path, threading.Event()
        self.file = open(path, "wb", buffering=0)
        self.fill()
        self.thread = threading.Thread(target=self.keep_filling, daemon=True)
        self.thread.start()

    def fill(self):
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while self.file.write(bytes(size)) == size:
                    pass

    def keep_filling(self):
        while not self.done.wait(0.001):
            self.fill()

    def remove(self):
        self.done.set()
        self.thread.join()
        self.file.close()
        self.path.unlink()


def n_failures(site):
    return sum(1 for line in site.log().splitlines() if "the store cannot" in line and "deliver_outbox" in line)


def main(root, chance):
    relay = Relay(SEED)
    site = Site(COURANT, root, relay.port)
    people = site.prepare(PEOPLE)
    site.run_on()
    sending = subprocess.Popen(site.command("digest", "send", "daily"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               cwd=root, text=True)
    goal = chance.randrange(1, PEOPLE // 3)
    wait_for("the send to go on", lambda: relay.count() >= goal)
    filler = Filler(root / "data" / "filler")
    full_at = relay.count()

    told = sending.communicate()[1]
    stopped_at = relay.count()
    check(sending.returncode == 1 and "the store cannot" in told, f"the disk is full after {full_at}, and the send stops after {stopped_at}: {told.strip()}")
    before = n_failures(site)
    wait_for("the daemon to try again", lambda: n_failures(site) > before)
    check(relay.count() == stopped_at < PEOPLE, "while the disk is full, nothing more is mailed")
    check(site.get("/e/daily/feed.json") == 200, "while the disk is full, feeds are served")
    check(site.get("/e/daily") == 200, "and so are pages")
    check((site.get("/live", site.admin), site.get("/ready", site.admin)) == (200, 503), "and /ready says that something is wrong")

    site.process.send_signal(signal.SIGHUP)
    wait_for("the new configuration", lambda: site.log().count("is running") == 2)
    check(relay.count() == stopped_at, "and a new configuration sends nothing either")

    filler.remove()
    wait_for("everybody", lambda: {message.recipient for message in relay.taken()} == people)
    wait_for("the store to know", lambda: set(site.deliveries().values()) == {"sent"})
    check(site.get("/ready", site.admin) == 200, "there is room again, and /ready says so")
    check(site.stop() == 0, f"it goes on alone when there is room: 0 lost of {PEOPLE}")
    # The same process still knows what it could not record, whatever its configuration.
    check(relay.count() == PEOPLE, f"0 doubled: {relay.count()} messages were taken")


print(f"        SEED={SEED}", flush=True)
with tempfile.TemporaryDirectory(prefix="courant-fulldisk-", ignore_cleanup_errors=True) as folder:
    for n in range(ROUNDS):
        root = pathlib.Path(folder) / str(n)
        with small_disk(root / "data"):
            main(root, random.Random(SEED + n))
