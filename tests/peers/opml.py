"""Lists of feeds in and out, with a reader and a writer that were not written here: xml.etree.

usage: opml.py COURANT
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

COURANT = os.path.abspath(sys.argv[1])
CONFIG = """
[site]
title = "Mine & <yours>"
base_url = "https://news.example/"
sender = "news@news.example"
data_dir = "data"
"""
FEEDS = {
    "https://quay.example/?a=1&b=2": ('Quay & "Sons" <news>', ["port"]),
    "https://deep.example/feed": ("Größe 北京", ["port", "local-news"]),
    "https://top.example/feed": ("Top", []),
}


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        sys.exit(1)


def run(folder, *args):
    command = [COURANT, "--config", "courant.toml", *args]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout


def feeds(element, folders=()):
    for outline in element.findall("outline"):
        if outline.get("xmlUrl"):
            yield outline.get("xmlUrl"), (outline.get("title"), list(folders))
        yield from feeds(outline, (*folders, outline.get("text")))


def main(folder):
    (folder / "courant.toml").write_text(CONFIG)
    opml = ET.Element("opml", version="2.0")
    body = ET.SubElement(opml, "body")
    for address, (title, folders) in FEEDS.items():
        parent = body
        for name in folders:
            parent = ET.SubElement(parent, "outline", text=name)
        ET.SubElement(parent, "outline", text="x", title=title, xmlUrl=address)
    for encoding in ["utf-8", "utf-16"]:
        (folder / "courant.toml").write_text(CONFIG)
        ET.ElementTree(opml).write(folder / "list.opml", encoding=encoding, xml_declaration=True)
        run(folder, "sources", "import", "list.opml")
        exported = ET.fromstring(run(folder, "sources", "export"))
        check(exported.get("version") == "2.0", f"{encoding}: OPML 2.0 that a parser accepts")
        check(exported.findtext("head/title") == "Mine & <yours>", f"{encoding}: the title")
        check(dict(feeds(exported.find("body"))) == FEEDS, f"{encoding}: every feed in its folders")


with tempfile.TemporaryDirectory() as temporary:
    main(pathlib.Path(temporary))
