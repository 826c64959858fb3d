// Starts max-sandbox, and PostgreSQL for it, in a directory of their own, and ends both again.
import { spawn, spawnSync } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Checks } from "./checks.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const START_SECONDS = 30;
const STOP_SECONDS = 10;

/// Of "bytes" random bytes, in hexadecimal.
export const secret = (bytes = 24) => randomBytes(bytes).toString("hex");
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/// condition()'s first true answer.
export async function until(what, condition, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await pause(20);
  }
}

/// A JSON web token (HS256), made here and not by the code under test.
export function signedToken(claims, key, header = { alg: "HS256", typ: "JWT" }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

export class Sandbox {
  url(service) {
    return `http://127.0.0.1:${this.ports[service]}`;
  }

  /// A call of the control API; its JSON.
  async control(target, body) {
    const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(this.url("control") + target, options);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`sandbox: ${target}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  switch(service, does, more = {}) {
    return this.control("/switch", { service, do: does, times: 1, ...more });
  }

  /// The HTTP requests that a service had since `since`, an answer of `now()`.
  async requests(service, since) {
    const { entries } = await this.control(`/journal/${service}?since=${since}`);
    return entries.filter((entry) => entry.by === "http");
  }

  async now(service) {
    return (await this.control(`/journal/${service}`)).last;
  }

  /// Not asynchronous: it also runs while this process is ending.
  stop() {
    const child = this.child;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      const end = Date.now() + STOP_SECONDS * 1000;
      while (this.#running() && Date.now() < end) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      if (this.#running()) child.kill("SIGKILL");
    }
    this.child = undefined;
    if (this.postgres) this.#postgres("stop");
    this.postgres = false;
    if (this.directory) fs.rmSync(this.directory, { recursive: true, force: true });
    this.directory = undefined;
  }

  /// `config` is max-sandbox's configuration; `postgres`: whether Supabase is played.
  async start(config, { postgres = false } = {}) {
    const binaries = path.resolve(process.env.MAX_BINARY_DIR ?? path.join(root, "build/debug"));
    const program = path.join(binaries, "tests/sandbox/max-sandbox");
    if (!fs.existsSync(program)) throw new Error(`${program} is not built`);
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), "max-npm-"));
    fs.chmodSync(this.directory, 0o711); // PostgreSQL runs as another user when root starts it
    const file = path.join(this.directory, "sandbox.json");
    const words = ["--dir", path.join(this.directory, "sandbox"), "--config", file, "--no-fsync"];
    if (postgres) {
      this.postgres = true;
      this.#postgres("start", "--owner", String(process.pid));
      const line = this.#postgres("env")
        .split("\n")
        .find((one) => one.startsWith("MAX_TEST_PG_CONNINFO="));
      words.push("--postgres", line.slice(line.indexOf("=") + 1).replace(/^'|'$/g, ""));
    }
    fs.writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const log = fs.openSync(path.join(this.directory, "sandbox.log"), "a");
    this.child = spawn(program, words, { stdio: ["ignore", log, log] });
    let fault;
    this.child.on("error", (error) => (fault = error));
    const ports = path.join(this.directory, "sandbox/ports.json");
    await until(
      "max-sandbox",
      () => {
        if (fault || this.child.exitCode !== null) {
          throw (
            fault ??
            new Error(`max-sandbox ended: ${fs.readFileSync(path.join(this.directory, "sandbox.log"), "utf8")}`)
          );
        }
        return fs.existsSync(ports);
      },
      START_SECONDS,
    );
    this.ports = JSON.parse(fs.readFileSync(ports, "utf8"));
  }

  #postgres(verb, ...words) {
    const script = path.join(root, "scripts/private-postgres");
    const done = spawnSync(script, [verb, path.join(this.directory, "postgres"), ...words], { encoding: "utf8" });
    if (done.status !== 0 && verb !== "stop") {
      throw new Error(`private-postgres ${verb}: ${done.error?.message ?? done.stderr}`);
    }
    return done.stdout;
  }

  #running() {
    try {
      // Its parent, this process, has not waited for it yet: an ended one is a zombie until then.
      return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${this.child.pid}/status`, "utf8"));
    } catch {
      return false;
    }
  }
}

/// Starts the parts, runs `body(sandbox, checks)` and ends this process; whatever happens, the parts are ended first.
export async function play(config, options, body) {
  for (const name of Object.keys(process.env)) {
    if (/^(https?|all)_proxy$/i.test(name)) delete process.env[name]; // all of it is on this machine
  }
  const checks = new Checks();
  const sandbox = new Sandbox();
  const abandon = (why) => {
    console.log(`FAILED ${why}`);
    checks.failed++;
    checks.sum();
    sandbox.stop();
    process.exit(1);
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => abandon(`ended by ${signal}`));
  process.on("disconnect", () => abandon("the process that started this one is gone"));
  process.on("uncaughtException", (error) => abandon(error?.stack ?? error));
  try {
    await sandbox.start(config, options);
    await body(sandbox, checks);
  } catch (error) {
    checks.report(error?.stack ?? String(error), "the check as a whole");
  }
  sandbox.stop();
  process.exit(checks.sum());
}
