"""An installation that signs made-up messages and puts them into a folder."""
import csv
import io
import json
import os
import re
import subprocess

ARTICLES = 3


class Mailing:
    """What one digest mailed: the messages, and what they should say."""

    def __init__(self, messages, names, title, subject, text):
        self.messages, self.title, self.subject, self.text = messages, title, subject, text
        self.names = {on_the_wire(address): shown(kept(name)) for address, name in names.items()}


def on_the_wire(address):
    """With the host in A-labels."""
    local, host = address.rsplit("@", 1)
    return f"{local}@{host.encode('idna').decode()}"


def kept(name):
    """What the import keeps of a name; a ' before it keeps spreadsheets from computing it."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "", name.strip().removeprefix("'"))[:100].strip()


def quoted(text):
    """As TOML spells it."""
    escape = lambda c: f"\\u{ord(c):04X}" if ord(c) < 32 or ord(c) == 127 or c in '"\\' else c
    return '"' + "".join(map(escape, text)) + '"'


def shown(text, most=200):
    """What is left of free text in a header: one line, no control character."""
    return " ".join(re.split(r"[\s\x00-\x1f\x7f-\x9f]+", text)).strip()[:most].strip()


class Installation:
    def __init__(self, courant, root, words):
        self.courant, self.root, self.words = courant, root, words
        self.sections, self.records = "", {}
        self.configure("start", "Start", "Start", "1 Loopback Lane")
        for selector, algorithm in (("r1", "rsa"), ("e1", "ed25519")):
            made = self.run("dkim", "keygen", "--domain", "example.org", "--selector", selector, "--algorithm", algorithm)
            self.sections += f'[[dkim]]\ndomain = "example.org"\nselector = "{selector}"\nkey_file = "{made[0]["file"]}"\n'
        self.configure("start", "Start", "Start", "1 Loopback Lane")
        self.records = {key["name"]: key["record"] for key in self.run("dkim", "show")}

    def run(self, *arguments):
        command = [self.courant, "--config", self.root / "courant.toml", "--json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.root)
        if done.returncode != 0:
            raise SystemExit(f"FAILED: {arguments} ended with {done.returncode}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.split("\n") if line]

    def configure(self, slug, site, title, address):
        (self.root / "courant.toml").write_text(f"""
[site]
title = {quoted(site)}
base_url = "https://news.example.org/"
sender = "news@example.org"
postal_address = {quoted(address)}
data_dir = "data"
[[source]]
name = {quoted(slug)}
folder = "desk-{slug}"
mail_first = 100
[[edition]]
slug = {quoted(slug)}
title = {quoted(title)}
max_articles = 100
[[edition.digest]]
name = "morning"
schedule = "0 7 1 1 *"
[[relay]]
name = "folder"
url = "folder:mail"
{self.sections}""", newline="")
        (self.root / f"desk-{slug}").mkdir(exist_ok=True)

    def write_articles(self, slug):
        items = []
        for n in range(ARTICLES):
            items.append({"id": f"{slug}-{n}", "url": f"https://desk.example/{slug}/{n}?{self.words.line(1)}",
                          "title": self.words.line(), "authors": [{"name": self.words.name()}],
                          "content_text": f"Story {slug} {n}.\n" + self.words.text()})
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": self.words.line(4), "items": items}
        path = self.root / f"desk-{slug}" / "batch.json"
        path.write_text(json.dumps(feed))
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def mail(self, n, people):
        """A digest of new articles under a new name, to new people."""
        letters = [c for c in self.words.script() if c.isalnum() and not c.isupper()]
        slug = f"e{n}" + "".join(self.words.random.choices(letters, k=8) if letters else [])
        titled = lambda: self.words.line(8).strip() or "Title"
        title = titled()
        self.configure(slug, titled(), title, titled())
        self.write_articles(slug)
        self.run("ingest")
        names = {self.words.address(f"{n}-{k}"): self.words.name() for k in range(people)}
        rows = io.StringIO(newline="")
        csv.writer(rows).writerows([("email", "name"), *names.items()])
        (self.root / "people.csv").write_text(rows.getvalue(), newline="")
        imported = self.run("subscribers", "import", "people.csv", "--edition", slug, "--basis", "made up")
        if imported[0]["confirmed"] != people:
            raise SystemExit(f"FAILED: {imported}")
        preview = self.run("digest", "preview", slug, "--for", next(iter(names)))[0]
        before = set((self.root / "mail").glob("*.eml")) if n else set()
        self.run("digest", "send", slug)
        written = sorted(set((self.root / "mail").glob("*.eml")) - before)
        messages = [path.read_bytes() for path in written]
        for path in written:
            path.unlink()
        return Mailing(messages, names, title, preview["subject"], preview["text"])
