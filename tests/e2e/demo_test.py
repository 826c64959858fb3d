"""The demo tells the truth: it passes on a good world, and names what is wrong in a bad one."""
import os
import subprocess
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def demo(*words):
    done = subprocess.run(["python3", os.path.join(ROOT, "scripts", "demo.py"), "--build", os.environ["MAX_BUILD"], "--once", *words],
                          text=True, capture_output=True, timeout=300, check=False)
    return done.returncode, done.stdout


class Demo(unittest.TestCase):
    def test_a_conversation_becomes_a_lead_log_rows_and_answers(self):
        code, text = demo()
        self.assertEqual(code, 0, text)
        self.assertIn("all of it is there", text)
        for line in ("tool call   create_lead", "EspoCRM     POST", "Supabase    POST", "MAX:"):
            self.assertIn(line, text)

    def wrong(self, what, line):
        code, text = demo("--break", what)
        self.assertEqual(code, 1, text)
        self.assertRegex(text, "WRONG.*" + line)

    def test_a_crm_that_keeps_nothing_is_named(self):
        self.wrong("crm", "crm: one Lead")

    def test_a_log_that_keeps_nothing_is_named(self):
        self.wrong("log", "log: one turn.completed")

    def test_a_reply_that_is_never_sent_is_named(self):
        self.wrong("reply", "reply: one answer")

    def test_messages_in_another_order_are_named(self):
        self.wrong("order", "in order")


if __name__ == "__main__":
    unittest.main()
