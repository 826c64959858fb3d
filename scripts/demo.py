"""Plays a conversation through a whole installation and reads the result back from outside. Started by scripts/demo."""
import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "support"))
from installation import Installation, NotThere, wait_for  # noqa: E402
from real_services import RealServices, read_env_file  # noqa: E402

FIRST = ["Maria", "Jean", "Amina", "Luc", "Sofia", "Karim", "Elise", "Hugo"]
LAST = ["Vance", "Dupont", "Moreau", "Keller", "Rossi", "Benali", "Fontaine", "Lambert"]
NEEDS = ["une refonte de mon site web", "un logo pour mon restaurant", "une boutique en ligne", "une application mobile"]
ANSWER_SECONDS = 60
BROKEN_SECONDS = 6

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def say(text=""):
    print(text, flush=True)


class Checks:
    """Each comparison is one printed line."""

    def __init__(self):
        self.failed = 0

    def equal(self, what, found, expected):
        self.line(what, found == expected, f"{found!r}" if found == expected else f"{found!r}, expected {expected!r}")

    def true(self, what, condition, detail=""):
        self.line(what, bool(condition), detail)

    def line(self, what, good, detail):
        self.failed += not good
        mark = paint("32", "ok    ") if good else paint("31", "WRONG ")
        say(f"  {mark} {what}: {detail}")


class Story:
    """What the customer says: random values, so that nothing can be hard-wired."""

    def __init__(self, seed):
        draw = random.Random(seed)
        self.first, self.last, self.need = draw.choice(FIRST), draw.choice(LAST), draw.choice(NEEDS)
        self.email = f"{self.first}.{self.last}{draw.randrange(100, 999)}@example.com".lower()
        self.lines = [f"Bonjour, je m'appelle {self.first} {self.last}", f"Je cherche {self.need}", f"Mon e-mail est {self.email}"]


class Watcher:
    """Tells what happened since the last look, from the sandbox's journals."""

    SERVICES = ("openai", "espocrm", "supabase")

    def __init__(self, installation):
        self.installation = installation
        self.seen = {service: len(installation.journal(service)) for service in self.SERVICES}

    def look(self):
        for service in self.SERVICES:
            entries = self.installation.journal(service)
            for entry in entries[self.seen[service]:]:
                self.show(service, entry)
            self.seen[service] = len(entries)

    @staticmethod
    def show(service, entry):
        if entry.get("kind") != "exchange":
            return
        target, method = entry.get("target", "").split("?")[0], entry.get("method", "")
        if service == "openai" and method == "POST":
            try:
                message = json.loads(entry.get("answer", ""))["choices"][0]["message"]
            except (ValueError, LookupError):
                return
            for call in message.get("tool_calls") or []:
                given = {k: v for k, v in json.loads(call["function"]["arguments"]).items() if v is not None}
                say(paint("35", f"    tool call   {call['function']['name']} {json.dumps(given, ensure_ascii=False)}"))
        elif service == "espocrm" and method in ("POST", "PUT", "PATCH"):
            say(paint("33", f"    EspoCRM     {method} {target} -> {entry.get('status')}"))
        elif service == "supabase" and method == "POST":
            say(paint("34", f"    Supabase    {method} {target} -> {entry.get('status')}"))


def converse(installation, story, chat, patience, in_a_hurry):
    """Says each line and waits for its answer. `in_a_hurry`: the second and third line follow each other, swapped on the way."""
    watcher = Watcher(installation)

    def shown():
        watcher.look()
        return installation.answers(chat)
    told = 0
    for number, line in enumerate(story.lines, 1):
        say(paint("1", f"  customer:     {line}"))
        installation.say(chat, line, name=story.first, swap=in_a_hurry and number == 2)
        say("    webhook     posted to webhook-ingress")
        if in_a_hurry and number == 2:
            continue
        try:
            answers = wait_for("an answer", lambda: (lambda a: a if len(a) >= number else None)(shown()), patience, pause=0.1)
            for answer in answers[told:]:
                say(paint("1;32", f"  MAX:          {answer}"))
            told = len(answers)
        except NotThere:
            say(paint("31", f"  no answer to message {number} within {patience} s"))
    try:
        wait_for("the log rows", lambda: len(log_rows(installation, chat, "reply.sent")) >= len(story.lines), patience)
    except NotThere:
        say(paint("31", f"  not all log rows within {patience} s"))
    watcher.look()


def log_rows(installation, chat, kind):
    rows = installation.rows("max_logs", f"kind=eq.{kind}&order=occurred_at.asc")
    return [row for row in rows if row["payload"].get("chat") == chat]


