"""An SMTP server that remembers every message it said yes to, and on which connection.

It offers PIPELINING and lets each reply wait for a few milliseconds, so that a send takes long enough
to be disturbed at any stage of it.
"""
import asyncio
import dataclasses
import hashlib
import random
import re
import threading


@dataclasses.dataclass
class Taken:
    recipient: str
    message_id: str
    sha256: str


class Session:
    """One connection: what was taken on it, in order, and how it ended."""

    def __init__(self):
        self.taken = []
        self.has_quit = False


class Relay:
    def __init__(self, seed, slowest_ms=6):
        self.random = random.Random(seed)
        self.slowest_ms = slowest_ms
        self.sessions = []
        self.open = 0
        self.gate = None
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def _run(self, ready):
        async def serve():
            self.gate = asyncio.Event()
            self.gate.set()
            server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=1 << 20, backlog=200)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await server.serve_forever()

        self.loop.run_until_complete(serve())

    def close_gate(self):
        """From now on the reply to every final dot waits until the gate is opened."""
        self.loop.call_soon_threadsafe(self.gate.clear)

    def open_gate(self):
        self.loop.call_soon_threadsafe(self.gate.set)

    def taken(self):
        return [message for session in list(self.sessions) for message in list(session.taken)]

    def count(self):
        return sum(len(session.taken) for session in list(self.sessions))

    async def _talk(self, reader, writer):
        session = Session()
        self.sessions.append(session)
        self.open += 1
        try:
            await self._converse(session, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _converse(self, session, reader, writer):
        async def say(reply):
            await asyncio.sleep(self.random.uniform(0, self.slowest_ms) / 1000)
            writer.write(reply.encode() + b"\r\n")
            await writer.drain()

        await say("220 relay.example ESMTP")
        recipient = ""
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                await say("250-relay.example\r\n250-PIPELINING\r\n250 8BITMIME")
            elif verb == b"RCPT":
                recipient = re.search(rb"<(.*?)>", line).group(1).decode()
                await say("250 2.1.5 ok")
            elif verb == b"DATA":
                await say("354 go ahead")
                message = await reader.readuntil(b"\r\n.\r\n")
                await self.gate.wait()
                # Noted before it is said: a relay keeps what it took, even if nobody hears of it.
                session.taken.append(take(recipient, message))
                await say("250 2.0.0 taken")
            elif verb == b"QUIT":
                session.has_quit = True
                await say("221 2.0.0 bye")
                return
            else:
                await say("250 ok")


def take(recipient, message):
    lines = message[: -len(b".\r\n")].split(b"\r\n")
    clean = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)
    found = re.search(rb"(?mi)^Message-ID:\s*(\S+)", clean)
    return Taken(recipient, found.group(1).decode(), hashlib.sha256(clean).hexdigest())
