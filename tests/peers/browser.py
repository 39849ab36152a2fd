"""The demo in Chromium: its pages and its captured mail are shown whole, under their own policies.

usage: browser.py COURANT
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

COURANT = os.path.abspath(sys.argv[1])
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --enable-logging=stderr --v=0 --dump-dom"


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        sys.exit(1)


def dom(url):
    """The page after the browser has built it, and what its console said."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run([CHROMIUM, *FLAGS.split(), f"--user-data-dir={profile}", url], capture_output=True, text=True, timeout=120)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def main(demo):
    said = ""
    for line in demo.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    check("16 articles from 3 sources" in said and "1 of 2 subscribers" in said, "the demo says what it did")
    address = re.search(r"http://127\.0\.0\.1:\d+/", said).group(0)
    folder = pathlib.Path(re.search(r"works in (\S+)", said).group(1))
    mails = list((folder / "mail").glob("*.eml"))
    check(len(mails) == 1, "one mail was written: the other subscriber had opted out")
    source = mails[0].read_text().replace("=\n", "").replace("=\r\n", "").replace("=3D", "=")
    unsubscribe = re.search(r"^List-Unsubscribe: <(http\S+)>", source, re.M).group(1)

    headline = "Harbour board votes to keep both ferries running all winter"
    pages = [
        ("the front page", "", ["The Coast, Daily"]),
        ("the edition", "e/coast", [headline, 'type="application/atom+xml"', 'type="application/feed+json"', 'name="email"']),
        ("the digest", "e/coast/1", [headline]),
        ("the mailbox", "mail", ["reader@example.org", "<iframe"]),
        ("the mail", "mail/1/body", [headline, "unsubscribe"]),
        ("the unsubscribe page", unsubscribe.removeprefix(address), ["<button", "r…@example.org"]),
    ]
    for name, path, expected in pages:
        text, console = dom(address + path)
        missing = [what for what in expected if what not in text]
        check(not missing and not console, f"{name} is shown whole" + (f": without {missing}, {console}" if missing or console else ""))
    edition, _ = dom(address + "e/coast")
    link = re.search(r'href="([^"]+)"[^>]*>\s*' + headline, edition).group(1)
    article, console = dom(urllib.parse.urljoin(address + "e/coast", link))
    check("The Ada Maris" in article and "Wren Hollis" in article and not console, "the article stands with its picture, caption and credit")
    intruders = [word for word in ("cookie", "consent", "targeting", "newsletter", "share on") if word in article.lower()]
    check(not intruders, f"nothing of the page around it came along {intruders or ''}")
    demo.send_signal(signal.SIGINT)
    check(demo.wait(60) == 0 and not folder.exists(), "Ctrl-C ends the demo and removes its folder")


demo = subprocess.Popen([COURANT, "demo", "--port", "0"], stdout=subprocess.PIPE, text=True)
try:
    main(demo)
finally:
    if demo.poll() is None:
        demo.kill()
