"""What dkimpy and Debian's opendkim say of the signatures of messages."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import dkim

OPENDKIM = shutil.which("opendkim", path=os.environ.get("PATH", "") + ":/usr/sbin")

# Messages that one opendkim reads in turn.
BATCH = 200


class Dkimpy:
    name = "dkimpy"

    def __init__(self, records):
        self.records = {f"{name}.".encode(): record.encode() for name, record in records.items()}

    def verdicts(self, messages):
        return [self.of_one(message) for message in messages]

    def of_one(self, message):
        """Whether each signature holds, from the top."""
        look_up = lambda name, timeout=0: self.records.get(name if isinstance(name, bytes) else name.encode())
        found = len(re.findall(rb"(?m)^DKIM-Signature:", message.split(b"\r\n\r\n")[0]))
        verdicts = []
        for n in range(found):
            try:
                verdicts.append(dkim.DKIM(message).verify(idx=n, dnsfunc=look_up))
            except dkim.DKIMException:
                verdicts.append(False)
        return verdicts


class Opendkim:
    name = "opendkim"

    def __init__(self, records):
        self.keys = "".join(f"{name} {record}\n" for name, record in records.items())

    def verdicts(self, messages):
        found = []
        for start in range(0, len(messages), BATCH):
            found += self.of_batch(messages[start : start + BATCH])
        return found

    def of_batch(self, messages):
        with tempfile.TemporaryDirectory(prefix="courant-opendkim-") as folder:
            folder = pathlib.Path(folder)
            # Keys from a file: nothing is asked of DNS.
            (folder / "keys").write_text(self.keys)
            (folder / "conf").write_text("Mode v\nTestPublicKeys keys\nSyslog no\n")
            names = [f"{n}.eml" for n in range(len(messages))]
            for name, message in zip(names, messages):
                (folder / name).write_bytes(message)
            command = [OPENDKIM, "-x", "conf", "-vv", "-t", ",".join(names)]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=folder)
        # One field Authentication-Results for each message, in turn.
        results = done.stdout.split("### INSHEADER:")[1:]
        if len(results) != len(messages):
            raise SystemExit(f"FAILED: opendkim judged {len(results)} of {len(messages)} messages: {done.stderr[-500:]}")
        return [[verdict == "pass" for verdict in re.findall(r"\bdkim=(\w+)", result)] for result in results]
