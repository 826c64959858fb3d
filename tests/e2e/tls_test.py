"""Everything through TLS with a private CA; and what a wrong CA or a wrong name comes to."""
import json
import shutil
import tempfile
import unittest

from whole import World, covered_once_ascending, http, rows_once, wait_for
from installation import free_ports  # whole has put tests/support into the path
from tls import Proxy, Tls

TURN = 60
CALLERS = {"llm-worker": "openai", "crm-writer": "espocrm", "reply-sender": "green-api", "memory-logger": "supabase"}


class Encrypted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = tempfile.mkdtemp(prefix="max-e2e-tls.")
        cls.addClassCleanup(shutil.rmtree, cls.certificates, ignore_errors=True)
        cls.tls = Tls(cls.certificates)
        cls.world = World(tls=cls.tls)
        cls.max = cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__, None, None, None)

    def setUp(self):
        self.marks = {name: len(self.max.log_lines(name)) for name in self.max.admin_ports}

    def new_lines(self, label, *words):
        """Lines of this case's log that hold all the words."""
        return [line for line in self.max.log_lines(label)[self.marks.get(label, 0):] if all(word in line for word in words)]

    def no_secret_in(self, *labels):
        planted = list(self.max.secrets.values()) + list(self.max.broker_passwords.values())
        for label in labels:
            text = "\n".join(self.max.log_lines(label))
            self.assertEqual([value for value in planted if value in text], [], label)

    def test_a_conversation_works_end_to_end(self):
        def encrypted():  # the management plugin learns of connections within some seconds
            found = [c["ssl"] for c in self.max.management("GET", "connections") if c.get("user") in CALLERS and "ssl" in c]
            return found if len(found) >= 8 else None
        self.assertEqual(set(wait_for("two connections of each", encrypted, 20)), {True})
        chat = self.max.new_chat()
        self.max.say(chat, "Bonjour [1], je m'appelle Ana Souza")
        self.max.wait_answers(chat, 1, TURN)
        self.max.say(chat, "Je cherche un logo [2]")
        wait_for("both answers", lambda: any("[2]" in a for a in self.max.answers(chat)), TURN)
        covered_once_ascending(self, self.max, chat, 2)
        self.assertEqual(len(wait_for("a lead", lambda: self.max.leads(chat), TURN)), 1)
        wait_for("its rows", lambda: len(rows_once(self, self.max, chat, "reply.sent")) == 2, TURN)
        for service, proxy in self.tls.proxies.items():
            self.assertGreater(proxy.handshakes, 0, service)

    def outside_with(self, certificate, reason):
        """Every service shows this certificate: no request is sent, nobody gives up, and all goes on once it is right."""
        chat = self.max.new_chat()
        self.tls.use(certificate)
        self.addCleanup(self.tls.use, self.tls.good)
        before = {service: proxy.handshakes for service, proxy in self.tls.proxies.items()}
        self.max.say(chat, "Bonjour [1], je m'appelle Luc Keller, je cherche un logo")
        # In the order in which a message meets them: the one before must be right again for the next to be asked.
        for name, words in (("llm-worker", ("waits_in_its_lane", "model-unreachable")), ("crm-writer", ("waits_in_its_lane", reason)),
                            ("reply-sender", ("waits_in_its_lane", reason)), ("memory-logger", ("waits_in_its_lane", reason))):
            wait_for(f"{name} says why it waits", lambda n=name, w=words: self.new_lines(n, *w), TURN)
            self.assertEqual(before[CALLERS[name]], self.tls.proxies[CALLERS[name]].handshakes, f"{name} accepted the certificate")
            self.tls.proxies[CALLERS[name]].use(self.tls.good)
        self.max.wait_answers(chat, 1, TURN)
        wait_for("its row", lambda: rows_once(self, self.max, chat, "reply.sent"), TURN)
        covered_once_ascending(self, self.max, chat, 1)
        self.assertEqual(len(wait_for("a lead", lambda: self.max.leads(chat), TURN)), 1)
        self.assertEqual(self.max.rows("max_logs", "kind=eq.dead.letter"), [])
        self.no_secret_in(*self.max.admin_ports)

    def test_services_of_an_unknown_ca_are_down_until_it_is_right(self):
        self.outside_with(self.tls.unknown_ca, "MAX_CA_FILE")

    def test_services_with_a_certificate_for_another_name_are_down_until_it_is_right(self):
        self.outside_with(self.tls.other_name, "mismatch")

    def test_the_model_of_an_unknown_ca_is_reported_with_the_setting(self):
        self.tls.proxies["openai"].use(self.tls.unknown_ca)
        self.addCleanup(self.tls.proxies["openai"].use, self.tls.good)
        chat = self.max.new_chat()
        self.max.say(chat, "Bonjour [1]")
        wait_for("llm-worker waits", lambda: self.new_lines("llm-worker", "waits_in_its_lane"), TURN)
        named = self.new_lines("llm-worker", "MAX_CA_FILE")
        self.tls.proxies["openai"].use(self.tls.good)
        self.max.wait_answers(chat, 1, TURN)
        self.assertTrue(named, "a line of llm-worker names the setting")

    def replicas_that_never_get_ready(self, word, reason, settings):
        """Starts every process once more with these settings; each stays alive, not ready, and says why, once."""
        labels = []
        for name in self.max.admin_ports:
            own = {"MAX_PORT": str(free_ports(1)[0])} if name == "webhook-ingress" else {}
            self.max.start_process(name, "-" + word, {**settings(name), **own})
            labels.append(name + "-" + word)
            self.addCleanup(self.max.processes[labels[-1]].stop)
        for label in labels:
            lines = wait_for(f"{label} says why", lambda n=label: self.new_lines(n, "broker_unreachable", reason), TURN)
            process = self.max.processes[label]
            status, _, text = http("GET", f"http://127.0.0.1:{process.admin}/readyz")
            self.assertEqual((status, json.loads(text)["reasons"]["broker"]), (503, "unreachable"))
            self.assertEqual(http("GET", f"http://127.0.0.1:{process.admin}/healthz")[0], 200)
            self.assertEqual(len([line for line in lines if '"connection":"publishing"' in line]), 1, "said once")
        self.no_secret_in(*labels)
        for label in labels:
            self.assertEqual(self.max.processes[label].stop(), 0, label)

    def test_a_broker_of_an_unknown_ca_is_refused_and_the_setting_named(self):
        self.replicas_that_never_get_ready("stranger", "MAX_CA_FILE", lambda name: {"MAX_CA_FILE": self.tls.strangers.ca})

    def test_a_broker_with_a_certificate_for_another_name_is_refused(self):
        proxy = Proxy(int(self.max.broker["MAX_TEST_AMQP_PORT"]), self.tls.other_name)
        self.addCleanup(proxy.close)
        self.replicas_that_never_get_ready(
            "other", "certificate is not for",
            lambda name: {"MAX_BROKER_URL": f"amqps://{name}:{self.max.broker_passwords[name]}@127.0.0.1:{proxy.port}/"})
        self.assertEqual(proxy.handshakes, 0)


if __name__ == "__main__":
    unittest.main()
