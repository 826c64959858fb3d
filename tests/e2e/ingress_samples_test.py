"""Every sample notification against the real process and broker: what tests/samples/green-api/expected.tsv says."""
import csv
import glob
import json
import os
import re
import unittest

from common import SAMPLES, sample, shared_ingress, wait_for

COUNTERS = ("max_webhooks_total", "max_ignored_total", "max_quarantined_total")


def setUpModule():
    global place
    place = shared_ingress()
    place.listen_in("seen")
    place.listen_in("facts", "max.ledger")


def tearDownModule():
    place.forget("seen")
    place.forget("facts")


def counters():
    """{(metric, label, ...): value} of the three that an outcome may move."""
    found = {}
    for line in place.metrics("webhook-ingress").splitlines():
        name, _, rest = line.partition("{")
        if name in COUNTERS:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', rest))
            found[(name, labels.get("type", ""), labels.get("outcome", labels.get("reason", "")))] = float(rest.rsplit(" ", 1)[1])
    return found


def moved(before, after):
    return {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}


def word(message):
    """message.received of max.message.received.v1, from the AMQP property and not the body."""
    return message["properties"]["type"].removeprefix("max.").removesuffix(".v1")


class Samples(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(SAMPLES, "expected.tsv"), encoding="utf-8", newline="") as file:
            cls.rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))

    def test_every_sample_is_listed_and_every_line_has_its_sample(self):
        files = {os.path.relpath(path, SAMPLES) for folder in ("", "bad") for path in glob.glob(os.path.join(SAMPLES, folder, "*.json"))}
        self.assertEqual(files, {row["file"] for row in self.rows})
        self.assertEqual(len(self.rows), 67 + 52)

    def test_each_sample_is_answered_published_and_counted_as_listed(self):
        # The confirm comes before the answer, so what a sample publishes lies in the queue when it is answered.
        for row in self.rows:
            with self.subTest(row["file"]):
                before = counters()
                status, _, _ = place.post_webhook(sample(row["file"]))
                self.assertEqual(status, int(row["status"]))
                messages = place.taken("seen")
                self.assertEqual([word(m) for m in messages], [] if row["publishes"] == "none" else [row["publishes"]])
                self.check_message(row, messages)
                expected = {("max_webhooks_total", row["type"], row["outcome"]): 1}
                if row["ignored"] != "-":
                    expected[("max_ignored_total", "", row["ignored"])] = 1
                if row["quarantine"] != "-":
                    expected[("max_quarantined_total", "", row["quarantine"])] = 1
                self.assertEqual(moved(before, counters()), expected)
                facts = [m["properties"].get("type", "") for m in place.taken("facts")]
                named = [f for f in facts if f in ("muted", "instance")]
                self.assertEqual(named, [] if row["fact"] == "-" else [row["fact"]])

    def check_message(self, row, messages):
        for message in messages:
            envelope = json.loads(message["payload"])
            self.assertTrue(envelope["subject"].startswith("main"), envelope["subject"])
            self.assertTrue(message["routing_key"].startswith(row["publishes"] + ".main."), message["routing_key"])
            self.assertEqual(message["properties"]["delivery_mode"], 2)
            self.assertEqual(envelope["id"], message["properties"]["message_id"])
            if row["kind"] != "-":
                self.assertEqual(envelope["data"]["kind"], row["kind"])
            if row["quarantine"] != "-":
                self.assertEqual(envelope["data"]["reason"], row["quarantine"])
                self.assertEqual(envelope["data"]["size"], len(sample(row["file"])))

    def test_what_was_received_becomes_accepted_facts_behind_the_answer(self):
        place.taken("facts")
        status, _, _ = place.post_webhook(sample("incoming.textMessage.json"))
        self.assertEqual(status, 200)
        received = json.loads(place.taken("seen")[-1]["payload"])["id"]
        seen = []

        def accepted():
            seen.extend(m["payload"] for m in place.taken("facts") if m["properties"].get("type") == "accepted")
            return any(received in text for text in seen)
        wait_for("the accepted fact", accepted, 5)

    def test_a_repeated_webhook_has_the_same_id(self):
        place.taken("seen")
        for _ in range(2):
            self.assertEqual(place.post_webhook(sample("incoming.textMessage.json"))[0], 200)
        ids = [m["properties"]["message_id"] for m in place.taken("seen")]
        self.assertEqual(len(ids), 2)
        self.assertEqual(ids[0], ids[1])
