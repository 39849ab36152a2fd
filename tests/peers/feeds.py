"""Feeds in and out, with readers that were not written here: http.server serves, feedparser reads.

usage: feeds.py COURANT [FOLDER]    FOLDER: feeds to serve instead of those of tests/fixtures/feeds
"""
import collections
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

import fastfeedparser
import feedparser
import lxml.etree

COURANT = os.path.abspath(sys.argv[1])
HERE = pathlib.Path(__file__).parent.parent
FEEDS = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "fixtures" / "feeds"
MAY_FAIL = int(os.environ.get("MAY_FAIL", "0"))


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        sys.exit(1)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves files with an ETag, and remembers every request."""

    protocol_version = "HTTP/1.1"
    log = []
    round = ""

    def do_GET(self):
        body = (FEEDS / self.path.lstrip("/")).read_bytes()
        etag = '"' + hashlib.sha256(body).hexdigest()[:16] + Handler.round + '"'
        asked = self.headers.get("If-None-Match")
        Handler.log.append((self.path, asked))
        self.send_response(304 if asked == etag else 200)
        self.send_header("ETag", etag)
        if asked != etag:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if asked != etag:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def main(root):
    names = sorted(path.name for path in FEEDS.iterdir() if path.is_file())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = f"""
[site]
title = "Peers"
base_url = "https://news.example.org/"
sender = "news@example.org"
data_dir = "data"
[fetch]
allow_networks = ["127.0.0.0/8"]
[[edition]]
slug = "all"
title = "Everything"
max_articles = 200
"""
    for n, name in enumerate(names):
        config += f'[[source]]\nname = "s{n}"\nfeed = "http://127.0.0.1:{server.server_address[1]}/{name}"\n'
    (root / "courant.toml").write_text(config)

    def run(*arguments, good=(0,)):
        done = subprocess.run([COURANT, "--config", root / "courant.toml", "--json", *arguments], capture_output=True, text=True)
        if done.returncode not in good:
            sys.exit(f"FAILED: {arguments} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def ingest():
        rows = [json.loads(line) for line in run("ingest", good=(0, 1)).splitlines()]
        return rows, collections.Counter({key: sum(row[key] for row in rows) for key in ("new", "revised", "known", "reprints", "held")})

    rows, counts = ingest()
    failed = [(names[int(row["source"][1:])], row["result"]) for row in rows if row["failed"]]
    for name, why in failed:
        print(f"        {name}: {why}")
    check(len(failed) <= MAY_FAIL, f"{len(rows) - len(failed)} of {len(rows)} feeds read: {dict(counts)}")
    check(counts["new"] > 0 and counts["held"] == counts["new"], "the first fetch mails nothing")
    check(all(asked is None for _, asked in Handler.log), "the first requests carry no condition")

    Handler.log.clear()
    rows, counts = ingest()
    read = {path for path, _ in Handler.log} - {"/" + name for name, _ in failed}
    check(all(asked for path, asked in Handler.log if path in read), f"{len(Handler.log)} requests in the second round, all conditional")
    check(counts["new"] == counts["revised"] == counts["reprints"] == 0, "the second round finds nothing new")

    Handler.round = "-again"
    rows, counts = ingest()
    check(counts["known"] > 0 and counts["new"] == counts["revised"] == counts["reprints"] == 0, f"served anew in full, {counts['known']} entries are known and none is new")

    for format, expected in ("rss", "rss20"), ("atom", "atom10"):
        document = run("feed", "all", "--format", format)
        (root / f"feed.{format}").write_text(document)
        parsed = feedparser.parse(document.encode())
        check(not parsed.bozo and parsed.version == expected and len(parsed.entries) > 0, f"feedparser reads {len(parsed.entries)} entries of {format} without a fault")
        guids = [entry.id for entry in parsed.entries]
        check(len(set(guids)) == len(guids), f"every {format} entry has an identity of its own")
        lxml.etree.fromstring(document.encode())
    # feedparser 6.0 does not read JSON Feed; fastfeedparser does.
    text = run("feed", "all", "--format", "json")
    document, parsed = json.loads(text), fastfeedparser.parse(text)
    check(document["version"] == "https://jsonfeed.org/version/1.1" and all(item["id"] and "content_html" in item for item in document["items"]), "the JSON feed has what version 1.1 asks for")
    check(len(parsed.entries) == len(document["items"]) == len(guids), f"fastfeedparser reads {len(parsed.entries)} entries of the JSON feed")
    if keep := os.environ.get("KEEP"):
        for format in "rss", "atom":
            pathlib.Path(keep, f"feed.{format}").write_bytes((root / f"feed.{format}").read_bytes())
        pathlib.Path(keep, "feed.json").write_text(json.dumps(document))


with tempfile.TemporaryDirectory(prefix="courant-feeds-") as folder:
    main(pathlib.Path(folder))
