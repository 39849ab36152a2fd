"""A folder with a site in which the built program runs: one edition, one digest, a crowd of readers."""
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

CONNECTIONS = 8


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        sys.exit(1)


def wait_for(what, condition, seconds=300):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    sys.exit(f"FAILED: waited {seconds} s in vain for {what}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Site:
    def __init__(self, courant, root, smtp_port, uncertain="retry"):
        self.courant, self.root = courant, root
        self.web, self.admin = free_port(), free_port()
        self.lives = 0
        (root / "desk").mkdir(parents=True)
        (root / "courant.toml").write_text(f"""
[site]
title = "The Peer Review"
base_url = "https://news.example.org/"
sender = "news@example.org"
postal_address = "1 Loopback Lane"
data_dir = "data"
[web]
listen = "127.0.0.1:{self.web}"
admin_listen = "127.0.0.1:{self.admin}"
[[source]]
name = "desk"
folder = "desk"
mail_first = 100
[[edition]]
slug = "daily"
title = "Daily"
[[edition.digest]]
name = "morning"
schedule = "0 7 29 2 *"
[[relay]]
name = "main"
url = "smtp://127.0.0.1:{smtp_port}?tls=none"
connections = {CONNECTIONS}
[delivery]
uncertain = "{uncertain}"
""")

    def command(self, *arguments):
        return [self.courant, "--config", self.root / "courant.toml", "--json", *arguments]

    def run(self, *arguments, good=(0,)):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, cwd=self.root)
        if done.returncode not in good:
            sys.exit(f"FAILED: {arguments} ended with {done.returncode}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def prepare(self, people):
        """Two articles, and as many confirmed subscribers, each in a domain of its own."""
        old = 1_700_000_000
        for n, title in enumerate(("Ferry", "Lighthouse")):
            path = self.root / "desk" / f"{title}.md"
            path.write_text(f"# {title}\n\n.\n..\nAll that is known of the {title}.\n")
            os.utime(path, (old + n, old + n))
        self.run("ingest")
        addresses = [f"reader@d{n}.example" for n in range(people)]
        (self.root / "people.csv").write_text("email\r\n" + "".join(address + "\r\n" for address in addresses))
        imported = self.run("subscribers", "import", "people.csv", "--edition", "daily", "--basis", "made up")
        check(imported[0]["confirmed"] == people, f"{people} subscribers imported")
        return set(addresses)

    def start(self, *arguments):
        """Begins a life, in a process group of its own; its log is kept."""
        if self.lives == 0:
            atexit.register(self.kill)
        self.lives += 1
        self.log_path = self.root / f"life-{self.lives}.log"
        with open(self.log_path, "w") as log:
            command = self.command(*arguments)
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.root, start_new_session=True)

    def run_on(self):
        """Begins a life that is to last; until it answers, an order would take the store from it."""
        self.start("run")
        wait_for("the daemon", lambda: "is running" in self.log())

    def log(self):
        return self.log_path.read_text()

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait()

    def get(self, path, port=None):
        """The status of a page, of the public listener unless told otherwise; 0 if nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.web}{path}", timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return 0

    def deliveries(self):
        """The status of each recipient's delivery, by the domain of the address."""
        listed = self.run("outbox", "list", "--limit", "1000000")
        return {row["to"].split("@")[1]: row["status"] for row in listed}
