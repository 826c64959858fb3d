"""What people write: every kind of message, changes of messages, odd times and identities, two tenants."""
import hashlib
import re
import time
import unittest

from inputs import LIMIT, SENTENCES, Inputs, completion, wait_for

KINDS = {  # what the model is shown of each
    "incoming.audioMessage.json": "[The customer sent a voice message, which can't be heard here. Ask for text.]",
    "incoming.imageMessage.json": "[The customer sent a picture, which can't be seen here.] Is this the right tooth?",
    "incoming.stickerMessage.json": "[The customer sent a sticker.]",
    "incoming.contactMessage.json": "[The customer sent a contact card of another person: Sam Reed (+12025550187);]",
    "incoming.locationMessage.json": "[The customer sent a location: 38.89732, -77.00630, Union Station, "
                                     "50 Massachusetts Ave NE, Washington, DC]",
    "incoming.pollMessage.json": "[The customer sent a poll: Which day? Options: Thursday, Friday]",
    "incoming.videoMessage.json": "[The customer sent a video, which can't be seen here.]",
    "incoming.groupInviteMessage.json": "[The customer sent an invitation to a group.]",
    "incoming.unknownTypeMessage.json": "[The customer sent something that can't be shown here.]",
}
HOSTILE_IDS = ("../../../../etc/passwd", "' OR 1=1; DROP TABLE max_logs; --", '{"$ne": null}', "%00%2e%2e%2f", "a\nb\r\nX-Evil: 1",
               "nul\u0000nul", "💥" * 64, "x" * 256, "deadbeef/reply/1", " ", "<script>", "*,(),.eq.", "\u202eevil\u200b")


