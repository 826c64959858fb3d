"""The real binaries and their settings: what they refuse, warn of and print. No broker is needed."""
import json
import os
import re
import subprocess
import tempfile
import time
import unittest

from common import BUILD, ROOT

PROCESSES = ("webhook-ingress", "llm-worker", "crm-writer", "reply-sender", "memory-logger", "maxctl")
SERVICES = PROCESSES[:-1]
TOKEN = "planted-token-0123456789abcdef"
# Nobody listens on port 1, so that even a process that starts by mistake meets nobody.
INGRESS = {"MAX_BROKER_URL": "amqp://webhook-ingress:planted-password@127.0.0.1:1/", "GREENAPI_INSTANCE_ID": "7103245718",
           "MAX_WEBHOOK_TOKEN": TOKEN}


def run(process, *words, env=None):
    return subprocess.run([os.path.join(BUILD, "services", process, process), *words], env=env or {}, text=True,
                          capture_output=True, timeout=20, check=False, stdin=subprocess.DEVNULL)


def ingress(*words, **changes):
    """With good settings and these changes; None removes one. Without words: --check-config."""
    env = {name: value for name, value in {**INGRESS, **changes}.items() if value is not None}
    return run("webhook-ingress", *(words or ("--check-config",)), env=env)


def documented():
    """[(variable, secret, users, needed by)] of the table in docs/configuration.md."""
    with open(os.path.join(ROOT, "docs", "configuration.md"), encoding="utf-8") as file:
        table = file.read().split("<!-- variables: begin -->")[1].split("<!-- variables: end -->")[0]
    rows = []
    for line in table.strip().splitlines()[2:]:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        needed = ", ".join(re.findall(r"\*\*([^*]+)\*\*", cells[4])).split(", ")
        users = cells[4].replace("*", "").split(", ")
        rows.append((cells[0].split("`")[1], "(secret)" in cells[0], users, needed))
    return rows


