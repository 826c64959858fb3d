"""webhook-ingress as HTTP sees it: framing, limits, authorization, routes. Bytes on a real socket, a real broker behind."""
import gzip
import json
import resource
import time
import unittest

from common import HOOK, Wire, http, request, sample, shared_ingress, slow_sender, text_message, wait_for

MiB = 1024 * 1024
WELL = json.dumps(text_message(1)).encode()


def setUpModule():
    global place
    place = shared_ingress()
    place.listen_in("http")
    slow_sender()  # its time passes while the other cases run


def tearDownModule():
    place.forget("http")


def auth(scheme="Bearer "):
    return ("Authorization", scheme + place.secrets["webhook"])


def webhook(body=WELL, **more):
    """A good webhook's bytes."""
    return request(headers=[auth(), ("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(body)))],
                   body=body, **more)


def tell(data, body=True):
    """(answer, whether the connection was closed behind it) for these bytes on a connection of their own."""
    with Wire(place.webhook_port) as wire:
        wire.send(data)
        answer = wire.answer(body)
        if answer is None or answer.headers.get("connection", "").lower() == "close":
            return answer, wire.ended()
        return answer, False


def outcomes():
    """What max_webhooks_total says, by outcome."""
    return {name: place.metric("webhook-ingress", "max_webhooks_total", outcome=name)
            for name in ("received", "quarantined", "unauthorized", "test")}


def published():
    return [message["properties"]["type"] for message in place.taken("http")]


class Case(unittest.TestCase):
    def setUp(self):
        place.taken("http")

    def answered(self, data, status, closed=None):
        answer, ended = tell(data)
        self.assertIsNotNone(answer, "closed without an answer")
        self.assertEqual(answer.status, status, answer)
        if closed is not None:
            self.assertEqual(ended, closed)
        return answer

    def quarantined(self):
        """The one message that was published, which must be a quarantined body."""
        messages = place.taken("http")
        self.assertEqual([m["properties"]["type"] for m in messages], ["max.webhook.quarantined.v1"])
        return json.loads(messages[0]["payload"])["data"]


class Framing(Case):
    def test_a_good_webhook_is_answered_200_and_the_connection_kept(self):
        with Wire(place.webhook_port) as wire:
            for _ in range(3):
                wire.send(webhook())
                self.assertEqual(wire.answer().status, 200)
        self.assertEqual(published(), ["max.message.received.v1"] * 3)

    def test_no_content_length_is_an_empty_body_and_quarantined(self):
        self.answered(request(headers=[auth()]), 200)
        self.assertEqual(self.quarantined()["size"], 0)

    def test_two_lengths_that_differ_and_a_length_with_chunked_are_refused_and_closed(self):
        length = ("Content-Length", str(len(WELL)))
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(WELL), WELL)
        for name, data in (
                ("two lengths", request(headers=[auth(), length, ("Content-Length", "3")], body=WELL)),
                ("two in one", request(headers=[auth(), ("Content-Length", f"{len(WELL)}, 3")], body=WELL)),
                ("not a number", request(headers=[auth(), ("Content-Length", "0x10")], body=WELL)),
                ("negative", request(headers=[auth(), ("Content-Length", "-1")], body=WELL)),
                ("length, then chunked", request(headers=[auth(), length, ("Transfer-Encoding", "chunked")], body=chunked)),
                ("chunked, then length", request(headers=[auth(), ("Transfer-Encoding", "chunked"), length], body=chunked))):
            with self.subTest(name):
                self.answered(data, 400, closed=True)
        self.assertEqual(published(), [])

    def test_chunks_with_extensions_and_a_trailer_are_put_together(self):
        half = len(WELL) // 2
        body = b"%x;name=\"value\"\r\n%s\r\n%x;x\r\n%s\r\n0;end\r\nX-Trailer: 1\r\n\r\n" % (
            half, WELL[:half], len(WELL) - half, WELL[half:])
        self.answered(request(headers=[auth(), ("Transfer-Encoding", "chunked")], body=body), 200)
        self.assertEqual(published(), ["max.message.received.v1"])

    def test_another_transfer_coding_is_501_and_another_expectation_417(self):
        self.answered(request(headers=[auth(), ("Transfer-Encoding", "gzip, chunked")], body=b"0\r\n\r\n"), 501, closed=True)
        unknown = request(headers=[auth(), ("Expect", "the-unexpected"), ("Content-Length", "2")], body=b"{}")
        self.answered(unknown, 417, closed=True)

    def test_continue_is_said_to_the_authorized_alone(self):
        more = [("Expect", "100-continue"), ("Content-Length", str(len(WELL)))]
        with Wire(place.webhook_port) as wire:
            wire.send(request(headers=[auth()] + more))
            self.assertEqual(wire.answer().status, 100)
            wire.send(WELL)
            self.assertEqual(wire.answer().status, 200)
        with Wire(place.webhook_port) as wire:
            wire.send(request(headers=[("Authorization", "Bearer wrong")] + more))
            self.assertEqual(wire.answer().status, 401)
            self.assertTrue(wire.ended())

    def test_a_packed_body_is_not_unpacked_but_quarantined(self):
        body = gzip.compress(WELL)
        self.answered(request(headers=[auth(), ("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))], body=body), 200)
        found = self.quarantined()
        self.assertEqual((found["reason"], found["size"]), ("not_utf8", len(body)))

    def test_a_body_shorter_than_announced_reaches_nobody(self):
        before = outcomes()
        with Wire(place.webhook_port) as wire:
            wire.send(request(headers=[auth(), ("Content-Length", str(len(WELL) + 1))], body=WELL))
            wire.socket.shutdown(1)
            self.assertIsNone(wire.answer())
        self.assertEqual(outcomes(), before)
        self.assertEqual(published(), [])

    def test_a_header_block_over_16_kib_is_431(self):
        long_line = request(headers=[auth(), ("X-Long", "x" * 17 * 1024)])
        many_lines = request(headers=[auth()] + [(f"X-{i}", "x" * 100) for i in range(200)])
        endless = b"POST " + HOOK.encode() + b" HTTP/1.1\r\nX-Long: " + b"x" * 40 * 1024
        for data in (long_line, many_lines, endless):
            self.answered(data, 431, closed=True)
        self.answered(request(headers=[auth(), ("X-Long", "x" * 12 * 1024), ("Content-Length", "2")], body=b"{}"), 200)

    def test_a_request_line_that_is_none_is_400(self):
        for name, data in (("NUL in the path", request(path=HOOK + "\0")), ("NUL in a header", request(headers=[("X-A", "a\0b")])),
                           ("blank in the path", request(path="/web hooks")), ("no version", b"GET /\r\n\r\n"),
                           ("HTTP/2.0", request(version="2.0")), ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64),
                           ("a header without a colon", b"GET /api/health HTTP/1.1\r\nnonsense\r\n\r\n"),
                           ("a folded header", b"GET /api/health HTTP/1.1\r\nX-A: 1\r\n 2\r\n\r\n")):
            with self.subTest(name):
                answer, ended = tell(data)
                # A folded header is obsolete: to refuse it and to join it are both allowed (RFC 9112, 5.2).
                self.assertIn(answer.status, (200, 400) if name == "a folded header" else (400,), answer)
                self.assertTrue(ended or answer.status == 200)
        self.answered(request("GET", "/api/health"), 200)

    def test_http_1_0_is_answered_and_closed_unless_it_asks_otherwise(self):
        self.answered(webhook(version="1.0"), 200, closed=True)
        with Wire(place.webhook_port) as wire:
            for _ in range(2):
                wire.send(request(headers=[auth(), ("Connection", "keep-alive"), ("Content-Length", str(len(WELL)))], body=WELL,
                                  version="1.0"))
                self.assertEqual(wire.answer().status, 200)

    def test_pipelined_webhooks_are_answered_in_order_and_each_is_published(self):
        bodies = [json.dumps(text_message(100 + n, f"number {n}")).encode() for n in range(20)]
        with Wire(place.webhook_port) as wire:
            wire.send(b"".join(webhook(body) for body in bodies) + request("GET", "/api/health"))
            answers = [wire.answer() for _ in range(21)]
        self.assertEqual([a.status for a in answers], [200] * 21)
        self.assertIn(b"uptime_s", answers[-1].body)
        texts = [json.loads(m["payload"])["data"]["text"] for m in place.taken("http")]
        self.assertEqual(texts, [f"number {n}" for n in range(20)])

    def test_what_is_hidden_behind_a_refused_request_is_no_request(self):
        hidden = webhook()
        two_framings = [auth(), ("Content-Length", "4"), ("Transfer-Encoding", "chunked")]
        self.answered(request(headers=two_framings, body=b"0\r\n\r\n" + hidden), 400, closed=True)
        self.answered(request("GET", HOOK, headers=[("Content-Length", str(len(hidden)))], body=hidden), 405, closed=True)
        self.assertEqual(published(), [])


class Limits(Case):
    def test_thousands_of_idle_connections_leave_a_webhook_answered(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        count = 10_000 if hard >= 11_000 else 2_000
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        idle = []
        try:
            for _ in range(count):
                idle.append(Wire(place.webhook_port))
            began = time.monotonic()
            self.assertEqual(place.post_webhook(WELL)[0], 200)
            self.assertLess(time.monotonic() - began, 2)
            for wire in (idle[0], idle[count // 2], idle[-1]):
                wire.send(webhook())
                self.assertEqual(wire.answer().status, 200)
        finally:
            for wire in idle:
                wire.socket.close()

    def test_a_body_up_to_16_mib_is_kept_or_quarantined_and_a_longer_one_is_413(self):
        for size, reason in ((MiB, "malformed"), (MiB + 1, "too_large"), (15 * MiB, "too_large"), (16 * MiB, "too_large")):
            with self.subTest(size):
                body = b"x" * size
                self.answered(webhook(body), 200)
                found = self.quarantined()
                self.assertEqual((found["reason"], found["size"]), (reason, size))
        for name, data in (
                ("announced", request(headers=[auth(), ("Content-Length", str(16 * MiB + 1))])),
                ("chunked", request(headers=[auth(), ("Transfer-Encoding", "chunked")],
                                    body=(b"100000\r\n" + b"x" * MiB + b"\r\n") * 17))):
            with self.subTest(name):
                self.answered(data, 413, closed=True)
        self.assertEqual(published(), [])


class Authorization(Case):
    def test_the_token_bare_or_with_either_scheme_is_let_in(self):
        for scheme, end in (("Bearer ", ""), ("bearer ", ""), ("BEARER ", ""), ("Basic ", ""), ("", ""), ("Bearer ", " "), ("Bearer  ", "\t ")):
            with self.subTest(scheme + "T" + end):
                value = scheme + place.secrets["webhook"] + end
                self.answered(request(headers=[("authorization", value), ("Content-Length", str(len(WELL)))], body=WELL), 200)

    def test_anything_else_is_401_with_the_body_unread(self):
        token = place.secrets["webhook"]
        before = outcomes()
        cases = {
            "none": [], "twice": [("Authorization", token)] * 2, "twice, one wrong": [("Authorization", token), ("Authorization", "x")],
            "empty": [("Authorization", "")], "scheme alone": [("Authorization", "Bearer ")], "8 KiB": [("Authorization", "Bearer " + "x" * 8192)],
            "8 KiB of blanks before the token": [("Authorization", "Bearer " + " " * 8192 + token)],
            "other case": [("Authorization", "Bearer " + token.upper())], "wrong": [("Authorization", "Bearer " + "0" * len(token))],
            "prefix": [("Authorization", "Bearer " + token[:-1])], "longer": [("Authorization", "Bearer " + token + "0")],
            "other scheme": [("Authorization", "Digest " + token)], "scheme twice": [("Authorization", "Bearer Bearer " + token)],
            "another header": [("X-Authorization", token)]}
        for name, headers in cases.items():
            with self.subTest(name):
                # Not one byte of the body is sent: an answer shows that nobody waits for it.
                answer = self.answered(request(headers=headers + [("Content-Length", "1000000")]), 401, closed=True)
                self.assertEqual(answer.headers["www-authenticate"], "Bearer")
                self.assertNotIn(token.encode(), answer.body)
        after = outcomes()
        self.assertEqual(after["unauthorized"] - before["unauthorized"], len(cases))
        self.assertEqual(after["received"], before["received"])
        self.assertEqual(published(), [])


class Routes(Case):
    def test_other_methods_are_405_with_allow(self):
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"):
            with self.subTest(method):
                answer, _ = tell(request(method, headers=[auth()]), body=method != "HEAD")
                self.assertEqual((answer.status, answer.headers.get("allow")), (405, "POST"))
        answer = self.answered(request("POST", "/api/health", headers=[("Content-Length", "0")]), 405)
        self.assertEqual(answer.headers["allow"], "GET, HEAD")

    def test_a_trailing_slash_and_a_query_are_the_same_place_and_others_are_404(self):
        for path in (HOOK + "/", HOOK + "?a=b", HOOK + "/?a=%00"):
            self.answered(webhook(path=path), 200)
        for path in ("/", "/webhooks", HOOK + "//", "//webhooks/greenapi", HOOK + "/x", HOOK.upper(), "/webhooks/%67reenapi",
                     "/api/healthz", "/../api/health", "/metrics", "/readyz", "*", "http://localhost" + HOOK):
            with self.subTest(path):
                self.answered(webhook(path=path), 404, closed=True)

    def test_health_is_told_to_get_and_head(self):
        answer = self.answered(request("GET", "/api/health"), 200)
        self.assertEqual(answer.headers["content-type"], "application/json")
        found = json.loads(answer.body)
        self.assertEqual(set(found), {"status", "version", "uptime_s"})
        self.assertEqual(found["status"], "ok")
        for path in ("/api/health", "/api/health/"):
            with Wire(place.webhook_port) as wire:
                wire.send(request("HEAD", path, headers=[("Connection", "close")]))
                self.assertEqual(wire.answer(body=False).status, 200)
                self.assertTrue(wire.ended(), "HEAD was answered with a body")

    def test_metrics_and_readiness_are_on_the_admin_port_alone(self):
        port = place.processes["webhook-ingress"].admin
        for path in ("/healthz", "/readyz", "/metrics"):
            self.assertEqual(http("GET", f"http://127.0.0.1:{port}{path}")[0], 200)
        self.assertEqual(http("POST", f"http://127.0.0.1:{port}{HOOK}", b"")[0], 405)
        self.assertEqual(http("GET", f"http://127.0.0.1:{port}{HOOK}")[0], 404)

    def test_the_consoles_test_needs_no_token_once_a_second(self):
        test = sample("bad/dashboard-test.json")
        length = ("Content-Length", str(len(test)))

        def accepted():  # an earlier one may be less than a second ago
            return tell(request(headers=[length], body=test))[0].status == 200
        wait_for("an accepted test", accepted, 5, pause=0.3)
        again = self.answered(request(headers=[length], body=test), 429)
        self.assertEqual(again.headers["retry-after"], "1")
        wait_for("an accepted test", accepted, 5, pause=0.3)

        authorized = self.answered(request(headers=[auth(), length], body=test), 200)
        self.assertTrue(json.loads(authorized.body)["authenticated"])
        self.assertEqual(published(), [])

    def test_no_other_body_passes_as_the_consoles_test(self):
        test = sample("bad/dashboard-test.json")
        for name, data in (
                ("with a wrong token", request(headers=[("Authorization", "x"), ("Content-Length", str(len(test)))], body=test)),
                ("another object", request(headers=[("Content-Length", "15")], body=b'{"test": "yes"}')),
                ("a webhook", request(headers=[("Content-Length", str(len(WELL)))], body=WELL)),
                ("over 64 bytes", request(headers=[("Content-Length", str(len(test) + 64))], body=test + b" " * 64)),
                ("empty", request(headers=[("Content-Length", "0")])),
                ("chunked", request(headers=[("Transfer-Encoding", "chunked")], body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(test), test)))):
            with self.subTest(name):
                self.answered(data, 401)
        self.assertEqual(published(), [])