class Messages(Inputs):
    options = {"tenants": ("main", "second"), "settings": {"llm-worker": {"MAX_LINGER_MS": "600"}}}

    def id_of(self, chat, message, tenant="main"):
        text = "\n".join((self.max.instance_of(tenant), "incomingMessageReceived", chat, message))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def shown_of(self, chat, message):
        """What the model was shown of one message; None: nothing."""
        mark = f'<customer_message id="{self.id_of(chat, message)[:8]}">'
        requests = self.asked(mark)
        if not requests:
            return None
        users = [m["content"] for m in requests[-1]["messages"] if m["role"] == "user" and mark in m["content"]]
        return re.search(re.escape(mark) + "(.*?)</customer_message>", users[-1], re.DOTALL).group(1)

    def change(self, chat, kind, message, text=None):
        data = {"stanzaId": message, **({"textMessage": text} if text else {})}
        return self.max.say(chat, "", messageData={"typeMessage": f"{kind}Message", f"{kind}MessageData": data})["idMessage"]

    def how(self, chat, count):
        return [(turn["how"], turn.get("reason")) for turn in self.wait_turns(chat, count)]

    def test_the_model_sees_words_for_everything_that_is_no_text(self):
        sent = {}
        for name in KINDS:
            chat = self.max.new_chat()
            sent[name] = (chat, self.send_sample(name, chat))
        for name, (chat, message) in sent.items():
            with self.subTest(name):
                self.assertEqual(len(self.max.wait_answers(chat, 1, LIMIT)), 1)
                shown = self.shown_of(chat, message)
                self.assertTrue(shown.startswith(KINDS[name]), shown)

    def test_a_vote_of_a_poll_is_told_with_what_was_chosen(self):
        chat = self.max.new_chat()
        message = self.max.say(chat, "", messageData={"typeMessage": "pollUpdateMessage", "pollMessageData": {
            "stanzaId": "POLL1", "name": "Quel jour ?", "multipleAnswers": False,
            "votes": [{"optionName": "Jeudi", "optionVoters": [chat]}, {"optionName": "Vendredi", "optionVoters": []}]}})["idMessage"]
        self.max.wait_answers(chat, 1, LIMIT)
        self.assertEqual(self.shown_of(chat, message), "[The customer voted for: Jeudi in: Quel jour ?]")

    def test_what_nobody_can_read_gets_a_polite_sentence_without_the_model(self):
        chats = {}
        for name in ("incoming.textMessage.SWE001.json", "incoming.videoMessage.SWE002.json"):
            chat = self.max.new_chat()
            chats[chat] = self.send_sample(name, chat)
        for chat, message in chats.items():
            answers = self.max.wait_answers(chat, 1, LIMIT)
            self.assertEqual(len(answers), 1)
            self.assertTrue(answers[0].startswith(SENTENCES["unreadable"]), answers)
            self.assertIsNone(self.shown_of(chat, message))

    def test_a_reaction_is_no_message(self):
        chat, before = self.max.new_chat(), self.ignored("reaction")
        for name in ("incoming.reactionMessage.json", "incoming.reactionMessage.removed.json"):
            self.send_sample(name, chat)
        wait_for("both are counted", lambda: self.ignored("reaction") == before + 2, LIMIT)
        self.still_works()
        self.assertEqual((self.max.answers(chat), self.turns(chat)), ([], []))

    def test_an_edit_of_a_waiting_message_replaces_it(self):
        chat = self.max.new_chat()
        first = self.max.say(chat, "Je veux 3 chaises")["idMessage"]
        self.change(chat, "edited", first, "Je veux 5 chaises.")
        self.assertEqual(len(self.max.wait_answers(chat, 1, LIMIT)), 1)
        self.assertEqual(self.shown_of(chat, first), "Je veux 5 chaises.")
        self.assertEqual(len(self.wait_turns(chat, 1)[0]["messages"]), 2)

    def test_a_waiting_message_that_is_deleted_is_never_shown(self):
        chat = self.max.new_chat()
        deleted = self.max.say(chat, "Oubliez ce secret")["idMessage"]
        self.change(chat, "deleted", deleted)
        self.assertEqual(self.how(chat, 1), [("suppressed", "empty")])
        chat = self.max.new_chat()
        deleted = self.max.say(chat, "Oubliez aussi ce secret")["idMessage"]
        self.change(chat, "deleted", deleted)
        kept = self.max.say(chat, "Quels sont vos horaires ?")["idMessage"]
        self.assertEqual(len(self.max.wait_answers(chat, 1, LIMIT)), 1)
        self.assertEqual(self.shown_of(chat, kept), "Quels sont vos horaires ?")
        self.assertEqual(self.asked("ce secret"), [])

    def test_a_change_while_the_model_thinks_makes_no_second_answer(self):
        for kind in ("edited", "deleted"):
            with self.subTest(kind):
                chat, marker = self.max.new_chat(), f"[thinking {kind}]"
                self.script({"match": marker, "delay": 1000, "body": completion(f"Réponse {marker}")})
                first = self.max.say(chat, f"Deux tables. {marker}.")["idMessage"]
                self.wait_asked(marker)
                self.change(chat, kind, first, "Trois tables." if kind == "edited" else None)
                self.assertEqual(self.how(chat, 2), [("answered", None), ("suppressed", "edit" if kind == "edited" else "deletion")])
                self.assertEqual(self.max.answers(chat), [f"Réponse {marker}"])
                self.assertEqual(len(self.asked(marker)), 1)

    def test_a_change_of_what_was_answered_or_never_seen_is_kept_and_not_answered(self):
        for kind, reason in (("edited", "edit"), ("deleted", "deletion")):
            with self.subTest(kind):
                chat = self.max.new_chat()
                first = self.max.say(chat, "Bonjour [1].")["idMessage"]
                self.max.wait_answers(chat, 1, LIMIT)
                self.wait_turns(chat, 1)
                self.change(chat, kind, first, "Bonsoir [2]." if kind == "edited" else None)
                self.assertEqual(self.how(chat, 2)[1], ("suppressed", reason))
                unknown = self.max.new_chat()
                self.change(unknown, kind, "NEVERSEEN", "Bonsoir [3]." if kind == "edited" else None)
                self.assertEqual(self.how(unknown, 1), [("suppressed", reason)])
                self.assertEqual((len(self.max.answers(chat)), self.max.answers(unknown)), (1, []))
                # The chat goes on, without the change as a message of its own.
                self.max.say(chat, "Merci [4].")
                self.assertIn("[4]", self.max.wait_answers(chat, 2, LIMIT)[1])

    def test_the_same_text_fifty_times_is_one_conversation_and_every_copy_is_accounted_for(self):
        chat = self.max.new_chat()
        sent = [self.max.say(chat, "Allô ?")["idMessage"] for _ in range(50)]
        turns = wait_for("all are closed", lambda: (lambda t: t if sum(len(x["messages"]) for x in t) >= 50 else None)(self.turns(chat)), LIMIT)
        covered = [m["provider_id"] for turn in turns for m in turn["messages"]]
        self.assertEqual(sorted(covered), sorted(sent), "each message in exactly one turn")
        answered = [turn for turn in turns if turn["how"] == "answered"]
        answers = self.max.wait_answers(chat, len(answered), LIMIT)
        self.assertEqual(len(answers), len(answered))
        self.assertGreater(len(answers), 0)
        self.assertLessEqual(len([a for a in answers if a.startswith(SENTENCES["limit"])]), 1)

    def test_times_that_cannot_be_true_count_as_now_and_yesterday_gets_the_late_sentence_once(self):
        now = int(time.time())
        for timestamp in (0, -5, now + 86_400, now * 1000):
            with self.subTest(timestamp):
                chat = self.max.new_chat()
                self.max.say(chat, "Quelle heure ? [1].", timestamp=timestamp)
                self.assertIn("[1]", self.max.wait_answers(chat, 1, LIMIT)[0])
        chat = self.max.new_chat()
        self.max.say(chat, "Hier [marker yesterday]. [1]", timestamp=now - 86_400)
        self.assertTrue(self.max.wait_answers(chat, 1, LIMIT)[0].startswith(SENTENCES["late"]))
        self.wait_turns(chat, 1)
        self.max.say(chat, "Hier aussi [marker yesterday]. [2]", timestamp=now - 86_300)
        self.assertEqual(self.how(chat, 2), [("answered", None), ("suppressed", "too-old")])
        self.assertEqual((len(self.max.answers(chat)), self.asked("[marker yesterday]")), (1, []))

    def test_hostile_identities_are_names_and_nothing_else(self):
        sent = {}
        for message in HOSTILE_IDS:
            chat = self.max.new_chat()
            sent[chat] = message
            self.max.say(chat, f"Bonjour [{len(sent)}].", idMessage=message)
        for number, (chat, message) in enumerate(sent.items(), 1):
            with self.subTest(repr(message[:20])):
                answers = self.max.wait_answers(chat, 1, LIMIT)
                self.assertEqual(len(answers), 1)
                self.assertIn(f"[{number}]", answers[0])
                kept = self.wait_turns(chat, 1)[0]["messages"]
                # PostgreSQL keeps no NUL; everything else comes back as it was.
                self.assertEqual([m["provider_id"].replace("\ufffd", "") for m in kept], [message.replace("\u0000", "")])
        self.assertEqual([group for group in self.dead() if group["tenants"] == ["main"]], [])

    def test_an_identity_beyond_256_bytes_or_empty_is_put_aside(self):
        before = self.max.metric("webhook-ingress", "max_quarantined_total", reason="malformed")
        for message in ("x" * 257, ""):
            self.send_sample("incoming.textMessage.json", self.max.new_chat(), idMessage=message)
        wait_for("both are quarantined",
                 lambda: self.max.metric("webhook-ingress", "max_quarantined_total", reason="malformed") == before + 2, LIMIT)
        rows = wait_for("their rows", lambda: (lambda r: r if len(r) >= 2 else None)(self.max.rows("max_logs", "kind=eq.webhook.quarantined")), LIMIT)
        self.assertEqual({row["payload"]["reason"] for row in rows}, {"malformed"})

    def test_two_tenants_with_the_same_message_id_and_chat_stay_apart(self):
        chat, message = self.max.new_chat(), "SAMEFORBOTH"
        for tenant, name in (("main", "Luc Keller"), ("second", "Ana Souza")):
            self.max.say(chat, f"Je m'appelle {name}, je cherche un logo pour {tenant}.", name=name, idMessage=message,
                         instance=int(self.max.instance_of(tenant)))
        for tenant, name in (("main", "Luc Keller"), ("second", "Ana Souza")):
            turn = wait_for(f"{tenant}'s turn", lambda t=tenant: self.turns(chat, t), LIMIT)
            self.assertEqual(len(turn), 1)
            self.assertEqual((turn[0]["how"], turn[0]["messages"][0]["provider_id"]), ("answered", message))
            self.assertIn(tenant, turn[0]["messages"][0]["text"])
            replies = wait_for(f"{tenant}'s answer", lambda t=tenant: [
                r["payload"] for r in self.max.rows("max_logs", "kind=eq.reply.sent&limit=1000", t) if r["payload"].get("chat") == chat], LIMIT)
            self.assertEqual([r["status"] for r in replies], ["sent"])
            leads = [lead for lead in self.max.leads(chat) if lead["tenantId"] == tenant]
            self.assertEqual([lead["name"] for lead in leads], [name])
        self.assertEqual(len(self.max.leads(chat)), 2)
        self.assertEqual(len(self.max.answers(chat)), 2)


if __name__ == "__main__":
    unittest.main()