class Ingress(unittest.TestCase):
    def refused(self, done, *words):
        self.assertEqual(done.returncode, 4, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        self.assertNotIn("planted-password", done.stdout + done.stderr)

    def good(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "ok\n")

    def secret_file(self, content):
        file = tempfile.NamedTemporaryFile("wb")
        self.addCleanup(file.close)
        file.write(content)
        file.flush()
        return file.name

    def test_good_settings_are_good(self):
        done = ingress()
        self.good(done)
        self.assertIn("0 problems", done.stderr)

    def test_a_name_and_its_file_together_are_refused(self):
        self.refused(ingress(MAX_WEBHOOK_TOKEN_FILE=self.secret_file(TOKEN.encode())), "problem  MAX_WEBHOOK_TOKEN", "_FILE")

    def test_a_secret_file_is_read_and_its_line_end_is_not_part_of_it(self):
        for end in (b"", b"\n", b"\r\n"):
            self.good(ingress(MAX_WEBHOOK_TOKEN=None, MAX_WEBHOOK_TOKEN_FILE=self.secret_file(TOKEN.encode() + end)))

    def test_a_secret_file_that_is_missing_empty_or_a_folder_is_refused(self):
        for path in ("/nonexistent/token", self.secret_file(b""), tempfile.gettempdir()):
            self.refused(ingress(MAX_WEBHOOK_TOKEN=None, MAX_WEBHOOK_TOKEN_FILE=path), "MAX_WEBHOOK_TOKEN")

    def test_windows_line_ends_quotes_and_blanks_are_refused_and_not_silently_part_of_a_password(self):
        for value in (TOKEN + "\r", f'"{TOKEN}"', f"'{TOKEN}'", f" {TOKEN}", f"{TOKEN} ", TOKEN + "\n"):
            with self.subTest(repr(value)):
                self.refused(ingress(MAX_WEBHOOK_TOKEN=value), "problem  MAX_WEBHOOK_TOKEN")

    def test_a_missing_or_empty_token_stops_the_start_and_names_the_variable(self):
        for value, told in ((None, "not set"), ("", "empty")):
            with self.subTest(told):
                self.refused(ingress(MAX_WEBHOOK_TOKEN=value), f"problem  MAX_WEBHOOK_TOKEN: {told}")
                env = {**INGRESS, "MAX_WEBHOOK_TOKEN": value}
                start = run("webhook-ingress", env={k: v for k, v in env.items() if v is not None})
                self.refused(start, f"problem  MAX_WEBHOOK_TOKEN: {told}")

    def test_an_empty_optional_value_is_not_set_with_a_warning(self):
        done = ingress(MAX_QUEUE_DEPTH="")
        self.good(done)
        self.assertIn("warning  MAX_QUEUE_DEPTH", done.stderr)

    def test_none_as_token_warns(self):
        done = ingress(MAX_WEBHOOK_TOKEN="none")
        self.good(done)
        self.assertIn("warning  MAX_WEBHOOK_TOKEN", done.stderr)

    def test_a_short_token_warns(self):
        done = ingress(MAX_WEBHOOK_TOKEN="short1")
        self.good(done)
        self.assertIn("warning  MAX_WEBHOOK_TOKEN", done.stderr)
        self.assertNotIn("short1", done.stderr)

    def test_a_url_without_scheme_is_refused(self):
        self.refused(ingress(MAX_BROKER_URL="webhook-ingress:planted-password@127.0.0.1:5672/"), "problem  MAX_BROKER_URL")

    def test_numbers_ports_and_addresses_out_of_their_range_are_refused(self):
        for name, value in (("MAX_PORT", "65536"), ("MAX_PORT", "-1"), ("MAX_PORT", "80x"), ("MAX_ADDRESS", "localhost"),
                            ("MAX_QUEUE_DEPTH", "0"), ("MAX_PARTITIONS", "3"), ("GREENAPI_INSTANCE_ID", "71o3"),
                            ("MAX_TENANT", "a.b"), ("MAX_TENANT", "A"), ("MAX_LOG_LEVEL", "loud"), ("MAX_ALLOW_GROUPS", "maybe")):
            with self.subTest(f"{name}={value}"):
                self.refused(ingress(**{name: value}), f"problem  {name}")

    def test_every_problem_is_told_at_once(self):
        done = ingress(MAX_BROKER_URL=None, GREENAPI_INSTANCE_ID="x", MAX_WEBHOOK_TOKEN=None, MAX_PORT="0x", MAX_PARTITIONS="5")
        self.refused(done, *(f"problem  {n}" for n in ("MAX_BROKER_URL", "GREENAPI_INSTANCE_ID", "MAX_WEBHOOK_TOKEN", "MAX_PORT",
                                                        "MAX_PARTITIONS")), "5 problems")
        self.assertEqual(done.stdout, "not ok\n")

    def test_an_unread_variable_of_ours_warns_with_the_probable_name(self):
        done = ingress(MAX_WEBHOK_TOKEN="x")
        self.good(done)
        self.assertRegex(done.stderr, r"warning  MAX_WEBHOK_TOKEN: .*\n +expected: perhaps MAX_WEBHOOK_TOKEN\n")

    def test_the_health_of_a_process_that_does_not_run_is_1(self):
        self.assertEqual(ingress("--health", MAX_ADMIN_PORT="1").returncode, 1)


class Tenants(unittest.TestCase):
    def check(self, tenants, process="webhook-ingress", secrets=None):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(tenants, file) if not isinstance(tenants, str) else file.write(tenants)
            file.flush()
            env = {"MAX_BROKER_URL": INGRESS["MAX_BROKER_URL"], "MAX_TENANTS_FILE": file.name, **(secrets or {})}
            return run(process, "--check-config", env=env)

    @staticmethod
    def tenant(number, **changes):
        return {"id": f"t{number}", "green_api": {"instance": str(7103000000 + number), "token_env": "GREEN",
                                                    "webhook_token_envs": [f"HOOK_{number}"]},
                "espo": {"url": "https://crm.example.com", "api_key_env": "ESPO"},
                "model": {"name": "gpt-4.1-mini", "api_key_env": "MODEL"}, **changes}

    @staticmethod
    def hooks(count):
        return {f"HOOK_{n}": f"planted-hook-token-{n:06d}" for n in range(count)}

    def test_a_thousand_tenants_are_read_in_two_seconds(self):
        began = time.monotonic()
        done = self.check({"tenants": [self.tenant(n) for n in range(1000)]}, secrets=self.hooks(1000))
        took = time.monotonic() - began
        self.assertEqual(done.returncode, 0, done.stderr[:2000])
        self.assertLess(took, 2)

    def test_each_flaw_is_refused_at_its_place(self):
        one, two = self.tenant(0), self.tenant(1)
        same_instance = self.tenant(1, green_api={**two["green_api"], "instance": "7103000000"})
        same_token = self.tenant(1, green_api={**two["green_api"], "webhook_token_envs": ["HOOK_0"]})
        for name, tenants, place in (
                ("duplicate instance", [one, same_instance], "/tenants/1/green_api/instance"),
                ("duplicate id", [one, {**two, "id": "t0"}], "/tenants/1/id"),
                ("duplicate webhook token", [one, same_token], "/tenants/1/green_api: the same as /tenants/0"),
                ("id with a dot", [self.tenant(0, id="a.b")], "/tenants/0/id"),
                ("id in capitals", [self.tenant(0, id="Acme")], "/tenants/0/id"),
                ("id of 33 characters", [self.tenant(0, id="a" * 33)], "/tenants/0/id"),
                ("partitions 3", [self.tenant(0, partitions=3)], "/tenants/0/partitions"),
                ("unknown member", [self.tenant(0, langauge="fr")], "/tenants/0/langauge"),
                ("no webhook token in the environment", [self.tenant(7)], "/tenants/0/green_api/webhook_token_envs")):
            with self.subTest(name):
                done = self.check({"tenants": tenants}, secrets=self.hooks(2))
                self.assertEqual(done.returncode, 4, done.stderr)
                self.assertIn(place, done.stderr)
                self.assertNotIn("planted-hook-token", done.stderr)

    def test_a_file_that_is_no_json_or_has_no_tenant_is_refused(self):
        for text in ("", "{", "[]", '{"tenants": []}', '{"tenants": {}}', "\ufeff{}"):
            with self.subTest(text):
                self.assertEqual(self.check(text).returncode, 4)

    def test_a_process_wants_only_the_secrets_that_it_uses(self):
        tenants = {"tenants": [self.tenant(0)]}
        self.assertEqual(self.check(tenants, secrets=self.hooks(1)).returncode, 0)
        done = self.check(tenants, "reply-sender", secrets={"GREEN": "planted-green"})
        self.assertEqual(done.returncode, 0, done.stderr)


class Every(unittest.TestCase):
    def test_help_lists_the_variables_that_the_documents_give_to_the_process(self):
        rows = documented()
        self.assertGreater(len(rows), 40)
        for process in SERVICES:
            with self.subTest(process):
                done = run(process, "--help")
                self.assertEqual(done.returncode, 0)
                listed = set(re.findall(r"^  ([A-Z][A-Z0-9_]+)", done.stdout.split("Environment", 1)[1], re.M))
                self.assertEqual(listed, {name for name, _, users, _ in rows if process in users})
                marked = set(re.findall(r"^  ([A-Z][A-Z0-9_]+) \(needed\)", done.stdout, re.M))
                self.assertEqual(marked, {name for name, _, _, needed in rows if process in needed})

    def test_version_unknown_options_and_words(self):
        for process in PROCESSES:
            with self.subTest(process):
                done = run(process, "--version")
                self.assertEqual(done.returncode, 0)
                self.assertRegex(done.stdout, rf"^{process} \d+\.\d+\.\d+\S*\n$")
                self.assertEqual(run(process, "--bogus").returncode, 2)
                self.assertEqual(run(process, "bogus").returncode, 2)

    def test_without_settings_a_process_refuses_and_names_what_it_needs(self):
        for process in SERVICES:
            with self.subTest(process):
                done = run(process)
                self.assertEqual(done.returncode, 4)
                told = set(re.findall(r"^problem  ([A-Z0-9_]+): not set", done.stderr, re.M))
                self.assertLessEqual({name for name, _, _, needed in documented() if process in needed}, told)
