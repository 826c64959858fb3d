// What only one of the clients can, and webhooks.
import { until } from "../sandbox.mjs";
import { hookServer, hookToken, idMessage, ids, secondClient, tokens } from "./world.mjs";

/// The calls, and the server of webhooks, to be closed after them.
export async function single({ sandbox, host, firstClient, say }) {
  const old = firstClient("one");
  const modernSlow = secondClient(host, ids.slow, tokens.slow);
  const authorizations = [];
  const { server, api, url } = await hookServer(authorizations);
  const heard = [];
  api.onIncomingMessageText((_, id, message, sender, type, text) => heard.push({ id, message, sender, type, text }));
  api.onOutgoingMessageStatus((_, id, message, status) => heard.push({ id, message, status }));
  api.onStateInstance((body) => heard.push({ state: body.stateInstance }));
  const hooked = firstClient("hooked");
  const customer = "12025550145@c.us";
  return {
    server,
    calls: [
      {
        what: "client: a failed call shows the token in its path, which logs must hide",
        call: () => old.message.sendMessage("nobody", undefined, "Hello").catch((error) => error.response.data),
        gives: {
          statusCode: 400,
          path: `/waInstance${ids.one}/sendMessage/${tokens.one}`,
          message: /^Validation failed\. Details: 'chatId' must be one of/,
          timestamp: /^\d{4}-\d\d-\d\dT.*Z$/,
        },
      },
      {
        what: "client: the quota's refusal says which",
        call: async () => (
          await sandbox.switch("green-api", "quota"),
          old.message.sendMessage(customer, undefined, "Hello").catch((error) => error.response.data)
        ),
        gives: {
          invokeStatus: { status: /^QUOTE_/ },
          correspondentsStatus: { method: "correspondents", status: /_EXCEEDED$/ },
        },
      },
      {
        what: "client-js-v2: sendFileByUrl",
        call: () =>
          modernSlow.sendFileByUrl({
            chatId: customer,
            file: { url: "https://media.example/offer.pdf", fileName: "offer.pdf" },
            caption: "The offer",
          }),
        gives: { idMessage },
      },
      {
        what: "client-js-v2: sendFileByUpload",
        call: () =>
          modernSlow.sendFileByUpload({
            chatId: customer,
            file: { data: new Blob(["%PDF-1.4"]), fileName: "offer.pdf" },
          }),
        gives: { idMessage, urlFile: /^https:/ },
      },
      {
        what: "client: setSettings of a webhook",
        call: () => hooked.settings.setSettings({ webhookUrl: url, webhookUrlToken: hookToken }),
        gives: { saveSettings: true },
      },
      {
        what: "client: a message arrives as a webhook with the token",
        call: async () => {
          const { idMessage: id } = await say("hooked", customer, "Bonjour 🦷");
          await until("the webhook", () => heard.length === 1);
          return { heard: heard[0], same: heard[0].message === id, authorization: authorizations };
        },
        gives: {
          heard: { id: ids.hooked, sender: customer, type: "textMessage", text: "Bonjour 🦷" },
          same: true,
          authorization: [`Bearer ${hookToken}`],
        },
      },
      {
        what: "client: the statuses of an answer arrive as webhooks",
        call: async () => {
          const { idMessage: id } = await hooked.message.sendMessage(customer, undefined, "Bonjour");
          await until("three statuses", () => heard.length === 4);
          return heard.slice(1).map((one) => ({ ...one, ours: one.message === id }));
        },
        gives: ["sent", "delivered", "read"].map((status) => ({ id: ids.hooked, status, ours: true })),
      },
      {
        what: "client: a change of state arrives as a webhook",
        call: async () => {
          await sandbox.control("/green-api/state", { instance: ids.hooked, state: "yellowCard" });
          await until("the webhook", () => heard.length === 5);
          return { heard: heard[4], now: await hooked.instance.getStateInstance() };
        },
        gives: { heard: { state: "yellowCard" }, now: { stateInstance: "yellowCard" } },
      },
      {
        what: "client: while a webhook is set nothing is there to poll",
        call: async () => ({ got: await hooked.webhookService.receiveNotification() }),
        gives: { got: null },
      },
      {
        what: "no token is in the journal's addresses",
        call: () => sandbox.control("/journal/green-api"),
        gives: ({ entries }) =>
          entries.length > 100 &&
          entries.every((entry) => Object.values(tokens).every((token) => !String(entry.target ?? "").includes(token))),
      },
    ],
  };
}
