"""Trouble with the broker, frozen processes and stops during traffic: nothing is lost, doubled or out of order."""
import json
import os
import signal
import threading
import time
import unittest

from whole import World, covered_once_ascending, http, rows_once, wait_for
from installation import PROCESSES, _read_env  # whole has put tests/support into the path

TURN = 60
CONFIRM_SECONDS = 5  # how long a confirm is waited for; no answer of ingress takes much longer
BROKER_NOTICES = 30  # two to three heartbeats of 10 s: when the broker ends the connection of a frozen process
FREEZE = 20
# These customers write more in a minute than the limits let a person write in an hour.
TALKATIVE = {"llm-worker": {"MAX_MESSAGES_PER_HOUR": "10000", "MAX_TOKENS_PER_DAY": "1000000000"}}


class Customer(threading.Thread):
    """Writes "[1]", "[2]", … to one chat until told to stop; a Lead is asked for in the first."""

    def __init__(self, installation, pause=0.5):
        super().__init__(daemon=True)
        self.max, self.chat, self.pause = installation, installation.new_chat(), pause
        self.said, self.ended, self.error = 0, threading.Event(), None

    def run(self):
        try:
            while not self.ended.is_set():
                text = "Bonjour, je m'appelle Ana Souza, je cherche un logo [1]" if self.said == 0 else f"Et puis [{self.said + 1}]"
                self.max.say(self.chat, text)
                self.said += 1
                self.ended.wait(self.pause)
        except Exception as error:  # reported by the test
            self.error = error


class UnderWay(unittest.TestCase):
    """An installation with a conversation under way in several chats."""

    def setUp(self):
        self.marks = {label: len(self.max.log_lines(label)) for label in self.max.processes if label != "sandbox"}

    def new_lines(self, label, *words):
        return [line for line in self.max.log_lines(label)[self.marks.get(label, 0):] if all(word in line for word in words)]

    def traffic(self, count=3, pause=0.5):
        customers = [Customer(self.max, pause) for _ in range(count)]
        for customer in customers:
            customer.start()
            self.addCleanup(customer.ended.set)
        for customer in customers:
            self.max.wait_answers(customer.chat, 1, TURN)
        return customers

    def answered(self, chat):
        return sum(answer.count("[") for answer in self.max.answers(chat))

    def ends_well(self, customers, seconds=180):  # an unsettled call is looked up after 65 s, a send after 90 s
        """No more is said; all that was said is answered once, in order, with one Lead and one row each."""
        for customer in customers:
            customer.ended.set()
        for customer in customers:
            customer.join(20)
            self.assertIsNone(customer.error)
        for c in customers:
            wait_for(f"all {c.said} of {c.chat} are answered", lambda c=c: self.answered(c.chat) >= c.said, seconds, 0.3)
        for name in PROCESSES:
            self.max.wait_ready(name)
        for c in customers:
            wait_for(f"every message of {c.chat} ended", lambda c=c: len(self.ended(c.chat)) >= c.said, seconds, 0.3)
            self.assertEqual(len(self.ended(c.chat)), c.said, "a message ended twice")
            covered_once_ascending(self, self.max, c.chat, c.said)
            self.assertEqual(len(wait_for("a lead", lambda c=c: self.max.leads(c.chat), TURN)), 1)
            wait_for("a row of each answer", lambda c=c: len(rows_once(self, self.max, c.chat, "reply.sent")) == len(self.max.answers(c.chat)), TURN)
        self.assertEqual(self.max.rows("max_logs", "kind=eq.dead.letter"), [])

    def ended(self, chat):
        return [m["id"] for row in rows_once(self, self.max, chat, "turn.completed") for m in row["payload"]["messages"]]

    def readiness(self, label):
        """(status, reasons) of /readyz."""
        status, _, text = http("GET", f"http://127.0.0.1:{self.max.processes[label].admin}/readyz")
        return status, json.loads(text)["reasons"]

    def thaw(self, label):
        if self.max.processes[label].running():
            self.max.signal(label, signal.SIGCONT)

    def beam(self):
        return int(_read_env(self.max.path("broker/broker.env"))["MAX_TEST_BROKER_PID"])

    def alive(self):
        """All five are the processes that were started: none ended and came back."""
        self.assertEqual([name for name in PROCESSES if not self.max.processes[name].running()], [])


