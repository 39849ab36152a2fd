"""How Python's email and mail-parser read a message, and what is wrong with it."""
import base64
import collections
import email
import email.policy
import os
import re
import unicodedata

import mailparser

from .mailing import shown

FIELDS = {"DKIM-Signature", "To", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "From", "Subject", "Date",
          "MIME-Version", "Content-Type", "Auto-Submitted", "X-Auto-Response-Suppress", "Feedback-ID", "Archived-At",
          "Precedence", "List-Id", "List-Post", "List-Archive", "List-Subscribe"}


def plain(text):
    """Text without what differs between two of one digest: the links of their own, and how lines end."""
    return re.sub(r"/unsubscribe/[\w-]+", "/unsubscribe/", re.sub(r"\r\n|\r", "\n", text)).strip()


def difference(said, meant):
    """Both from a little before where they part."""
    at = max(0, len(os.path.commonprefix([said, meant])) - 10)
    return f"{said[at : at + 40]!r} and not {meant[at : at + 40]!r}"


def phrase(message, field):
    """The name in an address field (RFC 2047, section 6.2): Python before 3.13.2 keeps the space between
    two encoded words."""
    value = re.search(rb"(?m)^" + field + rb":((?:[^\r\n]|\r\n[ \t])*)", message)[1].decode()
    name = re.sub(r"\s+", " ", value.replace("\r\n", "")).rsplit("<", 1)[0].strip()
    if name.startswith('"'):
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    words = name.replace("?= =?", "?==?")
    return re.sub(r"=\?utf-8\?b\?([^?]*)\?=", lambda word: base64.b64decode(word[1]).decode(), words)


def of_bytes(message):
    """What is wrong with the octets (RFC 5322, section 2.1.1; RFC 2047, section 2)."""
    lines = message.split(b"\r\n")
    if any(len(line) > 998 for line in lines):
        yield "a line over 998 octets"
    if any(b"\r" in line or b"\n" in line for line in lines):
        yield "a CR or LF alone"
    if b"\0" in message or not message.isascii():
        yield "a NUL or an octet over 127"
    head = message.split(b"\r\n\r\n")[0]
    for word in re.findall(rb"=\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=", head):
        if len(word) > 75:
            yield f"an encoded word of {len(word)}"


def of_structure(parsed):
    defects = [part.defects for part in parsed.walk()]
    defects += [value.defects for value in parsed.values() if hasattr(value, "defects")]
    if any(defects):
        yield f"defects for Python: {defects}"
    fields = collections.Counter(parsed.keys())
    twice = [name for name, times in fields.items() if times > (2 if name == "DKIM-Signature" else 1)]
    if twice or set(fields) - FIELDS:
        yield f"fields twice {twice}, or unknown {set(fields) - FIELDS}"
    types = [(part.get_content_type(), part.get_content_charset()) for part in parsed.walk()]
    if types != [("multipart/alternative", None), ("text/plain", "utf-8"), ("text/html", "utf-8")]:
        yield f"parts {types}"


def of_words(message, parsed, mailing):
    """What is not what was meant."""
    to, sender = parsed["To"].addresses[0], parsed["From"].addresses[0]
    name = mailing.names.get(to.addr_spec)
    if name is None:
        yield f"an unknown recipient {to.addr_spec!r}"
        return
    words = lambda text: text.replace(" ", "")
    for what, said, meant in [("To", phrase(message, b"To"), name), ("From", phrase(message, b"From"), shown(mailing.title)),
                              ("To", words(to.display_name), words(name)), ("From", words(sender.display_name), words(shown(mailing.title))),
                              ("Subject", str(parsed["Subject"]), shown(mailing.subject))]:
        if said != meant:
            yield f"{what} says {difference(said, meant)}"
    text = plain(parsed.get_body(("plain",)).get_content())
    if text != plain(mailing.text):
        yield f"another text: {difference(text, plain(mailing.text))}"
    if "</html>" not in parsed.get_body(("html",)).get_content():
        yield "the page is cut short"


def of_mail_parser(message, parsed):
    read = mailparser.parse_from_bytes(message)
    if read.has_defects:
        yield f"defects for mail-parser: {read.defects_categories}"
    text = plain(parsed.get_body(("plain",)).get_content())
    texts, pages = read.text_plain, read.text_html
    if len(texts) != 1 or len(pages) != 1:
        yield f"{len(texts)} texts and {len(pages)} pages for mail-parser"
    # mail-parser composes letters and marks.
    elif plain(texts[0]) != plain(unicodedata.normalize("NFC", text)):
        yield f"another text for mail-parser: {difference(plain(texts[0]), unicodedata.normalize('NFC', text))}"
    said, meant = read.subject.replace(" ", ""), unicodedata.normalize("NFC", parsed["Subject"]).replace(" ", "")
    if said != meant:
        yield f"another subject for mail-parser: {difference(said, meant)}"
    if read.to[0][1] != parsed["To"].addresses[0].addr_spec:
        yield f"another recipient for mail-parser: {read.to}"


def faults(message, mailing):
    """Everything that is wrong with a message of a mailing."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    yield from of_bytes(message)
    yield from of_structure(parsed)
    yield from of_words(message, parsed, mailing)
    yield from of_mail_parser(message, parsed)
