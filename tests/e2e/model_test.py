"""What a model may answer: wrong shapes, wrong calls, errors, silence. The person gets one sensible answer, soon or later."""
import json
import unittest

from inputs import LIMIT, SENTENCES, Inputs, completion, create_lead, tool, wait_for

MODEL_SECONDS = 2
GOOD = "Une bonne réponse."
HTML = {"status": 502, "headers": {"Content-Type": "text/html"}, "bodyText": "<html><head><title>502 Bad Gateway</title></head></html>"}
NO_CHOICES = {**completion(), "choices": []}
NO_MESSAGE = {**completion(), "choices": [{"index": 0, "finish_reason": "stop"}]}
DEEP = '{"choices":' + "[" * 5000 + "]" * 5000 + "}"
HALF_EMOJI = json.dumps(completion("demi")).replace("demi", "demi \\ud83d")


def note(call_id):
    return tool("add_note", {"leadRef": "current", "post": "Veut un devis"}, call_id)


def good(**how):
    return {"body": completion(GOOD), **how}


# Answered by something else than a good answer the first time; asked again, the model behaves.
ASKED_AGAIN = {
    "no choices": {"body": NO_CHOICES},
    "no message": {"body": NO_MESSAGE},
    "choices of null": {"body": {**completion(), "choices": None}},
    "html 502": HTML,
    "html 200": {**HTML, "status": 200},
    "error in a 200": {"body": {"error": {"message": "upstream failed", "code": 502}}},
    "half a body": {"bodyText": '{"id":"chatcmpl-1","choices":[{"index":0,"mess'},
    "nothing at all": {"bodyText": ""},
    "too deep": {"bodyText": DEEP},
    "half an emoji": {"bodyText": HALF_EMOJI},
    "cut off on the way": {"body": completion("Trop court"), "cut": 60},
    "too late": {"body": completion("Trop tard"), "delay": MODEL_SECONDS * 1000 + 1500},
    "503": {"status": 503, "body": {"error": {"message": "overloaded", "type": "server_error", "code": None}}},
    "a first answer that is too long": {"body": completion("Coupé au mil", finish="length")},
}
# Told to the person at once, without asking again.
SAID = {
    "empty tool calls": ({"body": completion("Avec une liste vide.", calls=[])}, "Avec une liste vide."),
    "empty text": ({"body": completion("")}, "neutral"),
    "only blanks": ({"body": completion(" \n\t ")}, "neutral"),
    "no text": ({"body": completion(None)}, "neutral"),
    "empty tool calls and no text": ({"body": completion(None, calls=[], finish="tool_calls")}, "neutral"),
    "refusal": ({"body": completion(None, refusal="I can't help with that.")}, "neutral"),
    "filtered": ({"body": completion("Une moiti", finish="content_filter")}, "neutral"),
    "filtered before": ({"status": 400, "body": {"error": {"message": "flagged", "type": "invalid_request_error",
                                                          "code": "content_filter"}}}, "neutral"),
    "too long twice": ({"body": completion("Une phrase entière. Une autre cou", finish="length"), "times": 2}, "Une phrase entière."),
    "too long twice without a sentence": ({"body": completion("sans fin", finish="length"), "times": 2}, "neutral"),
}
# Calls, and what each is told, by the place of the call: None when the CRM has done it, else the error's code.
CALLS = {
    "unknown tool": ([tool("launch_rocket", {"now": True})], ["unknown_tool"]),
    "a tool without a name": ([tool("", {})], ["unknown_tool"]),
    "the same id twice": ([create_lead("same", lastName="Keller"), note("same")], [None, None]),
    "no id": ([create_lead("", lastName="Keller")], [None]),
    "a hostile id": ([create_lead("../" * 50 + "\u202e\"", lastName="Keller")], [None]),
    "arguments that are no JSON": ([tool("create_lead", '{"lastName": Keller')], ["invalid_arguments"]),
    "arguments that are a list": ([tool("create_lead", "[1,2]")], ["invalid_arguments"]),
    "no arguments": ([tool("create_lead", "")], ["invalid_arguments"]),
    "1 MB of arguments": ("huge.json", ["invalid_arguments"]),
    "arguments of deep lists": ("deep.json", ["invalid_arguments"]),
    "the same call twice": ([create_lead("one", lastName="Keller"), create_lead("two", lastName="Keller")], [None, "already_called"]),
    "a lead that is not theirs": ([tool("add_note", {"leadRef": "6b047fcb060acccc9", "post": "Bonjour"})], ["unknown_reference"]),
    "an address nobody gave": ([create_lead(lastName="Keller", emailAddress="not.said@example.com")], ["not_said"]),
}