class Running(UnderWay):
    @classmethod
    def setUpClass(cls):
        world = World(settings=TALKATIVE)
        cls.max = world.__enter__()
        cls.addClassCleanup(world.__exit__, None, None, None)

    def post(self):
        """(status, Retry-After, seconds) of a webhook of the test's own."""
        body = {"typeWebhook": "incomingMessageReceived", "timestamp": int(time.time()), "idMessage": f"REFUSED{time.monotonic_ns()}",
                "instanceData": {"idInstance": int(self.max.instance), "wid": "12025550110@c.us", "typeInstance": "whatsapp"},
                "senderData": {"chatId": "12025559999@c.us", "sender": "12025559999@c.us", "senderName": "Maria"},
                "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": "Bonjour"}}}
        began = time.monotonic()
        status, headers, _ = self.max.post_webhook(body)
        return status, headers.get("Retry-After"), time.monotonic() - began

    def connections_of(self, user):
        return [c["name"] for c in self.max.management("GET", "connections") if c.get("user") == user]

    def test_connections_closed_by_the_operator_are_made_again(self):
        customers = self.traffic()
        for name in PROCESSES:
            mine = wait_for("its two connections", lambda n=name: (lambda c: c if len(c) == 2 else None)(self.connections_of(n)), 20)
            for connection in mine:
                self.max.management("DELETE", "connections/" + connection.replace(" ", "%20").replace(">", "%3E"))
            wait_for(f"{name} notices", lambda n=name: len(self.new_lines(n, '"broker_down"')) >= 2, 10)
            self.max.wait_ready(name)
        self.ends_well(customers)
        self.alive()

    def test_a_broker_stopped_and_started_again(self):
        customers = self.traffic()
        self.max.stop_broker()
        for name in PROCESSES:
            wait_for(f"{name} is not ready", lambda n=name: self.readiness(n)[0] == 503, 10)
            self.assertEqual(self.readiness(name)[1].get("broker"), "unreachable")
        status, retry_after, took = self.post()
        self.assertEqual((status, retry_after), (503, "60"))
        self.assertLess(took, 1)
        self.max.start_broker()
        for name in PROCESSES:
            self.max.wait_ready(name)
        for customer in customers:  # the conversation goes on, it does not only end
            before = customer.said
            wait_for("new messages are answered", lambda c=customer, b=before: self.answered(c.chat) > b, TURN, 0.3)
        self.ends_well(customers)
        self.alive()

    def test_a_memory_alarm_stops_what_publishes_until_it_has_passed(self):
        customers = self.traffic()
        watermark = ("private-broker", "ctl", self.max.path("broker"), "set_vm_memory_high_watermark")
        self.max.script(*watermark, "0.00001")
        try:
            for name in PROCESSES:
                if name == "memory-logger":
                    continue  # publishes nothing, so the broker tells it nothing
                wait_for(f"{name} says blocked", lambda n=name: self.readiness(n)[1].get("broker") == "blocked", 15)
            status, retry_after, took = self.post()
            self.assertEqual((status, retry_after), (503, "60"))
            self.assertLess(took, 1)
        finally:
            self.max.script(*watermark, "0.6")
        self.ends_well(customers)
        self.alive()

    def test_a_frozen_broker_is_outlived(self):
        customers = self.traffic()
        pid = self.beam()
        self.addCleanup(lambda: os.kill(pid, signal.SIGCONT))
        frozen = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        try:
            while time.monotonic() < frozen + FREEZE:
                status, retry_after, took = self.post()
                self.assertEqual((status, retry_after), (503, "60"))
                self.assertLess(took, CONFIRM_SECONDS + 2)
                time.sleep(0.5)
        finally:
            os.kill(pid, signal.SIGCONT)
        for name in PROCESSES:
            self.max.wait_ready(name)
        self.ends_well(customers)
        self.alive()

    def test_sigterm_during_traffic_ends_with_0_in_time_and_loses_nothing(self):
        customers = self.traffic(pause=0.3)
        for name in PROCESSES:
            process = self.max.processes[name]
            began = time.monotonic()
            self.assertEqual(process.stop(25), 0, name)
            self.assertLess(time.monotonic() - began, 20, name)
            self.assertEqual(len(self.new_lines(name, '"code":"stopped"')), 1, name)
            self.max.start_process(name)
            self.max.wait_ready(name)
        self.ends_well(customers)

    # ---- frozen processes

    def replica_of(self, label):
        """The name by which the broker knows the process that was started last under this label."""
        ready = [json.loads(line) for line in self.max.log_lines(label) if '"code":"ready"' in line]
        return ready[-1]["replica"]

    def active_labels(self, queue, labels):
        """Which of these replicas takes this queue's messages."""
        names = {c["name"]: c["client_properties"].get("connection_name", "") for c in self.max.management("GET", "connections")}
        active = [names.get(c["channel_details"]["connection_name"], "") for c in self.max.management("GET", "consumers")
                  if c["queue"]["name"] == queue and c["active"] and c["channel_details"]]
        return [label for label in labels if any(name.startswith(self.replica_of(label) + " ") for name in active)]

    def test_frozen_replicas_are_taken_over_and_do_nothing_twice_when_thawed(self):
        seconds, queues = {}, {"llm-worker": "llm.main.0", "crm-writer": "crm.main.0", "reply-sender": "reply.main"}
        for name in queues:
            self.max.start_process(name, "-second")
            self.addCleanup(self.max.processes[name + "-second"].stop)
        for name in queues:
            self.max.wait_ready(name + "-second")
        customers = self.traffic(count=4, pause=0.7)
        for name, queue in queues.items():
            seconds[name] = wait_for(f"somebody has {queue}", lambda n=name, q=queue: self.active_labels(q, (n, n + "-second")), 20)[0]
        frozen = time.monotonic()
        for label in seconds.values():
            self.max.signal(label, signal.SIGSTOP)
            self.addCleanup(self.thaw, label)
        for name, queue in queues.items():
            others = {name, name + "-second"} - {seconds[name]}
            wait_for(f"another replica has {queue}", lambda q=queue, o=others: self.active_labels(q, tuple(o)), BROKER_NOTICES + 10)
        self.assertLess(time.monotonic() - frozen, BROKER_NOTICES + 5)
        said = {c.chat: c.said for c in customers}
        for customer in customers:
            wait_for("answers without the frozen ones", lambda c=customer: self.answered(c.chat) >= said[c.chat], 220, 0.3)
        for label in seconds.values():
            self.max.signal(label, signal.SIGCONT)
        for label in seconds.values():
            self.max.wait_ready(label)
        self.ends_well(customers, 220)
        for name in queues:
            self.assertEqual(self.max.processes[name + "-second"].stop(), 0)


