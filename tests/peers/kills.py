"""A send that is killed with SIGKILL again and again: nobody is lost, nobody gets more repeats than there
were connections, and what is repeated is the same message.

usage: kills.py COURANT    (HEAVY=1 in the environment: 200 kills of a send of 5,000; SEED=n repeats a run)
"""
import collections
import os
import pathlib
import random
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from support.relay import Relay
from support.site import CONNECTIONS, Site, check, wait_for

COURANT = os.path.abspath(sys.argv[1])
HEAVY = os.environ.get("HEAVY") == "1"
SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
KILLS, PEOPLE = (200, 5000) if HEAVY else (20, 600)
HELD_KILLS, HELD_PEOPLE = (40, 1500) if HEAVY else (8, 300)


def kill_again_and_again(site, relay, kills, people, chance):
    """Kills as many lives of one send at random moments; returns the sessions of each life."""
    lives = []
    for left in range(kills, 0, -1):
        begun = len(relay.sessions)
        before = relay.count()
        # Those in hand at a kill may be held for good.
        missing = people - len({message.recipient for message in relay.taken()}) - CONNECTIONS * len(lives)
        # In the first life a message has to be there: then the digest is planned, and any life goes on with it.
        goal = before + max(chance.randrange(max(1, int(1.6 * missing / (left + 1)))), 1 if left == kills else 0)
        site.start(*(("digest", "send", "daily") if left == kills else ("run",)))
        wait_for("the send to go on", lambda: relay.count() >= goal or site.process.poll() is not None)
        time.sleep(chance.uniform(0, 0.03))
        if site.process.poll() is not None:
            check(False, f"life {site.lives} was at work until it was killed: {site.log()}")
        site.kill()
        wait_for("the connections to end", lambda: relay.open == 0)
        lives.append(relay.sessions[begun:])
    return lives


def repeats_of(lives):
    """For each life, the messages of it that a later life sent again."""
    later, repeated = set(), []
    for sessions in reversed(lives):
        own = [message.recipient for session in sessions for message in session.taken]
        repeated.append([recipient for recipient in own if recipient in later])
        later |= set(own)
    return repeated[::-1]


def check_repeats(relay, lives):
    repeated = repeats_of(lives)
    most = 0
    for sessions, again in zip(lives, repeated):
        own = [message.recipient for session in sessions for message in session.taken]
        in_doubt = {session.taken[-1].recipient for session in sessions if session.taken and not session.has_quit}
        if len(own) != len(set(own)) or not set(again) <= in_doubt or len(again) > CONNECTIONS:
            check(False, f"a life doubled nobody, and {again} were the last on their connections")
        most = max(most, len(again))
    total = sum(map(len, repeated))
    check(True, f"{total} repeats after {len(lives) - 1} kills, at most {most} after one, of {CONNECTIONS} connections; "
                "each was the last on its connection")
    copies = collections.defaultdict(set)
    for message in relay.taken():
        copies[message.recipient].add((message.message_id, message.sha256))
    check(all(len(same) == 1 for same in copies.values()), "what was repeated has the same Message-ID and the same bytes")
    check(len(set.union(*copies.values())) == len(copies), "each recipient has a message of its own")


def killed_and_repeated(root, chance):
    relay = Relay(SEED)
    site = Site(COURANT, root, relay.port)
    people = site.prepare(PEOPLE)
    began = time.monotonic()
    lives = kill_again_and_again(site, relay, KILLS, PEOPLE, chance)
    reached = {message.recipient for message in relay.taken()}
    check(len(reached) < PEOPLE, f"{KILLS} kills while sending, {len(reached)} of {PEOPLE} reached by then")

    begun = len(relay.sessions)
    site.run_on()
    wait_for("everybody", lambda: {message.recipient for message in relay.taken()} == people)
    wait_for("the store to know", lambda: set(site.deliveries().values()) == {"sent"})
    check(site.stop() == 0, f"0 lost: {PEOPLE} have it and are recorded, after {time.monotonic() - began:.0f} s")
    check_repeats(relay, lives + [relay.sessions[begun:]])


def killed_and_held(root, chance):
    relay = Relay(SEED)
    site = Site(COURANT, root, relay.port, uncertain="hold")
    people = site.prepare(HELD_PEOPLE)
    kill_again_and_again(site, relay, HELD_KILLS, HELD_PEOPLE, chance)
    site.run_on()
    settled = {"sent", "uncertain"}
    wait_for("everybody", lambda: set(site.deliveries().values()) <= settled)
    deliveries = site.deliveries()
    site.stop()

    got = [message.recipient for message in relay.taken()]
    check(len(got) == len(set(got)), f"held: nobody has two after {HELD_KILLS} kills")
    uncertain = {f"reader@{domain}" for domain, status in deliveries.items() if status == "uncertain"}
    check(people - set(got) <= uncertain, f"held: the {len(people - set(got))} who have none are shown as uncertain")
    check(len(uncertain) <= HELD_KILLS * CONNECTIONS, f"held: {len(uncertain)} uncertain, no more than were in hand")
    check(len(deliveries) == HELD_PEOPLE, f"held: {len(deliveries)} deliveries, one a subscriber")


print(f"        SEED={SEED}", flush=True)
with tempfile.TemporaryDirectory(prefix="courant-kills-", ignore_cleanup_errors=True) as folder:
    chance = random.Random(SEED)
    killed_and_repeated(pathlib.Path(folder) / "repeated", chance)
    killed_and_held(pathlib.Path(folder) / "held", chance)
