"""Nothing that is secret or somebody's own is in a log, an argument list or the environment of a process without need."""
import glob
import os
import unittest

from common import BUILD, Place, text_message, wait_for
from configuration_test import documented

SERVICES = ("webhook-ingress", "llm-worker", "crm-writer", "reply-sender", "memory-logger")
CHAT, PHONE, NAME, TEXT = "33699887766@c.us", "33699887766", "Planted-Name", "planted words of a customer, zanzibar"


def setUpModule():
    global place
    place = Place(settings={"all": {"MAX_LOG_LEVEL": "debug"}})
    place.begin(*SERVICES, outside=True)


def tearDownModule():
    place.stop()


class Secrets(unittest.TestCase):
    def logs(self):
        """Of our processes: the sandbox is the outside world, the broker's and database's are in their own folders."""
        found = {}
        for path in glob.glob(place.path("*.log")):
            if os.path.basename(path) != "sandbox.log":
                with open(path, encoding="utf-8", errors="replace") as file:
                    found[os.path.basename(path)] = file.read()
        return found

    def test_no_log_holds_a_secret_a_phone_number_a_name_or_a_text(self):
        webhook = text_message(1, TEXT, chat=CHAT, name=NAME)
        # What goes well, and each way in which something goes wrong.
        self.assertEqual(place.post_webhook(webhook)[0], 200)
        self.assertEqual(place.post_webhook(webhook, token="planted-wrong-token")[0], 401)
        broken = dict(text_message(2, TEXT, chat=CHAT, name=NAME), messageData={"typeMessage": TEXT, TEXT: {}})
        self.assertEqual(place.post_webhook(broken)[0], 200)
        self.assertEqual(place.post_webhook(dict(webhook, timestamp=TEXT))[0], 200)
        self.assertEqual(place.post_webhook(dict(webhook, instanceData={"idInstance": 7100000001, "wid": CHAT}))[0], 200)
        self.assertEqual(place.post_webhook(('{"' + TEXT + CHAT).encode())[0], 200)
        self.assertEqual(place.post_webhook(dict(webhook, typeWebhook=TEXT))[0], 200)
        place.wait_answers(CHAT, 1, 30)
        for label in SERVICES:
            self.assertEqual(place.processes[label].stop(), 0)  # their last words count too

        logs = self.logs()
        self.assertEqual(len(logs), 5)
        self.assertIn("webhook_accepted", logs["webhook-ingress.log"])
        planted = {"phone": PHONE, "name": NAME, "text": "zanzibar", "wrong token": "planted-wrong-token", **place.secrets,
                   **{"broker password of " + user: password for user, password in place.broker_passwords.items()},
                   "administrator's password": place.broker["MAX_TEST_ADMIN_PASSWORD"]}
        for log, text in logs.items():
            self.assertGreater(len(text), 0, log)
            for what, value in planted.items():
                # Not assertNotIn: its message would hold the log.
                line = next((line for line in text.splitlines() if value in line), None)
                self.assertIsNone(line, f"{what} in {log}")

    def test_a_process_holds_only_the_secrets_that_it_uses_and_none_among_its_arguments(self):
        secret = {name: users for name, is_secret, users, _ in documented() if is_secret}
        for label in SERVICES:
            with self.subTest(label):
                proc = f"/proc/{place.processes[label].pid}"
                with open(proc + "/environ", "rb") as file:
                    held = dict(pair.split("=", 1) for pair in file.read().decode().split("\0") if "=" in pair)
                for name in held:
                    plain = name.removesuffix("_FILE")
                    if plain in secret:
                        self.assertIn(label, secret[plain], f"{plain} is not for {label}")
                # By value too, should one hide under another name.
                own = {value for name, value in held.items() if label in secret.get(name, ())}
                foreign = (set(place.secrets.values()) | set(place.broker_passwords.values())) - own
                for value in held.values():
                    for other in foreign:
                        if other in value:
                            self.assertEqual(other, place.broker_passwords[label])
                with open(proc + "/cmdline", "rb") as file:
                    self.assertEqual(file.read().decode().rstrip("\0"), os.path.join(os.path.abspath(BUILD), "services", label, label))
