"""What the end-to-end tests share: an installation of the build under test, and what must hold for every chat."""
import json
import os
import re
import shutil
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from installation import Installation, http, wait_for  # noqa: E402,F401


def build():
    return os.environ.get("MAX_BUILD", os.path.join(ROOT, "build", "debug"))


REPORT = re.compile(r"^(?:==\d+==\s*ERROR: (?:Address|Leak)Sanitizer|WARNING: ThreadSanitizer|\S+:\d+:\d+: runtime error: ).*$", re.M)


def sanitizer_reports(directory):
    """What the sanitizers of a build with some wrote into the processes' logs: the first line of each report."""
    found = []
    for name in sorted(os.listdir(directory)):
        if name.endswith(".log"):
            with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as log:
                found += [f"{name}: {line}" for line in REPORT.findall(log.read())]
    return found


class World:
    """`with World(...) as installation:`; its directory goes with it unless something failed, a process's memory included."""

    def __init__(self, **options):
        self.directory = tempfile.mkdtemp(prefix="max-e2e.")
        os.chmod(self.directory, 0o755)
        self.installation = Installation(self.directory, build(), **options)

    def __enter__(self):
        return self.installation.__enter__()

    def __exit__(self, kind, value, trace):
        self.installation.__exit__(kind, value, trace)
        reports = sanitizer_reports(self.directory)
        if kind is None and not reports:
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            print(f"kept for a look: {self.directory}", file=sys.stderr)
        if reports:
            raise AssertionError("\n".join(reports)) from value


def numbers(text):
    return [int(n) for n in re.findall(r"\[(\d+)\]", text)]


def covered_once_ascending(test, installation, chat, count):
    """Each numbered message of the chat is covered by exactly one answer, in order."""
    seen = [n for answer in installation.answers(chat) for n in numbers(answer)]
    test.assertEqual(seen, list(range(1, count + 1)), f"chat {chat}: {installation.answers(chat)}")


def rows_once(test, installation, chat, kind):
    rows = [r for r in installation.rows("max_logs", f"kind=eq.{kind}&limit=1000") if r["payload"].get("chat") == chat]
    ids = [r["event_id"] for r in rows]
    test.assertEqual(len(ids), len(set(ids)))
    return rows


def tool_results(installation):
    """What the model was told of its tool calls, by call id, from the requests that it received."""
    results = {}
    for entry in installation.journal("openai"):
        if entry.get("kind") == "exchange" and entry.get("method") == "POST":
            for message in json.loads(entry["request"]).get("messages", []):
                if message.get("role") == "tool":
                    results[message["tool_call_id"]] = json.loads(message["content"])
    return results
