"""Changes to a message that must not pass."""
import re

SEALED = ["From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "Content-Type",
          "List-Unsubscribe", "List-Unsubscribe-Post"]
COVERED = SEALED + ["MIME-Version", "List-Id", "Feedback-ID"]


def fields(message):
    """The fields of the head with their folds, without the signatures."""
    head = message.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    found = re.findall(rb"(?m)^[^ \t\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", head)
    return [field for field in found if not field.startswith(b"DKIM-Signature:")]


def of_head(message):
    """(what, message) of each single change of the head."""
    covered = [name.lower() for name in COVERED]
    for field in fields(message):
        name = field.split(b":")[0].decode()
        if name.lower() in covered:
            yield f"{name} changed", message.replace(field, field[:-2] + b"x\r\n", 1)
            yield f"{name} removed", message.replace(field, b"", 1)
    head, body = message.split(b"\r\n\r\n", 1)
    for name in SEALED:
        added = f"{name}: x\r\n".encode()
        yield f"{name} added above", added + message
        yield f"{name} added below", head + b"\r\n" + added + b"\r\n" + body


def of_body(message, random):
    """(what, message) of some changes of the body."""
    head, body = message.split(b"\r\n\r\n", 1)
    letters = [match.start() for match in re.finditer(rb"[a-y]", body)]
    at = random.choice(letters)
    yield "an octet of the body changed", head + b"\r\n\r\n" + body[:at] + b"z" + body[at + 1 :]
    yield "a line added to the body", message + b"more\r\n"
    yield "the body cut", message[:-20] + b"\r\n"


def all_changes(message, random):
    return [*of_head(message), *of_body(message, random)]
