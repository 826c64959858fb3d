"""Two tenants in one installation, one with an HMAC key and a CRM address of its own; and the tenants file read again."""
import json
import os
import signal
import unittest

from whole import World, wait_for

TURN = 60
SECOND = "7103249999"
SECOND_TEAM = "6b047fcb060accce1"


def tenant(world, name, instance, espo):
    return {"id": name, "partitions": 2,
            "green_api": {"instance": instance, "api_url": f"http://127.0.0.1:{world.sandbox_ports['green-api']}", "reply_gap_ms": 0,
                          "token_env": f"{name.upper()}_GREEN", "webhook_token_envs": [f"{name.upper()}_HOOK"]},
            "espo": espo,
            "model": {"base_url": f"http://127.0.0.1:{world.sandbox_ports['openai']}/v1", "name": "gpt-4.1-mini",
                      "api_key_env": "MODEL_KEY"}}


class Tenants(unittest.TestCase):
    def setUp(self):
        self.world = World(sandbox={"espocrm": {
            "teams": [{"id": "6b047fcb060acccc1", "name": "Alpha"}, {"id": SECOND_TEAM, "name": "Beta"}]}})
        self.max = self.world.installation
        hook, green, secret = "b" * 32, "c" * 32, "d" * 32
        config = self.max.sandbox_config()
        first = config["green-api"]["instances"][0]
        self.max.sandbox_changes["green-api"] = {"instances": [
            first, {**first, "idInstance": int(SECOND), "apiToken": green, "webhookUrlToken": hook}]}
        self.max.sandbox_changes["espocrm"]["users"] = [
            {"id": "6b047fcb060acccc2", "userName": "alpha", "apiKey": self.max.secrets["espo"], "teamsIds": ["6b047fcb060acccc1"]},
            {"id": "6b047fcb060accce2", "userName": "beta", "authMethod": "Hmac", "apiKey": "e" * 32, "secretKey": secret,
             "teamsIds": [SECOND_TEAM]}]
        port = self.max.sandbox_ports["espocrm"]
        self.alpha = tenant(self.max, "alpha", self.max.instance,
                            {"url": f"http://127.0.0.1:{port}", "api_key_env": "ALPHA_ESPO", "team_id": "6b047fcb060acccc1"})
        self.beta = tenant(self.max, "beta", SECOND,
                           {"url": f"http://localhost:{port}", "api_key_env": "BETA_ESPO", "hmac_secret_env": "BETA_HMAC",
                            "team_id": SECOND_TEAM})
        self.file = os.path.join(self.world.directory, "tenants.json")
        self.max.extra["all"] = {
            "MAX_TENANTS_FILE": self.file, "MODEL_KEY": self.max.secrets["openai"],
            "ALPHA_HOOK": self.max.secrets["webhook"], "ALPHA_GREEN": self.max.secrets["green-api"],
            "ALPHA_ESPO": self.max.secrets["espo"], "BETA_HOOK": hook, "BETA_GREEN": green, "BETA_ESPO": "e" * 32, "BETA_HMAC": secret}

    def write(self, text):
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            file.write(text if isinstance(text, str) else json.dumps({"tenants": text}))
        os.rename(self.file + ".new", self.file)

    def signal_all(self, outcome):
        before = {name: self.max.metric(name, "max_reloads_total", outcome=outcome) for name in self.max.admin_ports}
        for name in self.max.admin_ports:
            self.max.signal(name, signal.SIGHUP)
        for name, count in before.items():
            wait_for(f"{name} has read it", lambda n=name, c=count: self.max.metric(n, "max_reloads_total", outcome=outcome) > c, TURN)

    def lead_of(self, chat, text, **more):
        self.max.say(chat, text, **more)
        return wait_for("a lead", lambda: [r for r in self.created() if r.get("whatsappChatId") == chat], TURN)[0]

    def created(self):
        return [json.loads(e["request"]) for e in self.max.journal("espocrm")
                if e.get("kind") == "exchange" and e.get("method") == "POST" and e["target"].endswith("/Lead") and e["status"] == 200]

    def test_two_tenants_keep_apart(self):
        self.write([self.alpha, self.beta])
        with self.world:
            one, two = self.max.new_chat(), self.max.new_chat()
            first = self.lead_of(one, "Je m'appelle Luc Keller, je cherche un logo [1]", idMessage="3A00000000000001")
            second = self.lead_of(two, "Je m'appelle Ana Souza, je cherche un site [1]", idMessage="3A00000000000001", instance=SECOND)
            self.assertEqual((first["tenantId"], first["teamsIds"]), ("alpha", ["6b047fcb060acccc1"]))
            self.assertEqual((second["tenantId"], second["teamsIds"]), ("beta", [SECOND_TEAM]))
            for chat in (one, two):
                self.max.wait_answers(chat, 1, TURN)
            wait_for("rows", lambda: self.max.rows("max_logs", "kind=eq.turn.completed", tenant="beta"), TURN)
            chats = {row["payload"]["chat"] for row in self.max.rows("max_logs", "kind=eq.turn.completed", tenant="beta")}
            self.assertEqual(chats, {two})

    def test_a_tenant_is_added_while_everything_runs_and_a_bad_file_changes_nothing(self):
        self.write([self.alpha])
        with self.world:
            chat = self.max.new_chat()
            self.lead_of(chat, "Je m'appelle Luc Keller, je cherche un logo [1]")
            self.write([self.alpha, self.beta])
            self.max.maxctl("topology", "apply")
            self.signal_all("taken")
            other = self.max.new_chat()
            self.assertEqual(self.lead_of(other, "Je m'appelle Ana Souza, je cherche un site [1]", instance=SECOND)["tenantId"], "beta")

            self.write('{"tenants": [{"id": "a.b"}]}')
            self.signal_all("refused")
            self.max.say(chat, "Encore moi [2]")
            wait_for("alpha is answered", lambda: any("[2]" in a for a in self.max.answers(chat)), TURN)


if __name__ == "__main__":
    unittest.main()
