"""What may lie in a queue, and what happens while an outside service is down."""
import base64
import hashlib
import json
import socket
import struct
import time
import unittest

from inputs import LIMIT, SENTENCES, Inputs, wait_for

MIB = 1024 * 1024


def slot(subject):
    return 0 if "/" not in subject else int(hashlib.sha256(subject.encode()).hexdigest()[-1], 16)


def key_of(kind, subject):
    return f"{kind}.{subject.split('/')[0]}.{slot(subject)}"


def envelope(subject, message, type_="max.message.received.v1", **data):
    now = "2026-11-23T10:00:00.000Z"
    body = {"instance": "7103245718", "provider_id": message, "chat_kind": "person", "sender": subject.split("/")[-1],
            "kind": "text", "text": "Bonjour [5]", "sent_at": now, "received_at": now, "refused_ms": 0, "origin": "webhook"}
    return {"specversion": "1.0", "id": hashlib.sha256(message.encode()).hexdigest()[:32], "source": "/max/webhook-ingress", "type": type_,
            "subject": subject, "time": now, "datacontenttype": "application/json",
            "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01", "data": {**body, **data}}


class Amqp:
    """Just enough of AMQP 0-9-1 to publish with headers that the management API can't write."""

    def __init__(self, port, user, password):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")
        self.expect(10, 10)
        login = b"\0" + user.encode() + b"\0" + password.encode()
        self.method(0, 10, 11, struct.pack(">I", 0) + b"\x05PLAIN" + struct.pack(">I", len(login)) + login + b"\x05en_US")
        self.expect(10, 30)
        self.method(0, 10, 31, struct.pack(">HIH", 1, 131072, 0))
        self.method(0, 10, 40, b"\x01/\x00\x00")
        self.expect(10, 41)
        self.method(1, 20, 10, b"\x00")
        self.expect(20, 11)
        self.method(1, 85, 10, b"\x00")
        self.expect(85, 11)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def frame(self, kind, channel, payload):
        self.socket.sendall(struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce")

    def method(self, channel, class_id, method_id, arguments):
        self.frame(1, channel, struct.pack(">HH", class_id, method_id) + arguments)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the broker closed the connection")
            data += piece
        return data

    def expect(self, class_id, method_id):
        while True:
            kind, _, size = struct.unpack(">BHI", self.exactly(7))
            payload = self.exactly(size + 1)[:-1]
            if kind == 1:
                got = struct.unpack(">HH", payload[:4])
                if got != (class_id, method_id):
                    raise ConnectionError(f"the broker sent {got}: {payload!r}")
                return

    def publish(self, exchange, key, body, table):
        """Waits for the confirm; table: the bytes of the header table."""
        short = lambda text: bytes([len(text)]) + text.encode()  # noqa: E731
        self.method(1, 60, 40, struct.pack(">H", 0) + short(exchange) + short(key) + b"\x00")
        self.frame(2, 1, struct.pack(">HHQH", 60, 0, len(body), 0x3000) + struct.pack(">I", len(table)) + table + b"\x02")
        self.frame(3, 1, body)
        self.expect(60, 80)


def field(name, value):
    return bytes([len(name)]) + name.encode() + value


def every_field():
    """A header table with a field of every kind that RabbitMQ accepts, nested ones too."""
    text = lambda data: b"S" + struct.pack(">I", len(data)) + data  # noqa: E731
    inner = field("s", text(b"x"))
    listed = b"I" + struct.pack(">i", -1) + text(b"y")
    return b"".join(field(name, value) for name, value in (
        ("bool", b"t\x01"), ("i8", b"b\xff"), ("u8", b"B\xff"), ("i16", b"s" + struct.pack(">h", -2)), ("u16", b"u\xff\xff"),
        ("i32", b"I" + struct.pack(">i", -3)), ("u32", b"i" + struct.pack(">I", 3)), ("i64", b"l" + struct.pack(">q", -4)),
        ("float", b"f" + struct.pack(">f", 1.5)), ("double", b"d" + struct.pack(">d", -1e300)),
        ("decimal", b"D\x02" + struct.pack(">I", 314)), ("text", text(b"\xff\xfe not UTF-8 \x00")),
        ("list", b"A" + struct.pack(">I", len(listed)) + listed), ("table", b"F" + struct.pack(">I", len(inner)) + inner),
        ("time", b"T" + struct.pack(">Q", 2**63 - 1)), ("void", b"V"), ("bytes", b"x" + struct.pack(">I", 3) + b"\x00\xff\x00"),
        ("x-delivery-count", text(b"many")), ("x-death", b"V"), ("x-first-death-reason", b"l" + struct.pack(">q", 1)), ("", b"V")))


class Queues(Inputs):
    options = {"settings": {"llm-worker": {"MAX_HOLDING_SECONDS": "2", "MAX_TURN_SECONDS": "4"}, "crm-writer": {"MAX_TURN_SECONDS": "4"}}}

    def publish(self, key, payload, exchange="max.events", headers=None):
        """A dict goes as JSON, text as it is, bytes as bytes; whether any queue took it."""
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        as_bytes = isinstance(payload, bytes)
        answer = self.max.management("POST", f"exchanges/%2F/{exchange}/publish", {
            "properties": {"delivery_mode": 2, "headers": headers or {}}, "routing_key": key,
            "payload": base64.b64encode(payload).decode() if as_bytes else payload,
            "payload_encoding": "base64" if as_bytes else "string"})
        return answer["routed"]

    def letter(self, identity, seconds=LIMIT):
        """(process, reason) of the dead letter with this id."""
        return wait_for(f"a dead letter {identity}", lambda: next(
            ((group["process"], group["reason"]) for group in self.dead() if identity in group["ids"]), None), seconds, 0.3)

    def ends_as(self, expected, cases):
        """cases: {name: (routing key, payload)}; each ends as a dead letter with its reason of `expected`."""
        for name, (key, payload) in cases.items():
            self.assertTrue(self.publish(key, payload), name)
        for name, (key, payload) in cases.items():
            with self.subTest(name):
                if isinstance(payload, dict):
                    identity = payload["id"] + "/dead"
                else:
                    raw = payload if isinstance(payload, bytes) else payload.encode()
                    identity = "unreadable/" + hashlib.sha256(raw).hexdigest()[:32] + "/dead"
                self.assertEqual(self.letter(identity), expected[name])

    def test_what_llm_worker_cannot_use_is_put_aside_and_the_chat_goes_on(self):
        chat = self.max.new_chat()
        while slot("main/" + chat) == slot("main"):
            chat = self.max.new_chat()
        subject = "main/" + chat
        key = key_of("message.received", subject)
        deep = json.dumps(envelope(subject, "deep")).replace('"refused_ms": 0', '"refused_ms": 0, "more": ' + "[" * 60 + "]" * 60)
        missing = envelope(subject, "missing")
        del missing["data"]["text"]
        other = envelope(subject, "slot")
        wrong_slot = f"message.received.main.{(slot(subject) + 1) % 16}"
        cases = {
            "newer version": (key, envelope(subject, "newer", "max.message.received.v2")),
            "a tenant that is not the queue's": (key, envelope("gone/" + chat, "tenant")),
            "a subject without a chat": (key, envelope("main", "chatless")),
            "a subject without a chat in its own slot": (key_of("message.received", "main"), envelope("main", "chatless too")),
            "another chat's slot": (wrong_slot, other),
            "a kind from the future": (key, envelope(subject, "kind", kind="hologram")),
            "a field is missing": (key, missing),
            "over 1 MiB": (key, json.dumps(envelope(subject, "large", text="x" * (MIB + 1000)))),
            "not UTF-8": (key, json.dumps(envelope(subject, "utf8")).encode().replace(b"Bonjour", b"Bonj\xff\xfer")),
            "not JSON": (key, "hello"), "a list": (key, "[1,2,3]"), "nothing": (key, ""), "NUL bytes": (key, b"\x00" * 100),
            "too deep": (key, deep),
        }
        reasons = {"newer version": "unknown-type", "a tenant that is not the queue's": "forged-subject",
                   "a subject without a chat": "forged-subject", "another chat's slot": "forged-subject"}
        self.ends_as({name: ("llm-worker", reasons.get(name, "malformed-body")) for name in cases}, cases)
        self.max.say(chat, "Bonjour [6]")
        self.assertEqual([a for a in self.max.wait_answers(chat, 1, LIMIT) if "[6]" not in a], [], "nothing of the above was answered")

    def test_an_unknown_type_is_called_so(self):
        subject = "main/" + self.max.new_chat()
        self.ends_as({"unknown type": ("llm-worker", "unknown-type")},
                     {"unknown type": (key_of("message.received", subject), envelope(subject, "unknown", "max.message.shouted.v1"))})
        self.still_works()

    def test_what_the_writers_cannot_use_is_put_aside(self):
        chat = self.max.new_chat()
        subject, turn = "main/" + chat, "ab" * 16
        reply = {"purpose": "answer", "part": 1, "parts": 1, "text": "Jamais envoyé", "decided_at": "2026-11-23T10:00:00.000Z", "covers": [turn]}

        def message(kind, identity, data, subject=subject):
            return {**envelope(subject, identity, kind), "id": identity, "turnid": turn, "data": data}
        reply_key, crm_key = key_of("reply.requested", subject), key_of("crm.command", subject)
        cases = {
            "reply of another turn": (reply_key, message("max.reply.requested.v1", "cd" * 16 + "/reply/1", reply)),
            "reply of another tenant": (reply_key, message("max.reply.requested.v1", turn + "/reply/1", reply, "gone/" + chat)),
            "reply with too long a text": (reply_key, message("max.reply.requested.v1", turn + "/reply/2", {**reply, "text": "x" * 4001})),
            "reply without a chat": (key_of("reply.requested", "main"), message("max.reply.requested.v1", turn + "/reply/4", reply, "main")),
            "reply of a newer version": (reply_key, message("max.reply.requested.v2", turn + "/reply/3", reply)),
            "reply that is no JSON": (reply_key, "no reply"),
            "command without calls": (crm_key, message("max.crm.command.v1", turn + "/1", {})),
            "command of a newer version": (crm_key, message("max.crm.command.v2", turn + "/2", {})),
            "command that is not UTF-8": (crm_key, b"\xff\xfe\xfd"),
        }
        reasons = {"reply of another turn": "forged-subject", "reply without a chat": "refused", "reply of another tenant": "forged-subject",
                   "reply of a newer version": "unknown-type", "command of a newer version": "unknown-type"}
        self.ends_as({name: ("reply-sender" if name.startswith("reply") else "crm-writer", reasons.get(name, "malformed-body"))
                      for name in cases}, cases)
        self.max.say(chat, "Je m'appelle Luc Keller, je cherche un logo [1]")
        self.assertEqual(len(self.max.wait_answers(chat, 1, LIMIT)), 1)
        self.assertEqual(len(wait_for("a lead", lambda: self.max.leads(chat), LIMIT)), 1)

    def test_what_memory_logger_cannot_use_is_put_aside_and_the_rows_go_on(self):
        chat = self.max.new_chat()
        subject = "main/" + chat
        key = key_of("turn.completed", subject)
        cases = {
            "unknown type": (key, {**envelope(subject, "log1"), "type": "max.turn.dreamt.v1"}),
            "newer version": (key, {**envelope(subject, "log2"), "type": "max.turn.completed.v2"}),
            "no data of its type": (key, {**envelope(subject, "log3"), "type": "max.turn.completed.v1"}),
            "not JSON": (key, "nothing"), "not UTF-8": (key, b"\xc3\x28"), "over 1 MiB": (key, "y" * (MIB + 1)),
        }
        self.ends_as({name: ("memory-logger", "unknown-type" if name in ("unknown type", "newer version") else "malformed-body")
                      for name in cases}, cases)
        self.max.say(chat, "Bonjour [1]")
        self.assertEqual(self.wait_turns(chat, 1)[0]["how"], "answered")

    def test_a_removed_tenants_webhooks_reach_nobody_and_its_last_rows_are_kept(self):
        chat = self.max.new_chat()
        subject = "gone/" + chat
        self.assertFalse(self.publish(key_of("message.received", subject), envelope(subject, "removed")))
        echo = {"status": "delivered", "instance": "7103245718", "provider_id": "BAE5", "raw": "delivered", "at": "2026-11-23T10:00:00.000Z",
                "received_at": "2026-11-23T10:00:00.000Z"}
        status = {**envelope(subject, "status", "max.message.status.v1"), "data": echo}
        self.assertTrue(self.publish(key_of("message.status", subject), status))
        rows = wait_for("its row", lambda: self.max.rows("max_logs", "kind=eq.message.status", "gone"), LIMIT)
        self.assertEqual([row["tenant_id"] for row in rows], ["gone"])

    def test_headers_of_every_kind_change_nothing(self):
        chat = self.max.new_chat()
        subject = "main/" + chat
        port, password = int(self.max.broker["MAX_TEST_AMQP_PORT"]), self.max.broker["MAX_TEST_ADMIN_PASSWORD"]
        fresh = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        with Amqp(port, "max-admin", password) as broker:
            body = json.dumps(envelope(subject, "headers", sent_at=fresh, received_at=fresh)).encode()
            broker.publish("max.events", key_of("message.received", subject), body, every_field())
            broker.publish("max.events", key_of("turn.completed", subject), b"headers", every_field())
        self.assertIn("[5]", self.max.wait_answers(chat, 1, LIMIT)[0])
        self.assertEqual(self.letter("unreadable/" + hashlib.sha256(b"headers").hexdigest()[:32] + "/dead"), ("memory-logger", "malformed-body"))
        self.max.say(chat, "Bonjour [6]")
        self.max.wait_answers(chat, 2, LIMIT)

    def test_a_model_that_is_down_gives_the_holding_sentence_once_and_then_the_answer(self):
        chat, began = self.max.new_chat(), time.monotonic()
        self.max.switch("openai", "error", status=503, body="{}")
        self.max.say(chat, "Êtes-vous là ? [down]")
        self.assertTrue(self.max.wait_answers(chat, 1, LIMIT)[0].startswith(SENTENCES["holding"]))
        self.assertGreaterEqual(time.monotonic() - began, 2)
        wait_for("it has been down for 8 s", lambda: time.monotonic() - began >= 8, LIMIT)
        self.max.say(chat, "Toujours là ? [8]")
        self.max.clear()
        wait_for("the second message's answer", lambda: any("[8]" in a for a in self.max.answers(chat)), LIMIT)
        turns = wait_for("both are closed", lambda: (lambda t: t if sum(len(x["messages"]) for x in t) == 2 else None)(self.turns(chat)), LIMIT)
        self.assertEqual({turn["how"] for turn in turns}, {"answered"})
        answers = self.max.answers(chat)
        self.assertEqual([a.startswith(SENTENCES["holding"]) for a in answers], [True] + [False] * len(turns), answers)

    def test_a_crm_that_is_down_is_admitted_and_the_lead_is_written_once_it_returns(self):
        chat = self.max.new_chat()
        self.max.switch("espocrm", "error", status=503, body="")
        self.max.say(chat, "Je m'appelle Luc Keller, je cherche un logo [9]")
        answers = self.max.wait_answers(chat, 1, LIMIT)
        self.assertTrue(answers[0].startswith(SENTENCES["deadline"]), answers)
        self.assertEqual(self.wait_turns(chat, 1)[0]["how"], "answered")
        self.max.clear()
        wait_for("the lead", lambda: self.max.leads(chat), LIMIT)
        self.max.say(chat, "Merci [10]")
        wait_for("the next answer", lambda: any("[10]" in a for a in self.max.answers(chat)), LIMIT)
        self.assertEqual([lead["lastName"] for lead in self.max.leads(chat)], ["Keller"])
        self.assertEqual(len(self.max.answers(chat)), 2, "the late result is no message by itself")

    def test_a_database_that_is_down_delays_no_answer_and_its_rows_arrive_after(self):
        self.max.switch("supabase", "error", status=503, body="")
        began, chats = time.monotonic(), [self.max.new_chat() for _ in range(4)]
        for chat in chats:
            self.max.say(chat, "Bonjour [1]")
        for chat in chats:
            self.max.wait_answers(chat, 1, LIMIT)
        self.assertLess(time.monotonic() - began, 8, "the answers did not wait for the database")
        refused = [e for e in self.max.journal("supabase") if e.get("kind") == "exchange" and e.get("status") == 503]
        self.assertGreater(len(refused), 0, "it was down")
        self.max.clear()
        for chat in chats:
            turns = self.wait_turns(chat, 1, 60)
            self.assertEqual([turn["how"] for turn in turns], ["answered"])


if __name__ == "__main__":
    unittest.main()
