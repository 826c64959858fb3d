"""One whole installation on this machine: RabbitMQ, PostgreSQL, the sandbox and MAX's processes, all private.

Used by scripts/demo and by tests/e2e. Everything listens on 127.0.0.1 on free ports, lives in one directory and is
stopped by its own process ids.
"""
import base64
import hashlib
import hmac
import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROCESSES = ("webhook-ingress", "llm-worker", "crm-writer", "reply-sender", "memory-logger")
TEAM = "6b047fcb060acccc1"
START_SECONDS = 60


class NotThere(Exception):
    """A condition did not come true before its deadline."""


def wait_for(what, condition, seconds=30, pause=0.05):
    """Returns condition()'s first true answer; raises NotThere when `seconds` have passed."""
    until = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > until:
            raise NotThere(f"{what}: not within {seconds} s")
        time.sleep(pause)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def http(method, url, body=None, headers=None, seconds=15):
    """(status, headers, text). Errors of HTTP are values; no answer raises OSError."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))
    if data is not None and "Content-Type" not in (headers or {}):
        request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=seconds) as answer:
            return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode("utf-8", "replace")


def _read_env(path):
    values = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = shlex.split(line, comments=True)
            if words and "=" in words[0]:
                name, _, value = words[0].partition("=")
                values[name] = value
    return values


class Process:
    """One started program, its log and its end."""

    def __init__(self, name, command, env, log):
        self.name, self.command, self.env, self.log = name, command, env, log
        self.child = None

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True)
        return self

    @property
    def pid(self):
        return self.child.pid

    def running(self):
        return self.child is not None and self.child.poll() is None

    def kill(self):
        if self.running():
            self.child.kill()
        self.child.wait()

    def stop(self, seconds=30):
        """SIGTERM and its exit code; SIGKILL when it takes longer."""
        if self.running():
            self.child.terminate()
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()


class Installation:
    """
    partitions: of the single tenant; settings: extra variables of all processes; sandbox: changes of its configuration;
    time_factor: of the sandbox's own waits (1: real time); tenants: ids, the first one being "main", for an installation
    with a tenants file, where each has an instance of its own and all share one CRM, model and database; limits: theirs.
    tls: a tls.Tls, and everything is reached through TLS.
    """

    def __init__(self, directory, build, partitions=2, settings=None, time_factor=0.05, sandbox=None, progress=None,
                 tenants=(), limits=None, tls=None):
        self.dir, self.build = os.path.abspath(directory), os.path.abspath(build)
        self.partitions, self.time_factor = partitions, time_factor
        self.sandbox_changes = sandbox or {}
        self.progress = progress or (lambda text: None)
        self.processes = {}
        self.tenants, self.limits, self.tls = tuple(tenants), limits or {}, tls
        self.instance, self.chat_digits = "7103245718", 12025550000 + secrets.randbelow(9999)
        self.secrets = {name: secrets.token_hex(24) for name in ("webhook", "green-api", "openai", "espo", "publishable",
                                                                   "service", "jwt")}
        for tenant in self.tenants[1:]:
            self.secrets.update({f"{kind}.{tenant}": secrets.token_hex(24) for kind in ("webhook", "green-api")})
        self.broker_passwords = {name: secrets.token_hex(12) for name in PROCESSES + ("maxctl",)}
        self.extra = settings or {}
        self.webhook_port, self.control_port, *rest = free_ports(2 + 4 + len(PROCESSES))
        self.sandbox_ports = dict(zip(("green-api", "openai", "espocrm", "supabase"), rest))
        self.admin_ports = dict(zip(PROCESSES, rest[4:]))
        os.makedirs(self.dir, exist_ok=True)

    # ---- parts

    def script(self, name, *words):
        done = subprocess.run([os.path.join(ROOT, "scripts", name), *words], text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"scripts/{name} {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def start(self, processes=PROCESSES, outside=True):
        """outside=False: neither PostgreSQL nor the sandbox, for processes that call nobody but the broker."""
        self.progress("RabbitMQ")
        self.start_broker()
        if outside:
            self.progress("PostgreSQL")
            self.script("private-postgres", "start", self.path("postgres"), "--owner", str(os.getpid()))
            self.postgres = _read_env(self.path("postgres/postgres.env"))
            self.progress("sandbox")
            self.start_sandbox()
            if self.tls:
                self.tls.serve(self.sandbox_ports)
        self.progress("topology")
        self.maxctl("topology", "apply")
        for name in processes:
            self.progress(name)
            self.start_process(name)
        for name in processes:
            self.wait_ready(name)
        return self

    def start_broker(self):
        """Also the restart after kill_broker: same ports, passwords and data."""
        self.script("private-broker", "start", self.path("broker"), "--owner", str(os.getpid()),
                    *(self.tls.broker_words() if self.tls else []))
        self.broker = _read_env(self.path("broker/broker.env"))

    def stop_broker(self):
        self.script("private-broker", "stop", self.path("broker"))

    def kill_broker(self):
        self.script("private-broker", "kill", self.path("broker"))

    def stop(self):
        for process in reversed(list(self.processes.values())):
            process.child and process.child.poll() is None and process.child.terminate()
        for process in reversed(list(self.processes.values())):
            process.child and process.stop()
        if self.tls:
            self.tls.close()
        for script, folder in (("private-postgres", "postgres"), ("private-broker", "broker")):
            if os.path.isdir(self.path(folder)):
                subprocess.run([os.path.join(ROOT, "scripts", script), "stop", self.path(folder)], capture_output=True, check=False)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *unused):
        self.stop()

    def path(self, name):
        return os.path.join(self.dir, name)

    def sandbox_config(self):
        config = {
            "timeFactor": self.time_factor,
            "green-api": {"instances": [{
                "idInstance": int(self.instance), "apiToken": self.secrets["green-api"], "wid": "12025550110@c.us",
                "webhookUrl": f"http://127.0.0.1:{self.webhook_port}/webhooks/greenapi",
                "webhookUrlToken": self.secrets["webhook"],
                "settings": {"delaySendMessagesMilliseconds": 500, "incomingWebhook": "yes", "outgoingWebhook": "yes",
                             "outgoingAPIMessageWebhook": "yes", "outgoingMessageWebhook": "yes", "stateWebhook": "yes"}}]},
            "openai": {"keys": [self.secrets["openai"]]},
            "espocrm": {"teams": [{"id": TEAM, "name": "Main"}],
                        "users": [{"id": "6b047fcb060acccc2", "userName": "max", "apiKey": self.secrets["espo"], "teamsIds": [TEAM]}]},
            "supabase": {"publishableKeys": [self.secrets["publishable"]], "secretKeys": [self.secrets["service"]],
                         "jwtSecret": self.secrets["jwt"]},
        }
        first = config["green-api"]["instances"][0]
        for number, tenant in enumerate(self.tenants[1:], 1):
            config["green-api"]["instances"].append({
                **first, "idInstance": int(self.instance_of(tenant)), "apiToken": self.secrets[f"green-api.{tenant}"],
                "wid": f"{12025550110 + number}@c.us", "webhookUrlToken": self.secrets[f"webhook.{tenant}"]})
        for service, change in self.sandbox_changes.items():
            config[service] = {**config.get(service, {}), **change} if isinstance(change, dict) else change
        return config

    def start_sandbox(self):
        with open(self.path("sandbox.json"), "w", encoding="utf-8") as file:
            json.dump(self.sandbox_config(), file)
        command = [os.path.join(self.build, "tests/sandbox/max-sandbox"), "--dir", self.path("sandbox"), "--config",
                   self.path("sandbox.json"), "--postgres", self.postgres["MAX_TEST_PG_CONNINFO"],
                   "--control-port", str(self.control_port)]
        for service, port in self.sandbox_ports.items():
            command += [f"--{service}-port", str(port)]
        self.processes["sandbox"] = Process("sandbox", command, dict(os.environ), self.path("sandbox.log")).start()
        wait_for("the sandbox", lambda: self._answers(f"http://127.0.0.1:{self.control_port}/healthz"), START_SECONDS)

    def instance_of(self, tenant):
        """The Green-API instance of a tenant of the tenants file, as digits."""
        return str(int(self.instance) + self.tenants.index(tenant))

    def tenants_file(self, url):
        """Writes the tenants file; the secrets that it names, by process."""
        described = []
        named = {"webhook-ingress": {}, "reply-sender": {}, "llm-worker": {}, "crm-writer": {}}
        for tenant in self.tenants:
            ending = "" if tenant == self.tenants[0] else "." + tenant
            name = "TENANT_" + tenant.upper().replace("-", "_")
            named["webhook-ingress"][name + "_WEBHOOK"] = self.secrets["webhook" + ending]
            named["reply-sender"][name + "_GREENAPI"] = self.secrets["green-api" + ending]
            described.append({"id": tenant, "green_api": {
                "instance": self.instance_of(tenant), "api_url": url["green-api"], "token_env": name + "_GREENAPI",
                "webhook_token_envs": [name + "_WEBHOOK"], "reply_gap_ms": 0}})
        defaults = {"partitions": self.partitions, "language": "fr", "limits": self.limits,
                    "espo": {"url": url["espocrm"], "api_key_env": "ESPO_API_KEY", "team_id": TEAM,
                             "assigned_user_id": "6b047fcb060acccc2"},
                    "model": {"name": "gpt-4.1-mini", "base_url": url["openai"] + "/v1", "api_key_env": "OPENAI_API_KEY"}}
        written = self.path(f"tenants.{threading.get_ident()}.new")
        with open(written, "w", encoding="utf-8") as file:
            json.dump({"defaults": defaults, "tenants": described}, file)
        named["maxctl"] = {**named["reply-sender"], "ESPO_API_KEY": self.secrets["espo"], "OPENAI_API_KEY": self.secrets["openai"]}
        os.replace(written, self.path("tenants.json"))
        return named

    def environment(self, name):
        """Each process gets the variables it uses and no others."""
        broker = f"amqp://{name}:{self.broker_passwords.get(name, '')}@127.0.0.1:{self.broker['MAX_TEST_AMQP_PORT']}/"
        if self.tls:
            broker = f"amqps://{name}:{self.broker_passwords.get(name, '')}@localhost:{self.broker['MAX_TEST_AMQPS_PORT']}/"
        base = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TZ") if key in os.environ}
        base.update({"MAX_PARTITIONS": str(self.partitions), "MAX_LOG_FORMAT": "json", "MAX_BROKER_URL": broker,
                     "MAX_LANGUAGE": "fr"})
        url = {service: f"http://127.0.0.1:{port}" for service, port in self.sandbox_ports.items()}
        if self.tls:
            base["MAX_CA_FILE"] = self.tls.ours.ca
            if self.tls.proxies:
                url = {service: self.tls.url(service) for service in url}
        if name in PROCESSES:
            base["MAX_ADMIN_PORT"] = str(self.admin_ports[name])
        supabase = {"SUPABASE_URL": url["supabase"], "SUPABASE_ANON_KEY": self.secrets["publishable"],
                    "SUPABASE_JWT_SECRET": self.secrets["jwt"]}
        own = {
            "webhook-ingress": {"MAX_PORT": str(self.webhook_port), "GREENAPI_INSTANCE_ID": self.instance,
                                "MAX_WEBHOOK_TOKEN": self.secrets["webhook"]},
            "llm-worker": {"OPENAI_API_KEY": self.secrets["openai"], "MAX_OPENAI_BASE_URL": url["openai"] + "/v1",
                           "MAX_OPENAI_MODEL": "gpt-4.1-mini", "MAX_LINGER_MS": "0", **supabase},
            "crm-writer": {"ESPO_URL": url["espocrm"], "ESPO_API_KEY": self.secrets["espo"], "ESPO_TEAM_ID": TEAM,
                           "ESPO_ASSIGNED_USER_ID": "6b047fcb060acccc2"},
            "reply-sender": {"GREENAPI_API_URL": url["green-api"], "GREENAPI_INSTANCE_ID": self.instance,
                             "GREENAPI_API_TOKEN": self.secrets["green-api"], "MAX_REPLY_GAP_MS": "0"},
            "memory-logger": supabase,
            "maxctl": {"MAX_BROKER_ADMIN_URL": f"http://max-admin:{self.broker['MAX_TEST_ADMIN_PASSWORD']}@127.0.0.1:"
                                               f"{self.broker['MAX_TEST_MGMT_PORT']}"},
        }
        if self.tenants:
            base["MAX_TENANTS_FILE"] = self.path("tenants.json")
            own[name] = {**own[name], **self.tenants_file(url).get(name, {})}
        base.update(own[name])
        if name == "maxctl":
            for user, password in self.broker_passwords.items():
                base["MAX_BROKER_PASSWORD_" + user.upper().replace("-", "_")] = password
        base.update(self.extra.get("all", {}))
        base.update(self.extra.get(name, {}))
        return base

    def binary(self, name):
        return os.path.join(self.build, "services", name, name)

    def maxctl(self, *words, check=True):
        done = subprocess.run([self.binary("maxctl"), *words], env=self.environment("maxctl"), text=True, capture_output=True,
                              check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"maxctl {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
        return done

    def start_process(self, name, replica="", settings=None):
        """A second replica of a process has a name of its own and any free port; settings: more variables."""
        env = self.environment(name)
        if replica:
            env["MAX_ADMIN_PORT"] = str(free_ports(1)[0])
        env.update(settings or {})
        label = name + replica
        self.processes[label] = Process(label, [self.binary(name)], env, self.path(label + ".log")).start()
        self.processes[label].admin = int(env["MAX_ADMIN_PORT"])
        return self.processes[label]

    def wait_ready(self, label, seconds=START_SECONDS):
        process = self.processes[label]

        def ready():
            if not process.running():
                raise NotThere(f"{label} ended with {process.child.returncode}; its log: {process.log}")
            return self._answers(f"http://127.0.0.1:{process.admin}/readyz")
        wait_for(f"{label} is ready", ready, seconds)

    @staticmethod
    def _answers(url):
        try:
            return http("GET", url, seconds=2)[0] == 200
        except OSError:
            return False

    # ---- the outside world

    def control(self, path, body=None):
        """A call of the sandbox's control API; its JSON."""
        status, _, text = http("GET" if body is None else "POST", f"http://127.0.0.1:{self.control_port}{path}", body)
        if status != 200:
            raise RuntimeError(f"sandbox: {path}: {status} {text}")
        return json.loads(text) if text else None

    def management(self, method, path, body=None):
        """A call of the broker's management API as its administrator; its JSON, if any."""
        login = base64.b64encode(f"max-admin:{self.broker['MAX_TEST_ADMIN_PASSWORD']}".encode()).decode()
        status, _, text = http(method, f"http://127.0.0.1:{self.broker['MAX_TEST_MGMT_PORT']}/api/{path}", body,
                               {"Authorization": f"Basic {login}", "Content-Type": "application/json"})
        if status >= 300:
            raise RuntimeError(f"broker: {method} /api/{path}: {status} {text}")
        return json.loads(text) if text else None

    def switch(self, service, does, match=None, **more):
        return self.control("/switch", {"service": service, "match": match or {}, "do": does, **more})["id"]

    def clear(self):
        self.control("/clear", {})

    def new_chat(self):
        self.chat_digits += 1
        return f"{self.chat_digits}@c.us"

    def say(self, chat, text, name="Maria Vance", **more):
        return self.control("/green-api/say", {"chatId": chat, "text": text, "name": name, **more})

    def post_webhook(self, body, token=None):
        headers = {"Authorization": f"Bearer {token or self.secrets['webhook']}"}
        return http("POST", f"http://127.0.0.1:{self.webhook_port}/webhooks/greenapi", body, headers)

    def journal(self, service):
        """Every whole entry of a service's journal file."""
        entries = []
        try:
            with open(self.path(f"sandbox/{service}.jsonl"), encoding="utf-8") as lines:
                for line in lines:
                    if line.endswith("\n"):
                        entries.append(json.loads(line))
        except FileNotFoundError:
            pass
        return entries

    def answers(self, chat=None):
        """What the customer's WhatsApp shows of us: texts in order, from the outgoing journal of the provider."""
        found = [e["entry"] for e in self.journal("green-api") if e.get("kind") == "sent" and "entry" in e]
        return [e.get("textMessage") or e.get("extendedTextMessage", {}).get("text", "") for e in found
                if chat is None or e.get("chatId") == chat]

    def wait_answers(self, chat, count, seconds=30):
        return wait_for(f"{count} answers in {chat}",
                        lambda: (lambda a: a if len(a) >= count else None)(self.answers(chat)), seconds)

    def leads(self, chat=None):
        where = {"select": "id,name,firstName,lastName,emailAddress,phoneNumber,description,whatsappChatId,tenantId,maxRequestId,status",
                 "maxSize": "200"}
        if chat:
            where.update({"where[0][type]": "equals", "where[0][attribute]": "whatsappChatId", "where[0][value]": chat})
        status, _, text = http("GET", f"http://127.0.0.1:{self.sandbox_ports['espocrm']}/api/v1/Lead?" + urllib.parse.urlencode(where),
                               headers={"X-Api-Key": self.secrets["espo"]})
        if status != 200:
            raise RuntimeError(f"EspoCRM: {status} {text}")
        return json.loads(text)["list"]

    def token(self, tenant="main", seconds=300, role="pipeline_worker"):
        """A tenant's token, made here and not by the code under test."""
        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
        now = int(time.time())
        text = part({"alg": "HS256", "typ": "JWT"}) + "." + part({"role": role, "tenant_id": tenant, "iat": now - 5, "exp": now + seconds})
        mac = hmac.new(self.secrets["jwt"].encode(), text.encode(), hashlib.sha256).digest()
        return text + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    def rows(self, table, query="", tenant="main"):
        status, _, text = http("GET", f"http://127.0.0.1:{self.sandbox_ports['supabase']}/rest/v1/{table}?{query}",
                               headers={"apikey": self.secrets["publishable"], "Authorization": f"Bearer {self.token(tenant)}"})
        if status not in (200, 206):
            raise RuntimeError(f"Supabase: {status} {text}")
        return json.loads(text)

    def metrics(self, label):
        process = self.processes[label]
        return http("GET", f"http://127.0.0.1:{process.admin}/metrics")[2]

    def metric(self, label, name, **labels):
        """The sum of a metric's samples that carry these labels."""
        total = 0.0
        for line in self.metrics(label).splitlines():
            if line.startswith(name + "{") or line.startswith(name + " "):
                if all(f'{key}="{value}"' in line for key, value in labels.items()):
                    total += float(line.rsplit(" ", 1)[1])
        return total

    def log_lines(self, label):
        with open(self.path(label + ".log"), encoding="utf-8", errors="replace") as lines:
            return lines.read().splitlines()

    def signal(self, label, what=signal.SIGTERM):
        os.kill(self.processes[label].pid, what)