def compare(installation, story, chat):
    """Everything is read from outside: the Lead by the API key, rows by a tenant token, answers from WhatsApp's journal."""
    checks = Checks()
    say("\nRead back from outside:")
    leads = installation.leads(chat)
    checks.equal("crm: one Lead for the chat", len(leads), 1)
    if leads:
        lead = leads[0]
        checks.equal("crm: first name", lead.get("firstName"), story.first)
        checks.equal("crm: last name", lead.get("lastName"), story.last)
        checks.equal("crm: e-mail", lead.get("emailAddress"), story.email)
        checks.equal("crm: phone", lead.get("phoneNumber"), "+" + chat.split("@")[0])
        checks.true("crm: the need is described", story.need.split()[-1] in json.dumps(lead, ensure_ascii=False), story.need)
        checks.equal("crm: tenant", lead.get("tenantId"), getattr(installation, "tenant", "main"))
    turns = log_rows(installation, chat, "turn.completed")
    checks.equal("log: one turn.completed for each message", len(turns), len(story.lines))
    told = [message["text"] for turn in turns for message in turn["payload"].get("messages", [])]
    checks.equal("log: the customer's messages, in order", told, story.lines)
    sent = log_rows(installation, chat, "reply.sent")
    checks.equal("log: one reply.sent for each answer", len(sent), len(story.lines))
    sessions = installation.rows("sessions", f"contact_id=eq.{chat}")
    checks.equal("log: one session of the chat", len(sessions), 1)
    answers = installation.answers(chat)
    checks.equal("reply: one answer for each message", len(answers), len(story.lines))
    decided = [reply["text"] for turn in turns for reply in turn["payload"].get("replies", [])]
    checks.equal("order: the answers as they were decided", answers, decided)
    checks.true("reply: the customer is called by name", any(story.first in answer for answer in answers), story.first)
    return checks.failed


def break_world(installation, what):
    """The sandbox lies in one way: it says that it did what it did not."""
    if what == "crm":
        installation.switch("espocrm", "error", {"method": "POST", "path": "Lead"}, status=200,
                            body={"id": "6b04b4e1024e9ec94", "status": "New"})
    elif what == "log":
        installation.switch("supabase", "error", {"method": "POST", "path": "max_logs"}, status=201, body="")
    elif what == "reply":
        installation.switch("green-api", "error", {"method": "POST", "path": "sendMessage"}, status=200,
                            body={"idMessage": "3EB0C767D097B7C7C030"})


def play_customer(installation, story, chat):
    ports = {"webhooks": installation.webhook_port, "sandbox control": installation.control_port, **installation.sandbox_ports,
             **{f"{name} admin": port for name, port in installation.admin_ports.items()}}
    say("\nPorts on 127.0.0.1: " + ", ".join(f"{name} {port}" for name, port in ports.items()))
    say("Now you are the customer: type a message; Ctrl-C or an empty line with Ctrl-D ends it.")
    count = len(installation.answers(chat))
    watcher = Watcher(installation)
    while True:
        try:
            line = input("  you:          ").strip()
        except EOFError:
            return
        if not line:
            continue
        installation.say(chat, line, name=story.first)
        until = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < until:
            watcher.look()
            answers = installation.answers(chat)
            if len(answers) > count:
                for answer in answers[count:]:
                    say(paint("1;32", f"  MAX:          {answer}"))
                count = len(answers)
                break
            time.sleep(0.1)
        else:
            say(paint("31", f"  no answer within {ANSWER_SECONDS} s; logs: {installation.dir}"))


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo", description="scripts/demo --help tells more")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--break", dest="broken", choices=("crm", "log", "reply", "order"))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--env", metavar="FILE")
    parser.add_argument("--chat", metavar="NUMBER", help="your own WhatsApp number, which plays the customer")
    words = parser.parse_args()

    began = time.monotonic()
    directory = tempfile.mkdtemp(prefix="max-demo.")
    os.chmod(directory, 0o755)
    progress = {"progress": lambda what: say(f"  {time.monotonic() - began:5.1f} s  {what}")}
    try:
        if words.env:
            given = read_env_file(words.env)
            chat = "".join(c for c in words.chat or "" if c.isdigit()) + "@c.us" if words.chat else None
            installation = RealServices(directory, words.build, given=given, own_chat=chat, **progress)
            if "green-api" in installation.real and not chat:
                parser.error("with a real Green-API instance name your own number with --chat: the answers go there")
            say("Real services: " + (", ".join(sorted(installation.real)) or "none; the file names no key"))
        else:
            installation = Installation(directory, words.build, **progress)
        say("Starting (private ports and directories, nothing of your system is touched):")
        with installation:
            say(f"  {time.monotonic() - began:5.1f} s  ready\n\nA conversation (seed {words.seed}):")
            story, chat = Story(words.seed), installation.new_chat()
            if words.broken:
                break_world(installation, words.broken)
            converse(installation, story, chat, BROKEN_SECONDS if words.broken else ANSWER_SECONDS, words.broken == "order")
            failed = compare(installation, story, chat)
            say(f"\n{'all of it is there' if not failed else f'{failed} comparisons failed'}, {time.monotonic() - began:.1f} s")
            if not words.once:
                play_customer(installation, story, chat)
        return 1 if failed else 0
    except NotThere as missing:
        say(paint("31", f"\nnot there: {missing}\nThe logs are in {directory}"))
        words.keep = True
        return 1
    except (OSError, RuntimeError) as error:
        say(paint("31", f"\nnot started: {error}\nThe logs are in {directory}"))
        words.keep = True
        return 5
    except KeyboardInterrupt:
        say("\nended")
        return 130
    finally:
        if not words.keep:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
