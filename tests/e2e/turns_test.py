"""Turns as a customer and an operator see them, with every process started twice."""
import hashlib
import json
import unittest

from whole import World, covered_once_ascending, rows_once, tool_results, wait_for

TURN = 60


def call(name, call_id, **arguments):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def chat_reply(content=None, calls=None):
    message = {"role": "assistant", "content": content, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4.1-mini",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls" if calls else "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}


LEAD = {name: None for name in ("firstName", "lastName", "title", "accountName", "emailAddress", "phoneNumber", "website", "industry",
                                "addressStreet", "addressCity", "addressState", "addressPostalCode", "addressCountry",
                                "opportunityAmount", "opportunityAmountCurrency", "source", "description")}


class Turns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.max = cls.world.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def setUp(self):
        self.max.clear()
        self.max.control("/openai/scenario", {"steps": []})

    def webhooks_of(self, chat):
        """Notifications of the customer's messages that ingress has answered 200."""
        return len([line for line in self.max.log_lines("webhook-ingress") if '"code":"webhook_accepted"' in line and
                    f'"chat":"{hashlib.sha256(chat.encode()).hexdigest()[:12]}"' in line])

    def nothing_waits(self):
        queues = self.max.script("private-broker", "ctl", self.max.path("broker"), "-q", "list_queues", "name", "messages")
        return all(line.split()[1] == "0" for line in queues.splitlines() if line.startswith(("llm.", "crm.", "reply.")))

    def test_each_process_twice_gives_the_same_in_order(self):
        for name in list(self.max.admin_ports):
            self.max.start_process(name, "-second")
        for name in self.max.admin_ports:
            self.max.wait_ready(name + "-second")
        chats = [self.max.new_chat() for _ in range(6)]
        for number in range(1, 6):
            for chat in chats:
                self.max.say(chat, f"Bonjour [{number}]")
        for chat in chats:
            wait_for("all answers", lambda c=chat: sum(a.count("[") for a in self.max.answers(c)) >= 5, TURN)
            covered_once_ascending(self, self.max, chat, 5)
        for name in self.max.admin_ports:
            self.assertEqual(self.max.processes[name + "-second"].stop(), 0, f"{name} drains and ends with 0")

    def test_three_calls_of_which_one_is_invalid(self):
        chat = self.max.new_chat()
        calls = [call("create_lead", "call_a", **{**LEAD, "firstName": "Ana", "lastName": "Souza"}),
                 call("add_note", "call_b", leadRef="current"),  # no post: refused by the schema
                 call("add_note", "call_c", leadRef="current", post="Wants a quote")]
        self.max.control("/openai/scenario", {"steps": [{"body": chat_reply(calls=calls)}, {"body": chat_reply("C'est fait.")}]})
        self.max.say(chat, "Trois choses")
        self.max.wait_answers(chat, 1, TURN)

        told = list(tool_results(self.max).values())[-3:]
        self.assertEqual(sorted(result["ok"] for result in told), [False, True, True])
        leads = self.max.leads(chat)
        self.assertEqual(len(leads), 1)
        posts = [e for e in self.max.journal("espocrm") if e.get("kind") == "exchange" and e.get("method") == "POST"]
        self.assertEqual(len([e for e in posts if e["target"].endswith("/Note") and "Wants a quote" in e.get("request", "")]), 1)

    def test_a_burst_is_one_turn(self):
        self.max.processes["llm-worker"].stop()
        self.max.extra["llm-worker"] = {"MAX_LINGER_MS": "700"}
        self.max.start_process("llm-worker")
        self.max.wait_ready("llm-worker")
        chat = self.max.new_chat()
        for number in (1, 2, 3):
            self.max.say(chat, f"et aussi [{number}]")
        self.max.wait_answers(chat, 1, TURN)
        covered_once_ascending(self, self.max, chat, 3)
        self.assertEqual(len(self.max.answers(chat)), 1)
        turn = wait_for("its row", lambda: rows_once(self, self.max, chat, "turn.completed"), TURN)[0]
        self.assertEqual(len(turn["payload"]["messages"]), 3)

    def test_a_repeated_webhook_changes_nothing(self):
        chat = self.max.new_chat()
        self.max.say(chat, "Bonjour [1]", times=3)
        self.max.say(chat, "Encore [2]", times=2)
        wait_for("both answers", lambda: sum(a.count("[") for a in self.max.answers(chat)) >= 2, TURN)
        wait_for("every copy was answered 200", lambda: self.webhooks_of(chat) == 5, TURN)
        wait_for("nothing is left", self.nothing_waits, TURN)
        covered_once_ascending(self, self.max, chat, 2)

    def test_a_person_who_takes_over_silences_the_bot(self):
        chat = self.max.new_chat()
        self.max.say(chat, "Bonjour [1]")
        self.max.wait_answers(chat, 1, TURN)
        before = self.max.metric("webhook-ingress", "max_webhooks_total", type="outgoingMessageReceived")
        self.max.control("/green-api/phone", {"chatId": chat, "text": "Je m'en occupe"})
        wait_for("the person's message was answered 200",
                 lambda: self.max.metric("webhook-ingress", "max_webhooks_total", type="outgoingMessageReceived") > before, TURN)
        self.max.say(chat, "Merci [2]")
        wait_for("the turn is closed", lambda: [r for r in rows_once(self, self.max, chat, "turn.completed")
                                                if r["payload"]["how"] == "suppressed"], TURN)
        self.assertEqual(len([a for a in self.max.answers(chat) if "[2]" in a]), 0)

    def test_stop_is_honoured_and_start_ends_it(self):
        chat = self.max.new_chat()
        self.max.say(chat, "STOP")
        self.max.wait_answers(chat, 1, TURN)
        self.max.say(chat, "Encore là ? [1]")
        wait_for("suppressed", lambda: [r for r in rows_once(self, self.max, chat, "turn.completed")
                                        if r["payload"]["how"] == "suppressed"], TURN)
        before = len(self.max.answers(chat))
        self.max.say(chat, "START")
        wait_for("an answer to START", lambda: len(self.max.answers(chat)) > before, TURN)
        self.max.say(chat, "Bonjour [2]")
        wait_for("an answer again", lambda: any("[2]" in a for a in self.max.answers(chat)), TURN)
        self.assertFalse(any("[1]" in a for a in self.max.answers(chat)))

    def test_a_crm_that_commits_and_drops_the_answer_gets_one_lead(self):
        chat = self.max.new_chat()
        self.max.switch("espocrm", "effect-then-error", {"method": "POST", "path": "Lead"}, status=500, body="", times=1)
        self.max.say(chat, "Je m'appelle Luc Keller, je cherche un logo")
        self.max.wait_answers(chat, 1, TURN)
        wait_for("a lead", lambda: self.max.leads(chat), TURN)
        self.assertEqual(len(self.max.leads(chat)), 1)

    def test_whatsapp_sends_and_drops_the_answer_the_customer_sees_one(self):
        chat = self.max.new_chat()
        self.max.switch("green-api", "effect-then-drop", {"method": "POST", "path": "sendMessage"}, times=1)
        self.max.say(chat, "Bonjour [1]")
        self.max.wait_answers(chat, 1, TURN)
        row = wait_for("reply.sent", lambda: rows_once(self, self.max, chat, "reply.sent"), 100)
        self.assertEqual(row[0]["payload"]["status"], "sent")
        self.assertIn(row[0]["payload"]["proof"], ("echo", "queue", "journal"))
        self.assertEqual(len(self.max.answers(chat)), 1)

    def test_no_log_holds_a_secret_a_number_or_a_text(self):
        chat = self.max.new_chat()
        self.max.say(chat, "Mon secret est ZANZIBAR42 [1]")
        self.max.wait_answers(chat, 1, TURN)
        planted = list(self.max.secrets.values()) + list(self.max.broker_passwords.values()) + [chat.split("@")[0], "ZANZIBAR42"]
        for name in self.max.admin_ports:
            text = "\n".join(self.max.log_lines(name))
            for value in planted:
                self.assertNotIn(value, text, name)
        lines = "\n".join(line for name in self.max.admin_ports for line in self.max.log_lines(name))
        for known in ("[GREENAPI_WEBHOOK] Message reçu", "[ChatRoute] Tool calls détectés", "[ESPO_CLIENT] Request: POST",
                      "[SUPABASE] Write to max_logs"):
            self.assertIn(known, lines)


if __name__ == "__main__":
    unittest.main()
