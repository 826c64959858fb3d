"""kill -9 of each process at points drawn from a printed seed: one Lead, each log row once, each answer once.

MAX_KILLS: kills of each process (4 unless set). MAX_SEED: repeats a run's choices.
"""
import os
import random
import threading
import time
import unittest

from whole import World, covered_once_ascending, rows_once, wait_for

KILLS = int(os.environ.get("MAX_KILLS", "4"))
# After a kill between attempt and answer the other side is asked only when the request must be over: 65 s for the CRM,
# 60 s and 30 s more for WhatsApp.
SETTLED = 300


class Customer(threading.Thread):
    """One conversation of three messages; says the next when the last is answered."""

    def __init__(self, installation, chat, first, last):
        super().__init__(daemon=True)
        self.max, self.chat = installation, chat
        self.lines = [f"Bonjour [1], je m'appelle {first} {last}", "Je cherche un logo [2]", f"Mon e-mail est {first.lower()}@example.com [3]"]
        self.error = None

    def run(self):
        try:
            for number, line in enumerate(self.lines, 1):
                self.max.say(self.chat, line, name="x")
                wait_for(f"answer {number} in {self.chat}",
                         lambda n=number: any(f"[{n}]" in a for a in self.max.answers(self.chat)), SETTLED)
        except Exception as error:  # reported by the test
            self.error = error


class Kills(unittest.TestCase):
    def test_kill_9_at_any_point_loses_and_doubles_nothing(self):
        seed = int(os.environ.get("MAX_SEED", random.SystemRandom().randrange(10**6)))
        print(f"seed {seed}, {KILLS} kills of each process", flush=True)
        draw = random.Random(seed)
        with World(settings={"all": {}}) as installation:
            names = list(installation.admin_ports)
            order = names * KILLS
            draw.shuffle(order)
            customers = []
            for number, name in enumerate(order):
                if number % 2 == 0 or not any(c.is_alive() for c in customers):
                    customer = Customer(installation, installation.new_chat(), f"Ana{number}", "Souza")
                    customers.append(customer)
                    customer.start()
                time.sleep(draw.uniform(0, 0.25))
                installation.processes[name].kill()
                time.sleep(draw.choice([0, 0, 0.2, draw.uniform(0, 3)]))
                installation.start_process(name)
                if draw.random() < 0.5:
                    installation.wait_ready(name)
            for name in names:
                installation.wait_ready(name)
            for customer in customers:
                customer.join(SETTLED * 3)
                self.assertIsNone(customer.error)
            for customer in customers:
                chat = customer.chat
                covered_once_ascending(self, installation, chat, 3)
                self.assertEqual(len(installation.leads(chat)), 1, chat)
                wait_for("its log rows", lambda c=chat: len(rows_once(self, installation, c, "reply.sent")) == len(installation.answers(c)), 60)
                turns = rows_once(self, installation, chat, "turn.completed")
                said = [m["id"] for t in turns for m in t["payload"]["messages"]]
                self.assertEqual(len(said), len(set(said)), "a message ended twice")
                self.assertEqual(len(said), 3)
            for stage in ("llm-worker", "crm-writer", "reply-sender", "memory-logger"):
                dead = [r for r in installation.rows("max_logs", "kind=eq.dead.letter") if r["payload"].get("process") == stage]
                self.assertEqual(dead, [])


if __name__ == "__main__":
    unittest.main()
