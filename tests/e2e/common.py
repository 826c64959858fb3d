"""What the end-to-end tests share: an installation in a directory of its own, and HTTP byte by byte."""
import atexit
import os
import shutil
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support.installation import ROOT, Installation, NotThere, free_ports, http, wait_for  # noqa: E402,F401

BUILD = os.environ.get("MAX_BUILD", os.path.join(ROOT, "build", "debug"))
SAMPLES = os.path.join(ROOT, "tests", "samples", "green-api")
HOOK = "/webhooks/greenapi"


class Place(Installation):
    """An installation that takes its directory along when it ends."""

    def __init__(self, **options):
        super().__init__(tempfile.mkdtemp(prefix="max-e2e."), BUILD, **options)
        os.chmod(self.dir, 0o755)  # PostgreSQL may run as another user

    def stop(self):
        if os.path.isdir(self.path("broker")):
            self.kill_broker()  # nothing is to be kept, and its own end takes 6 s
        super().stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def begin(self, *processes, outside=False):
        """start() that cleans up after a failure: setUpModule has no tearDownModule then."""
        try:
            return self.start(processes, outside)
        except BaseException:
            self.stop()
            raise

    def listen_in(self, queue, exchange="max.events", key="#"):
        """A queue of the test's own that takes what goes through an exchange; read it with taken()."""
        self.management("PUT", f"queues/%2F/{queue}", {"durable": True, "arguments": {"x-queue-type": "classic"}})
        self.management("POST", f"bindings/%2F/e/{exchange}/q/{queue}", {"routing_key": key})

    def forget(self, queue):
        self.management("DELETE", f"queues/%2F/{queue}")

    def taken(self, queue, count=1000):
        """Removes and returns what lies in it: dicts with routing_key, properties and payload."""
        return self.management("POST", f"queues/%2F/{queue}/get",
                               {"count": count, "ackmode": "ack_requeue_false", "encoding": "auto"})

    def bearer(self):
        return {"Authorization": f"Bearer {self.secrets['webhook']}"}


REQUEST_SECONDS = 30  # webhook-ingress: first byte of a request to its last
_shared, _slow = [], []


def shared_ingress():
    """A broker and webhook-ingress for every module that neither stops nor reconfigures them; ended at exit."""
    if not _shared:
        place = Place()
        atexit.register(place.stop)
        place.start(("webhook-ingress",), outside=False)
        _shared.append(place)
    return _shared[0]


def sample(name):
    with open(os.path.join(SAMPLES, name), "rb") as file:
        return file.read()


def text_message(number, text="Bonjour", instance=7103245718, chat="33600000001@c.us", name="Maria Vance"):
    """A text notification whose idMessage nobody else uses."""
    return {"typeWebhook": "incomingMessageReceived",
            "instanceData": {"idInstance": instance, "wid": "12025550110@c.us", "typeInstance": "whatsapp"},
            "timestamp": 1763000000, "idMessage": f"E2E{number:017d}",
            "senderData": {"chatId": chat, "sender": chat, "senderName": name},
            "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": text}}}


class Answer:
    """One response as it came: status, headers in lower case, body."""

    def __init__(self, head, body):
        lines = head.split(b"\r\n")
        self.line = lines[0].decode("latin-1")
        self.status = int(self.line.split()[1])
        self.headers = {n.decode("latin-1").lower(): v.strip().decode("latin-1")
                        for n, _, v in (line.partition(b":") for line in lines[1:])}
        self.body = body

    def __repr__(self):
        return f"<{self.line} {self.body[:80]!r}>"


class Wire:
    """A socket to the webhook port on which the test decides about every byte."""

    def __init__(self, port, seconds=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def send(self, data):
        """False when the other side has closed meanwhile: it may do so after an early answer."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def _more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.pending += piece
        return bool(piece)

    def answer(self, body=True):
        """The next response; None when the other side ends without one."""
        while b"\r\n\r\n" not in self.pending:
            if not self._more():
                return None
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        found = Answer(head, b"")
        length = int(found.headers.get("content-length", "0")) if body and found.status >= 200 else 0
        while len(self.pending) < length:
            if not self._more():
                break
        found.body, self.pending = self.pending[:length], self.pending[length:]
        return found

    def ended(self):
        """Whether the other side closes now, with nothing more to say."""
        while self._more():
            pass
        return not self.pending


def request(method="POST", path=HOOK, headers=(), body=b"", version="1.1"):
    """Bytes of a request; headers is a list of pairs, and nothing is added to it."""
    lines = [f"{method} {path} HTTP/{version}".encode("latin-1"), b"Host: localhost"]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class SlowSender(threading.Thread):
    """Sends a webhook at one byte a second and notes what it is told, and when."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place = place
        self.told, self.took, self.closed = None, None, False
        self.stopped = threading.Event()

    def run(self):
        with Wire(self.place.webhook_port, seconds=REQUEST_SECONDS + 20) as wire:
            began = time.monotonic()
            reader = threading.Thread(target=self.read, args=(wire, began), daemon=True)
            reader.start()
            for byte in request(headers=[*self.place.bearer().items(), ("Content-Length", "64")], body=b" " * 64):
                if self.stopped.wait(1) or not wire.send(bytes([byte])):
                    break
            reader.join(5)

    def read(self, wire, began):
        self.told = wire.answer()
        self.took = time.monotonic() - began
        self.closed = wire.ended()
        self.stopped.set()


def slow_sender():
    """The one slow sender of a run: whoever needs it first starts it, its judge comes later."""
    if not _slow:
        _slow.append(SlowSender(shared_ingress()))
        _slow[0].start()
    return _slow[0]
