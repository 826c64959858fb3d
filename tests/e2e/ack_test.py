"""kill -9 between the confirm and the acknowledgement: what was closed is not answered again, what was prefetched is answered once."""
import socket
import threading
import unittest

from whole import World, covered_once_ascending, rows_once, wait_for

TURN = 60


class Holding(threading.Thread):
    """A wire to the broker that, once told so, keeps back what the consuming connection sends: its acknowledgements."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.target, self.holding, self.held = port, threading.Event(), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self.forward, args=(client, broker, True), daemon=True).start()
            threading.Thread(target=self.forward, args=(broker, client, False), daemon=True).start()

    def forward(self, source, sink, from_client):
        consuming = False
        try:
            while data := source.recv(65536):
                consuming = consuming or (from_client and b" consumes" in data)
                if consuming and self.holding.is_set():
                    self.held += len(data)
                    continue
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.close()
            except OSError:
                pass


class BetweenConfirmAndAck(unittest.TestCase):
    def test_each_message_is_covered_by_exactly_one_answer(self):
        with World(partitions=1) as installation:
            wire = Holding(int(installation.broker["MAX_TEST_AMQP_PORT"]))
            wire.start()
            url = installation.environment("llm-worker")["MAX_BROKER_URL"].replace(f":{wire.target}/", f":{wire.port}/")
            installation.processes["llm-worker"].stop()
            installation.start_process("llm-worker", settings={"MAX_BROKER_URL": url})
            installation.wait_ready("llm-worker")

            chat = installation.new_chat()
            installation.say(chat, "Bonjour [1]")
            installation.wait_answers(chat, 1, TURN)
            # The model's second answer takes long enough for a third message to be prefetched behind it.
            installation.control("/openai/latency", {"ms": 1500})
            installation.say(chat, "Encore [2]")
            wire.holding.set()
            installation.say(chat, "Et enfin [3]")
            wait_for("the turn of [2] is closed", lambda: len(rows_once(self, installation, chat, "turn.completed")) >= 2, TURN)
            wait_for("an acknowledgement was held back", lambda: wire.held > 0, TURN)
            installation.processes["llm-worker"].kill()
            installation.control("/openai/latency", {"ms": 0})
            installation.start_process("llm-worker")
            wait_for("all three", lambda: sum(a.count("[") for a in installation.answers(chat)) >= 3, TURN)
            wait_for("nothing is left", lambda: "0" == installation.script(
                "private-broker", "ctl", installation.path("broker"), "-q", "list_queues", "name", "messages").split("llm.main.0\t")[1].split()[0], TURN)
            covered_once_ascending(self, installation, chat, 3)


if __name__ == "__main__":
    unittest.main()
