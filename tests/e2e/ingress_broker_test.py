"""webhook-ingress and its broker: away, back, full, without queues; and the process's own start and end."""
import json
import socket
import subprocess
import threading
import time
import unittest

from common import Place, Wire, free_ports, http, request, text_message, wait_for

CONFIRM_SECONDS = 5  # how long a confirm is waited for; no answer takes much longer


def setUpModule():
    global place
    place = Place()
    place.begin("webhook-ingress")


def tearDownModule():
    place.stop()


numbers = iter(range(1, 1_000_000))


def post(port=None, number=None):
    """(status, headers, seconds) of one new webhook."""
    body = text_message(next(numbers) if number is None else number)
    began = time.monotonic()
    status, headers, _ = http("POST", f"http://127.0.0.1:{port or place.webhook_port}/webhooks/greenapi", body, place.bearer())
    return status, headers, time.monotonic() - began


def health(port=None):
    """(status, error or status word) of /api/health."""
    status, _, text = http("GET", f"http://127.0.0.1:{port or place.webhook_port}/api/health")
    found = json.loads(text)
    return status, found.get("error", found["status"])


def opened(port):
    """Whether somebody listens there."""
    try:
        return health(port)[0] in (200, 503)
    except OSError:
        return False


class Load(threading.Thread):
    """Posts one webhook after another until told to stop, and notes (number, status, Retry-After, seconds)."""

    def __init__(self):
        super().__init__(daemon=True)
        self.notes, self.ended = [], False

    def run(self):
        while not self.ended:
            number = next(numbers)
            try:
                status, headers, took = post(number=number)
                self.notes.append((number, status, headers.get("Retry-After"), took))
            except OSError as error:
                self.notes.append((number, 0, str(error), 0))
            time.sleep(0.01)

    def stop(self):
        self.ended = True
        self.join(20)


class Broker(unittest.TestCase):
    def refused(self, answer, within=CONFIRM_SECONDS + 2):
        status, headers, took = answer
        self.assertEqual(status, 503)
        self.assertEqual(headers["Retry-After"], "60")
        self.assertLess(took, within)

    def kept_again(self, port=None, seconds=30):
        wait_for("webhooks are kept again", lambda: post(port)[0] == 200, seconds)
        self.assertEqual(health(port), (200, "ok"))

    def test_stopped_and_back_nothing_answered_200_is_lost(self):
        place.listen_in("kept", key="message.received.#")
        self.addCleanup(place.forget, "kept")
        load = Load()
        load.start()
        self.addCleanup(load.stop)
        wait_for("some webhooks", lambda: len(load.notes) > 50, 10)
        place.stop_broker()
        wait_for("a refusal", lambda: load.notes[-1][1] == 503, CONFIRM_SECONDS + 2)
        self.refused(post(), within=1)
        self.assertEqual(health(), (503, "broker-unreachable"))

        # A process that starts now has its port open, refuses, and needs nobody's help later.
        port = free_ports(1)[0]
        late = place.start_process("webhook-ingress", "-late", {"MAX_PORT": str(port)})
        self.addCleanup(late.stop)
        wait_for("the late one's port", lambda: opened(port), 10)
        self.refused(post(port), within=1)
        self.assertEqual(health(port), (503, "broker-unreachable"))
        self.assertEqual(http("GET", f"http://127.0.0.1:{late.admin}/healthz")[0], 200)
        self.assertEqual(http("GET", f"http://127.0.0.1:{late.admin}/readyz")[0], 503)

        place.start_broker()
        self.kept_again()
        self.kept_again(port)
        load.stop()

        accepted = [n for n, status, _, _ in load.notes if status == 200]
        refused = [note for note in load.notes if note[1] != 200]
        self.assertEqual([note for note in refused if note[1:3] != (503, "60")], [])
        self.assertLess(max(note[3] for note in load.notes), CONFIRM_SECONDS + 2)
        self.assertGreater(len(accepted), 50)
        self.assertGreater(len(refused), 5)
        arrived = set()
        while messages := place.taken("kept"):
            arrived |= {int(json.loads(m["payload"])["data"]["provider_id"][3:]) for m in messages}
        self.assertEqual(sorted(set(accepted) - arrived), [])

    def test_a_tenant_without_queues_is_refused_and_never_told_200(self):
        for queue in ("llm.main.0", "llm.main.1"):
            place.forget(queue)
        try:
            for _ in range(3):
                self.refused(post(), within=2)
            self.assertGreater(place.metric("webhook-ingress", "max_published_total", confirm="returned"), 2)
            self.assertTrue(any("unroutable" in line for line in place.log_lines("webhook-ingress")))
        finally:
            place.maxctl("topology", "apply")
        self.kept_again()

    def test_a_memory_alarm_is_told_in_time_and_passes(self):
        place.script("private-broker", "ctl", place.path("broker"), "set_vm_memory_high_watermark", "0.00001")
        try:
            self.refused(post())  # the broker tells of the alarm at this publish and confirms nothing
            self.refused(post(), within=1)
            self.assertEqual(health(), (503, "broker-blocked"))
        finally:
            place.script("private-broker", "ctl", place.path("broker"), "set_vm_memory_high_watermark", "0.6")
        self.kept_again()

    def test_a_wrong_password_is_no_crash_and_no_word_of_it_is_logged(self):
        port = free_ports(1)[0]
        url = f"amqp://webhook-ingress:planted-password@127.0.0.1:{place.broker['MAX_TEST_AMQP_PORT']}/"
        process = place.start_process("webhook-ingress", "-password", {"MAX_PORT": str(port), "MAX_BROKER_URL": url})
        self.addCleanup(process.stop)
        wait_for("its port", lambda: opened(port), 10)
        wait_for("a word on the log-in", lambda: any("ACCESS_REFUSED" in line or "403" in line
                                                     for line in place.log_lines("webhook-ingress-password")), 10)
        self.refused(post(port), within=1)
        self.assertTrue(process.running())
        self.assertNotIn("planted-password", "\n".join(place.log_lines("webhook-ingress-password")))


