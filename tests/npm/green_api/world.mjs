// What every call of the Green-API check uses: the instances and the two clients.
import "../node22.mjs";
import http from "node:http";
import { secret, until } from "../sandbox.mjs";

export const { default: first } = await import("@green-api/whatsapp-api-client");
export const { default: second } = await import("@green-api/whatsapp-api-client-js-v2");

// Each instance has one task; the numbers are from the range that is reserved for fiction.
export const tokens = { one: secret(), two: secret(), slow: secret(), hooked: secret() };
export const ids = { one: 7103000001, two: 7103000002, slow: 7103000003, hooked: 7103000004 };
export const wid = "12025550110@c.us";
export const hookToken = secret();
export const noticed = {
  incomingWebhook: "yes",
  outgoingWebhook: "yes",
  outgoingAPIMessageWebhook: "yes",
  outgoingMessageWebhook: "yes",
  stateWebhook: "yes",
};
export const instance = (name, settings, more = {}) => ({
  idInstance: ids[name],
  apiToken: tokens[name],
  wid,
  name: "Sunrise Dental",
  settings: { delaySendMessagesMilliseconds: 500, ...settings },
  ...more,
});
export const config = {
  timeFactor: 0.05, // receiveNotification's 5 s are a quarter of one, and one call a second becomes twenty
  "green-api": {
    instances: [
      instance("one", noticed),
      instance("two", noticed),
      instance("slow", { delaySendMessagesMilliseconds: 600_000 }), // what is queued stays there
      instance("hooked", noticed),
    ],
  },
};

/// The host is not among the second client's parameters, and it logs every call.
export function secondClient(host, idInstance, apiTokenInstance) {
  const client = new second.GreenApiClient({ idInstance, apiTokenInstance });
  client.client.defaults.baseURL = `${host}/waInstance${idInstance}`;
  const silent = () => {};
  client.logger = {
    log: silent,
    debug: silent,
    info: silent,
    warn: silent,
    error: silent,
    fatal: silent,
    logErrorResponse: silent,
  };
  return client;
}

/// A server that is enough of Express for the first client's webhook part.
export async function hookServer(authorizations) {
  let handler;
  const server = http.createServer(async (request, response) => {
    authorizations.push(request.headers.authorization);
    let text = "";
    for await (const piece of request) text += piece;
    response.send = () => response.end();
    const log = console.log; // it announces each webhook
    console.log = () => {};
    await handler({ body: JSON.parse(text) }, response, () => response.writeHead(500).end());
    console.log = log;
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const api = first.webhookAPI({ post: (_, given) => (handler = given) }, "/webhooks");
  return { server, api, url: `http://127.0.0.1:${server.address().port}/webhooks` };
}

export const idMessage = /^[0-9A-F]{16,32}$/;
export const seconds = (value) => Number.isInteger(value) && Math.abs(value - Date.now() / 1000) < 60;
export const about = (name) => ({ idInstance: ids[name], wid, typeInstance: "whatsapp" });

/// The clients of `sandbox`, and what customers do.
export function worldOf(sandbox) {
  const host = sandbox.url("green-api");
  const firstClient = (name, token = tokens[name], id = ids[name]) =>
    first.restAPI({ host, media: host, idInstance: String(id), apiTokenInstance: token });
  const say = (name, chatId, text, more = {}) =>
    sandbox.control("/green-api/say", { instance: ids[name], chatId, text, name: "Maria V.", ...more });
  const sent = (name, count) =>
    until(`${count} messages sent`, async () => {
      const { services } = await sandbox.control("/state");
      return services["green-api"].instances.find((one) => one.idInstance === ids[name]).outgoing >= count;
    });

  return { sandbox, host, firstClient, say, sent };
}

/// Takes notifications, deleting each, until `count` of them are there.
export const take = async (receive, remove, count) => {
  const taken = [];
  await until(`${count} notifications`, async () => {
    const notice = await receive();
    if (!notice) return false;
    taken.push(notice.body);
    const gone = await remove(notice.receiptId);
    if (gone.result !== true) throw new Error(`deleteNotification: ${JSON.stringify(gone)}`);
    return taken.length === count;
  });
  return taken;
};