class Model(Inputs):
    options = {"settings": {"llm-worker": {"MAX_MODEL_SECONDS": str(MODEL_SECONDS)}}}

    @classmethod
    def prepare(cls, installation):
        """What is too large for the control API lies in a file."""
        installation.sandbox_changes = {"openai": {"samples": installation.dir}}
        calls = {"huge": [create_lead(lastName="Keller", description="d" * 1_000_000)],
                 "many": [create_lead(f"call_{n}", lastName=f"Keller {n}") for n in range(200)],
                 "deep": [tool("create_lead", "[" * 100_000)]}
        for name, made in calls.items():
            with open(installation.path(name + ".json"), "w", encoding="utf-8") as file:
                json.dump({"status": 200, "body": completion("Un instant.", calls=made)}, file)

    def say_each(self, cases):
        """One chat for each case, whose message its steps answer; {case: (marker, chat)}."""
        steps, chats = [], {}
        for name, its_steps in cases.items():
            marker = f"[case {name}]"
            steps += [{"match": json.dumps(marker, ensure_ascii=False)[1:-1], **step} for step in its_steps]
            chats[name] = (marker, self.max.new_chat())
        self.script(*steps)
        for marker, chat in chats.values():
            self.max.say(chat, f"Bonjour {marker}")
        return chats

    def go_on(self, chats):
        """What came before spoils no later turn: its history is acceptable, and nothing was dead-lettered."""
        self.script()
        for number, (_, chat) in enumerate(chats.values()):
            self.max.say(chat, f"Encore une question [{number}]")
        for number, (name, (_, chat)) in enumerate(chats.items()):
            with self.subTest("afterwards: " + name):
                wait_for("the next answer", lambda c=chat, n=number: any(f"[{n}]" in a for a in self.max.answers(c)), LIMIT)
        self.assertEqual(self.dead(), [])

    def test_a_reply_that_is_none_is_asked_for_again(self):
        chats = self.say_each({name: [step, good()] for name, step in ASKED_AGAIN.items()})
        for name, (marker, chat) in chats.items():
            with self.subTest(name):
                self.assertEqual(self.max.wait_answers(chat, 1, LIMIT), [GOOD])
                self.assertEqual(len(self.wait_asked(marker, 2)), 2)
        self.go_on(chats)
        for marker, chat in chats.values():
            self.assertEqual(len(self.max.answers(chat)), 2, "what came too late was not sent either")

    def test_a_reply_without_an_answer_becomes_one_sentence(self):
        chats = self.say_each({name: [step] for name, (step, _) in SAID.items()})
        for name, (_, chat) in chats.items():
            with self.subTest(name):
                answers = self.max.wait_answers(chat, 1, LIMIT)
                self.assertEqual(len(answers), 1)
                expected = SAID[name][1]
                self.assertTrue(answers[0].startswith(SENTENCES.get(expected, expected)), answers)
        self.go_on(chats)

    def test_calls_are_done_or_told_as_errors_and_the_turn_ends_with_one_answer(self):
        def first(calls):
            return {"sample": calls} if isinstance(calls, str) else {"body": completion("Un instant.", calls=calls)}
        chats = self.say_each({name: [{"round": 0, **first(calls)}, good(round=1)] for name, (calls, _) in CALLS.items()})
        for name, (marker, chat) in chats.items():
            with self.subTest(name):
                self.assertEqual(self.max.wait_answers(chat, 1, LIMIT), [GOOD])
                expected = CALLS[name][1]
                results = list(self.told(marker).values())
                self.assertEqual([r.get("error", {}).get("code") for r in results], expected, results)
                self.assertEqual([r["ok"] for r in results], [code is None for code in expected])
                wanted = 1 if expected[0] is None else 0
                self.assertEqual(len(self.max.leads(chat)), wanted)
        self.go_on(chats)

    def test_two_hundred_calls_do_a_few_things_once(self):
        chats = self.say_each({"200 calls": [{"round": 0, "sample": "many.json"}, good(round=1)]})
        marker, chat = chats["200 calls"]
        self.assertEqual(self.max.wait_answers(chat, 1, LIMIT), [GOOD])
        results = list(self.told(marker).values())
        self.assertEqual([r["ok"] for r in results], [True] + [False] * (len(results) - 1))
        self.assertLessEqual(len(results), 16)
        self.assertEqual([lead["lastName"] for lead in self.max.leads(chat)], ["Keller 0"])
        self.go_on(chats)

    def test_a_model_that_never_stops_calling_is_stopped_with_an_honest_sentence(self):
        chats = self.say_each({"for ever": [{"times": 0, "body": completion(calls=[tool("launch_rocket", {})])}]})
        marker, chat = chats["for ever"]
        self.assertTrue(self.max.wait_answers(chat, 1, LIMIT)[0].startswith(SENTENCES["limit"]))
        self.assertLessEqual(len(self.asked(marker)), 5)
        self.go_on(chats)

    def test_a_very_long_answer_comes_in_three_parts(self):
        chats = self.say_each({"a book": [{"body": completion("Une phrase de plus. " * 5_000)}]})
        _, chat = chats["a book"]
        parts = self.max.wait_answers(chat, 3, LIMIT)
        self.assertEqual(len(parts), 3)
        self.assertTrue(all(len(part) <= 4000 for part in parts))

    def test_a_rate_limit_is_waited_for_as_long_as_the_provider_says(self):
        limited = {"status": 429, "headers": {"Retry-After": "3"},
                   "body": {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}}
        chats = self.say_each({"limited": [limited, good()]})
        marker, chat = chats["limited"]
        self.assertEqual(self.max.wait_answers(chat, 1, LIMIT), [GOOD])
        times = [e["at"] for e in self.max.journal("openai") if e.get("kind") == "exchange" and marker in e.get("request", "")]
        self.assertEqual(len(times), 2)
        self.assertGreaterEqual(times[1] - times[0], 3000)
        self.go_on(chats)

    def test_a_refused_key_loses_nothing(self):
        chats = {}
        for name, status, body in (("key", 401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}),
                                   ("bill", 429, {"error": {"message": "No quota", "code": "insufficient_quota"}}),
                                   ("model", 404, {"error": {"message": "No such model", "code": "model_not_found"}})):
            chats[name] = (f"[refused {name}]", self.max.new_chat())
            self.max.switch("openai", "error", {"body": f"[refused {name}]"}, status=status, body=json.dumps(body))
            self.max.say(chats[name][1], f"Bonjour [refused {name}] [7]")
        waits = lambda: self.max.metric("llm-worker", "max_retries_total")  # noqa: E731
        before = waits()
        wait_for("each has waited", lambda: waits() >= before + 3, LIMIT)
        self.assertEqual([self.max.answers(chat) for _, chat in chats.values()], [[], [], []])
        self.still_works()
        self.max.clear()
        for name, (_, chat) in chats.items():
            with self.subTest(name):
                answers = self.max.wait_answers(chat, 1, LIMIT)
                self.assertEqual(len(answers), 1)
                self.assertIn("[7]", answers[0])
        self.go_on(chats)


if __name__ == "__main__":
    unittest.main()