class Life(unittest.TestCase):
    def start(self, name, **settings):
        process = place.start_process("webhook-ingress", name, {key: str(value) for key, value in settings.items()})
        self.addCleanup(process.stop)
        return process

    def test_a_port_in_use_is_exit_5_with_the_port_in_the_error(self):
        with socket.socket() as taken:
            taken.bind(("0.0.0.0", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for name, settings in (("-port", {"MAX_PORT": port}), ("-admin", {"MAX_PORT": free_ports(1)[0], "MAX_ADMIN_PORT": port})):
                with self.subTest(name):
                    process = self.start(name, **settings)
                    self.assertEqual(process.child.wait(10), 5)
                    last = place.log_lines("webhook-ingress" + name)[-1]
                    self.assertIn("in use", last)
                    self.assertIn(str(port), last)

    def test_sigterm_answers_what_is_in_hand_and_ends_with_0(self):
        port = free_ports(1)[0]
        process = self.start("-term", MAX_PORT=port)
        place.wait_ready("webhook-ingress-term")
        body = json.dumps(text_message(next(numbers))).encode()
        with Wire(port) as idle, Wire(port) as busy:
            busy.send(request(headers=[*place.bearer().items(), ("Content-Length", str(len(body)))], body=body[:-1]))
            idle.send(request("GET", "/api/health"))
            self.assertEqual(idle.answer().status, 200)
            began = time.monotonic()
            process.child.terminate()
            self.assertTrue(idle.ended())
            busy.send(body[-1:])
            answer = busy.answer()
            # Read to its end while draining: kept, or refused in so many words; never cut.
            self.assertIn(answer.status, (200, 503))
            self.assertEqual(answer.headers["connection"], "close")
        self.assertEqual(process.child.wait(20), 0)
        self.assertLess(time.monotonic() - began, 10)
        words = [json.loads(line).get("code") for line in place.log_lines("webhook-ingress-term") if line.startswith("{")]
        self.assertLess(words.index("draining"), words.index("stopped"))

    def test_sigterm_does_not_wait_longer_than_its_deadline(self):
        port = free_ports(1)[0]
        process = self.start("-deadline", MAX_PORT=port, MAX_DRAIN_MS=500)
        place.wait_ready("webhook-ingress-deadline")
        with Wire(port) as stuck:
            stuck.send(request(headers=[*place.bearer().items(), ("Expect", "100-continue"), ("Content-Length", "5")]))
            self.assertEqual(stuck.answer().status, 100)  # so it is being read
            began = time.monotonic()
            process.child.terminate()
            self.assertEqual(process.child.wait(10), 0)
            self.assertLess(time.monotonic() - began, 5)

    def test_sigterm_without_a_broker_ends_with_0(self):
        port, nobody = free_ports(2)
        process = self.start("-alone", MAX_PORT=port, MAX_BROKER_URL=f"amqp://webhook-ingress:x@127.0.0.1:{nobody}/")
        wait_for("its port", lambda: opened(port), 10)
        began = time.monotonic()
        process.child.terminate()
        self.assertEqual(process.child.wait(20), 0)
        self.assertLess(time.monotonic() - began, 10)

    def test_two_replicas_share_a_port_and_one_can_go(self):
        self.start("-second", MAX_PORT=place.webhook_port)
        place.wait_ready("webhook-ingress-second")

        def received():
            return [place.metric(label, "max_webhooks_total", outcome="received") for label in ("webhook-ingress", "webhook-ingress-second")]
        before = received()
        self.assertEqual({post()[0] for _ in range(64)}, {200})
        shares = [after - earlier for after, earlier in zip(received(), before)]
        self.assertEqual(sum(shares), 64)
        self.assertGreater(min(shares), 0)
        self.assertEqual(place.processes["webhook-ingress-second"].stop(), 0)
        self.assertEqual({post()[0] for _ in range(20)}, {200})

    def test_the_port_is_open_at_its_address_alone(self):
        port = free_ports(1)[0]
        self.start("-address", MAX_PORT=port, MAX_ADDRESS="127.0.0.1")
        wait_for("its port", lambda: opened(port), 10)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.2", port), timeout=2)
        socket.create_connection(("127.0.0.2", place.webhook_port), timeout=2).close()  # by default: all addresses

    def test_health_on_the_command_line_is_the_readiness(self):
        place.wait_ready("webhook-ingress")  # whatever an earlier case did to the broker
        for url, code in ((None, 0), ("1", 1)):
            env = place.environment("webhook-ingress")
            if url:
                env["MAX_ADMIN_PORT"] = str(free_ports(1)[0])
            done = subprocess.run([place.binary("webhook-ingress"), "--health"], env=env, text=True, capture_output=True, timeout=10, check=False)
            self.assertEqual(done.returncode, code, done.stdout)
            self.assertEqual(json.loads(done.stdout)["ready"], code == 0)
