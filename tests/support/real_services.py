"""An installation whose outside services are the real ones, as far as a file names their keys; the sandbox plays the rest."""
import json
import secrets
import time
import urllib.parse

from installation import Installation, http

# Which process uses which variable; a service is real when its first variable is in the file.
SERVICES = {
    "openai": ("OPENAI_API_KEY", "MAX_OPENAI_BASE_URL", "MAX_OPENAI_MODEL"),
    "espocrm": ("ESPO_URL", "ESPO_API_KEY", "ESPO_HMAC_SECRET", "ESPO_TEAM_ID", "ESPO_ASSIGNED_USER_ID", "ESPO_ATTRIBUTES",
                "ESPO_LEAD_SOURCE"),
    "supabase": ("SUPABASE_URL", "SUPABASE_ANON_KEY", "SUPABASE_JWT_SECRET", "SUPABASE_SERVICE_KEY"),
    "green-api": ("GREENAPI_API_TOKEN", "GREENAPI_API_URL"),
}
USERS = {"openai": ("llm-worker",), "espocrm": ("crm-writer",), "supabase": ("llm-worker", "memory-logger"), "green-api": ("reply-sender",)}
EVERYONE = ("MAX_LANGUAGE", "MAX_TIME_ZONE", "MAX_CA_FILE", "MAX_TENANT")


def read_env_file(path):
    """NAME=value lines, as docker-compose reads them; quotes around a value are taken off."""
    values = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.strip()
            if line and not line.startswith("#") and "=" in line:
                name, _, value = line.partition("=")
                values[name.strip()] = value.strip().strip("'\"")
    return values


class RealServices(Installation):
    """`given`: the file's variables; `own_chat`: the chat that plays the customer, yours when WhatsApp is real."""

    def __init__(self, *words, given, own_chat=None, **more):
        super().__init__(*words, **more)
        self.given, self.own_chat = given, own_chat
        self.real = {service for service, names in SERVICES.items() if given.get(names[0])}
        self.instance = given.get("GREENAPI_INSTANCE_ID", self.instance) if "green-api" in self.real else self.instance

    def environment(self, name):
        env = super().environment(name)
        for service in self.real:
            if name in USERS[service]:
                for variable in SERVICES[service]:
                    env.pop(variable, None)
                    if self.given.get(variable):
                        env[variable] = self.given[variable]
        env.update({variable: self.given[variable] for variable in EVERYONE if self.given.get(variable)})
        if name == "llm-worker" and self.given.get("MAX_PROMPT_FILE"):
            env["MAX_PROMPT_FILE"] = self.given["MAX_PROMPT_FILE"]
        return env

    @property
    def tenant(self):
        return self.given.get("MAX_TENANT", "main")

    def new_chat(self):
        return self.own_chat or super().new_chat()

    def say(self, chat, text, name="Maria Vance", **more):
        """With a real WhatsApp nobody can be made to write: the webhook is posted as the provider would."""
        if "green-api" not in self.real:
            return super().say(chat, text, name, **more)
        body = {"typeWebhook": "incomingMessageReceived", "timestamp": int(time.time()), "idMessage": secrets.token_hex(10).upper(),
                "instanceData": {"idInstance": int(self.instance), "wid": "12025550110@c.us", "typeInstance": "whatsapp"},
                "senderData": {"chatId": chat, "sender": chat, "senderName": name, "chatName": name},
                "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": text}}}
        status, _, answer = self.post_webhook(body)
        if status != 200:
            raise RuntimeError(f"webhook-ingress: {status} {answer}")
        return None

    def get(self, url, headers=None):
        status, _, text = http("GET", url, headers=headers)
        if status not in (200, 206):
            raise RuntimeError(f"{urllib.parse.urlsplit(url).netloc} answered {status}")
        return json.loads(text)

    def answers(self, chat=None):
        if "green-api" not in self.real:
            return super().answers(chat)
        base = self.given.get("GREENAPI_API_URL", "https://api.green-api.com")
        time.sleep(1)  # the provider allows one look a second
        sent = self.get(f"{base}/waInstance{self.instance}/lastOutgoingMessages/{self.given['GREENAPI_API_TOKEN']}?minutes=10")
        sent = [m for m in sent if m.get("sendByApi") and (chat is None or m.get("chatId") == chat) and m["timestamp"] >= self.since]
        return [m.get("textMessage") or m.get("extendedTextMessage", {}).get("text", "") for m in sorted(sent, key=lambda m: m["timestamp"])]

    def start(self, *words, **more):
        self.since = int(time.time())
        return super().start(*words, **more)

    def leads(self, chat=None):
        if "espocrm" not in self.real:
            return super().leads(chat)
        where = {"maxSize": "50", "where[0][type]": "equals", "where[0][attribute]": "whatsappChatId", "where[0][value]": chat}
        return self.get(f"{self.given['ESPO_URL']}/api/v1/Lead?{urllib.parse.urlencode(where)}", {"X-Api-Key": self.given["ESPO_API_KEY"]})["list"]

    def rows(self, table, query="", tenant=None):
        if "supabase" not in self.real:
            return super().rows(table, query, tenant or self.tenant)
        self.secrets["jwt"] = self.given.get("SUPABASE_JWT_SECRET", "")
        token = self.token(tenant or self.tenant) if self.secrets["jwt"] else self.given["SUPABASE_SERVICE_KEY"]
        key = self.given.get("SUPABASE_ANON_KEY") or self.given["SUPABASE_SERVICE_KEY"]
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.since - 1))
        window = f"&occurred_at=gte.{since}" if table == "max_logs" else ""
        return self.get(f"{self.given['SUPABASE_URL']}/rest/v1/{table}?{query}{window}", {"apikey": key, "Authorization": f"Bearer {token}"})