class Starting(UnderWay):
    """The processes are there before what they need."""

    def setUp(self):
        world = World(settings=TALKATIVE)
        self.max = world.installation
        self.addCleanup(world.__exit__, None, None, None)
        super().setUp()

    def outside(self):
        self.max.start(processes=())

    def converse(self):
        chat = self.max.new_chat()
        for number in (1, 2):
            self.max.say(chat, f"Bonjour [{number}]")
        wait_for("both answers", lambda: self.answered(chat) >= 2, TURN)
        covered_once_ascending(self, self.max, chat, 2)

    def start_all(self):
        for name in PROCESSES:
            self.max.start_process(name)
            self.marks[name] = 0

    def test_without_a_broker_they_wait_and_then_without_a_topology_they_say_what_helps(self):
        self.outside()
        self.max.stop_broker()
        self.start_all()
        for name in PROCESSES:
            wait_for(f"{name} says why it waits", lambda n=name: self.new_lines(n, "broker_unreachable"), 20)
            self.assertEqual(self.readiness(name)[1]["broker"], "unreachable")
        self.max.start_broker()
        for name in PROCESSES:
            self.max.wait_ready(name)
        self.alive()
        self.converse()

        for name in PROCESSES:
            self.assertEqual(self.max.processes[name].stop(), 0)
        for kind in ("queues", "exchanges"):
            for one in self.max.management("GET", f"{kind}/%2F"):
                if one["name"].startswith(("max.", "llm.", "crm.", "reply.", "memory.")) or one["name"].endswith(".dead"):
                    self.max.management("DELETE", f"{kind}/%2F/{one['name']}")
        marks = {name: len(self.max.log_lines(name)) for name in PROCESSES}
        self.start_all()
        self.marks = marks
        for name in PROCESSES:
            wait_for(f"{name} names the remedy", lambda n=name: self.new_lines(n, '"level":"error', "maxctl topology apply"), 20)
            self.assertEqual(self.readiness(name)[0], 503)
        self.max.maxctl("topology", "apply")
        for name in PROCESSES:
            self.max.wait_ready(name)
        self.alive()
        self.converse()

    def test_before_the_first_topology_the_log_in_is_refused_and_the_remedy_said(self):
        self.max.start_broker()
        self.start_all()
        for name in PROCESSES:
            wait_for(f"{name} names the remedy", lambda n=name: self.new_lines(n, "broker_unreachable", "maxctl topology apply"), 20)
            self.assertEqual(self.readiness(name)[0], 503)
        self.max.maxctl("topology", "apply")
        for name in PROCESSES:
            self.max.wait_ready(name)
        self.alive()


if __name__ == "__main__":
    unittest.main()
