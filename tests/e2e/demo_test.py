"""The demo tells the truth: it passes on a good world, and names what is wrong in a bad one."""
import os
import subprocess
import unittest

from whole import World

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

    def test_the_services_of_a_file_are_used(self):
        with World() as other:  # its sandbox plays the real services
            path = os.path.join(other.dir, "real.env")
            port = other.sandbox_ports
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"OPENAI_API_KEY={other.secrets['openai']}\nMAX_OPENAI_BASE_URL=http://127.0.0.1:{port['openai']}/v1\n"
                           f"MAX_OPENAI_MODEL=gpt-4.1\nESPO_URL=http://127.0.0.1:{port['espocrm']}\nESPO_API_KEY='{other.secrets['espo']}'\n"
                           f"ESPO_TEAM_ID=6b047fcb060acccc1\nSUPABASE_URL=http://127.0.0.1:{port['supabase']}\n"
                           f"SUPABASE_ANON_KEY={other.secrets['publishable']}\nSUPABASE_JWT_SECRET={other.secrets['jwt']}\n"
                           f"GREENAPI_INSTANCE_ID={other.instance}\nGREENAPI_API_TOKEN={other.secrets['green-api']}\n"
                           f"GREENAPI_API_URL=http://127.0.0.1:{port['green-api']}\n")
            code, text = demo("--env", path, "--chat", "+12025559999")
            self.assertEqual(code, 0, text)
            self.assertIn("Real services: espocrm, green-api, openai, supabase", text)
            self.assertEqual(len(other.leads("12025559999@c.us")), 1)
            self.assertEqual(len(other.answers("12025559999@c.us")), 3)

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
