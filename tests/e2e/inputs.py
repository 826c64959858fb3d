"""What the tests of hostile and odd input share: one installation per file, whose processes must all survive it."""
import json
import os
import time
import unittest

from whole import ROOT, World, http, wait_for

LIMIT = 40  # seconds that a condition gets on a busy machine
CRM_FIELDS = ("firstName", "lastName", "title", "accountName", "emailAddress", "phoneNumber", "website", "industry", "addressStreet",
              "addressCity", "addressState", "addressPostalCode", "addressCountry", "opportunityAmount", "opportunityAmountCurrency",
              "source", "description")
SENTENCES = {  # the standard ones in French, by how they begin
    "holding": "Merci pour votre message. Je rencontre un souci technique",
    "deadline": "C'est bien noté. L'enregistrement prend un peu plus de temps",
    "limit": "Merci pour vos messages. Je ne peux pas en traiter davantage",
    "late": "Désolé pour l'attente",
    "unreadable": "Je ne peux pas encore lire ce type de message",
    "neutral": "Merci pour votre message. Je n'ai pas pu y répondre correctement",
}


def create_lead(call_id="call_1", **fields):
    return tool("create_lead", {**dict.fromkeys(CRM_FIELDS), **fields}, call_id)


def tool(name, arguments, call_id="call_1"):
    """A tool call as the model writes it; arguments: a dict, or the text itself."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def completion(content=None, calls=None, finish=None, refusal=None):
    """A response body of Chat Completions; calls: None leaves the key out."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    if calls is not None:
        message["tool_calls"] = calls
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4.1-mini",
            "choices": [{"index": 0, "message": message, "logprobs": None,
                         "finish_reason": finish or ("tool_calls" if calls else "stop")}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}


def sample(name):
    with open(os.path.join(ROOT, "tests", "samples", "green-api", name), encoding="utf-8") as file:
        return json.load(file)


class Inputs(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.world = World(**cls.options)
        cls.prepare(cls.world.installation)
        cls.max = cls.world.__enter__()

    @classmethod
    def prepare(cls, installation):
        """What a file changes of its installation before it starts."""

    @classmethod
    def tearDownClass(cls):
        """Whatever was thrown at them: each process is still the one that was started, ready, and without an exception."""
        problems = []
        try:
            for name in cls.max.admin_ports:
                process = cls.max.processes[name]
                if not process.running():
                    problems.append(f"{name} ended with {process.child.returncode}")
                    continue
                status, _, text = http("GET", f"http://127.0.0.1:{process.admin}/readyz")
                if status != 200:
                    problems.append(f"{name} is not ready: {text}")
                problems += [f"{name}: {line}" for line in cls.max.log_lines(name) if '"handler_threw"' in line or '"given_up_threw"' in line]
        finally:
            failed = AssertionError if problems else None
            cls.world.__exit__(failed, None, None)
        if problems:
            raise AssertionError("\n".join(problems))

    def setUp(self):
        self.max.clear()
        self.script()

    def script(self, *steps):
        self.max.control("/openai/scenario", {"steps": list(steps)})

    def asked(self, marker):
        """The requests in which the model was shown this text, oldest first."""
        found = [json.loads(e["request"]) for e in self.max.journal("openai") if e.get("kind") == "exchange" and
                 e.get("method") == "POST" and "request" in e and e["target"].endswith("/chat/completions")]
        return [r for r in found if any(marker in str(m.get("content")) for m in r["messages"] if m["role"] == "user")]

    def shown(self, marker):
        """The person's newest words in the last request that holds the marker: what the model sees of a message."""
        users = [m["content"] for m in self.asked(marker)[-1]["messages"] if m["role"] == "user"]
        return users[-1]

    def told(self, marker):
        """Every result of a tool call that the model was told in the turn of this text, by call id."""
        return {m["tool_call_id"]: json.loads(m["content"]) for r in self.asked(marker) for m in r["messages"] if m["role"] == "tool"}

    def dead(self):
        return json.loads(self.max.maxctl("dead", "list", "--json").stdout)

    def turns(self, chat, tenant="main"):
        rows = self.max.rows("max_logs", "kind=eq.turn.completed&limit=1000&order=occurred_at", tenant)
        return [r["payload"] for r in rows if r["payload"].get("chat") == chat]

    def wait_turns(self, chat, count, seconds=LIMIT):
        return wait_for(f"{count} turns of {chat}", lambda: (lambda t: t if len(t) >= count else None)(self.turns(chat)), seconds)

    def wait_asked(self, marker, count=1):
        return wait_for(f"the model is asked about {marker}", lambda: (lambda a: a if len(a) >= count else None)(self.asked(marker)), LIMIT)

    def listen(self, key):
        """A queue of the test's own that takes what goes through max.events from now on; read it with taken()."""
        queue = "test." + self.id().rsplit(".", 1)[1]
        self.max.management("PUT", f"queues/%2F/{queue}", {"durable": True, "arguments": {"x-queue-type": "classic"}})
        self.addCleanup(self.max.management, "DELETE", f"queues/%2F/{queue}")
        self.max.management("POST", f"bindings/%2F/e/max.events/q/{queue}", {"routing_key": key})
        return queue

    def taken(self, queue):
        """Removes and returns the envelopes that lie in it."""
        found = self.max.management("POST", f"queues/%2F/{queue}/get",
                                    {"count": 1000, "ackmode": "ack_requeue_false", "encoding": "auto"})
        return [json.loads(message["payload"]) for message in found]

    def ignored(self, reason):
        return self.max.metric("webhook-ingress", "max_ignored_total", reason=reason)

    def notify(self, body, **more):
        self.max.control("/green-api/notify", {"body": body, **more})

    def send_sample(self, name, chat, **changes):
        """A notification of tests/samples/green-api as if it came now from this chat; its idMessage."""
        body = sample(name)
        body.update({"timestamp": int(time.time()), "idMessage": f"SAMPLE{time.monotonic_ns()}", **changes})
        sender = chat if not chat.endswith("@g.us") else body["senderData"]["sender"]
        body["senderData"] = {**body["senderData"], "chatId": chat, "sender": sender}
        self.notify(body)
        return body["idMessage"]

    def still_works(self):
        """A good message is handled after everything else."""
        chat = self.max.new_chat()
        self.max.say(chat, "Bonjour [1]")
        self.assertIn("[1]", self.max.wait_answers(chat, 1, LIMIT)[0])
