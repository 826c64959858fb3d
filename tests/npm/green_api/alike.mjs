// What both clients do alike, each with an instance of its own.
import { until } from "../sandbox.mjs";
import { about, idMessage, ids, noticed, secondClient, seconds, take, tokens, wid } from "./world.mjs";

/// The two clients behind one set of names.
export function bothClients({ host, firstClient }) {
  const old = firstClient("one");
  const modern = secondClient(host, ids.two, tokens.two);
  const oldSlow = firstClient("slow");
  const modernSlow = secondClient(host, ids.slow, tokens.slow);
  return [
    {
      label: "client",
      name: "one",
      phone: 12025550143,
      fails: (error, status) => error.response?.status === status,
      send: (chat, text, quoted) => old.message.sendMessage(chat, undefined, text, quoted ?? null),
      getSettings: () => old.settings.getSettings(),
      setSettings: (s) => old.settings.setSettings(s),
      state: () => old.instance.getStateInstance(),
      check: (phone) => old.instance.checkWhatsapp(phone),
      receive: () => old.webhookService.receiveNotification(),
      remove: (id) => old.webhookService.deleteNotification(id),
      incoming: () => old.message.lastIncomingMessages(),
      outgoing: () => old.message.lastOutgoingMessages(),
      history: (chatId, count) => old.message.getChatHistory(chatId, count),
      read: (chatId, id) => old.message.readChat(chatId, undefined, id),
      sendSlowly: (chat, text) => oldSlow.message.sendMessage(chat, undefined, text),
      queue: () => oldSlow.message.showMessagesQueue(),
      clear: () => oldSlow.message.clearMessagesQueue(),
      reboot: () => old.instance.reboot(),
      logout: () => old.instance.logout(),
      stranger: (token, id) => firstClient("one", token, id).instance.getStateInstance(),
    },
    {
      label: "client-js-v2",
      name: "two",
      phone: 12025550144,
      fails: (error, status) => error.message.includes(`status code ${status}`),
      send: (chat, text, quoted) => modern.sendMessage({ chatId: chat, message: text, quotedMessageId: quoted }),
      getSettings: () => modern.getSettings(),
      setSettings: (s) => modern.setSettings(s),
      state: () => modern.getStateInstance(),
      check: (phone) => modern.checkWhatsapp({ phoneNumber: phone }),
      receive: () => modern.receiveNotification(5),
      remove: (id) => modern.deleteNotification(id),
      incoming: () => modern.lastIncomingMessages(10),
      outgoing: () => modern.lastOutgoingMessages(10),
      history: (chatId, count) => modern.getChatHistory({ chatId, count }),
      read: (chatId, id) => modern.readChat({ chatId, idMessage: id }),
      sendSlowly: (chat, text) => modernSlow.sendMessage({ chatId: chat, message: text }),
      queue: () => modernSlow.showMessagesQueue(),
      clear: () => modernSlow.clearMessagesQueue(),
      reboot: () => modern.reboot(),
      logout: () => modern.logout(),
      stranger: (token, id) => secondClient(host, id ?? ids.two, token ?? tokens.two).getStateInstance(),
    },
  ];
}

/// The calls of one of `bothClients`.
export function alike({ sandbox, say, sent }, api) {
  const chat = `${api.phone}@c.us`;
  const failing = (status, call, more = {}) => ({
    call: () =>
      call().then(
        (got) => ({ instead: got }),
        (error) => ({ failed: api.fails(error, status), error }),
      ),
    gives: { failed: true, ...more },
  });
  let asked, echo;
  return [
    { what: "getStateInstance", call: api.state, gives: { stateInstance: "authorized" } },
    {
      what: "getSettings",
      call: api.getSettings,
      gives: {
        wid,
        webhookUrl: "",
        webhookUrlToken: "",
        delaySendMessagesMilliseconds: 500,
        linkPreview: "yes",
        enableLidMode: "no",
        incomingCallWebhook: "no",
        keepOnlineStatus: "no",
        ...noticed,
      },
    },
    {
      what: "setSettings changes what it names and nothing else",
      call: async () => {
        const before = await api.getSettings();
        const saved = await api.setSettings({ keepOnlineStatus: "yes", delaySendMessagesMilliseconds: 700 });
        const after = await api.getSettings();
        return {
          saved,
          others: Object.keys(before)
            .filter((key) => before[key] !== after[key])
            .sort(),
          after,
        };
      },
      gives: {
        saved: { saveSettings: true },
        others: ["delaySendMessagesMilliseconds", "keepOnlineStatus"],
        after: { keepOnlineStatus: "yes", delaySendMessagesMilliseconds: 700 },
      },
    },
    {
      what: "setSettings: a value that isn't yes or no",
      ...failing(400, () => api.setSettings({ keepOnlineStatus: true })),
    },
    {
      what: "setSettings: a delay that is too short",
      ...failing(400, () => api.setSettings({ delaySendMessagesMilliseconds: 499 })),
    },
    { what: "setSettings: nothing", ...failing(400, () => api.setSettings({})) },
    {
      what: "checkWhatsapp",
      call: () => api.check(api.phone),
      gives: { existsWhatsapp: true, phoneNumber: chat, chatId: /^\d+@lid$/ },
    },
    {
      what: "checkWhatsapp: a number without",
      call: async () => (await sandbox.switch("green-api", "no-whatsapp"), api.check(api.phone)),
      gives: { existsWhatsapp: false, chatId: "" },
    },

    // ---- receiving
    {
      what: "receiveNotification: nothing there is null",
      call: async () => ({ got: await api.receive() }),
      gives: { got: null },
    },
    {
      what: "receiveNotification: a customer's message",
      call: async () => {
        asked = await say(api.name, chat, "Hi! Où êtes-vous ? 🦷");
        return api.receive();
      },
      gives: {
        receiptId: Number.isInteger,
        body: {
          typeWebhook: "incomingMessageReceived",
          instanceData: about(api.name),
          timestamp: seconds,
          idMessage: (id) => id === asked.idMessage,
          senderData: { chatId: chat, sender: chat, senderName: "Maria V." },
          messageData: { typeMessage: "textMessage", textMessageData: { textMessage: "Hi! Où êtes-vous ? 🦷" } },
        },
      },
    },
    {
      what: "the same notification comes until it is deleted, and then no more",
      call: async () => {
        const [one, again] = [await api.receive(), await api.receive()];
        const deleted = await api.remove(again.receiptId);
        return {
          same: one.receiptId === again.receiptId,
          deleted,
          twice: await api.remove(again.receiptId),
          next: await api.receive(),
        };
      },
      gives: { same: true, deleted: { result: true }, twice: { result: false }, next: null },
    },
    {
      what: "notifications come in their order",
      call: async () => {
        for (const text of ["1", "2", "3"]) await say(api.name, chat, text);
        return (await take(api.receive, api.remove, 3)).map((body) => body.messageData.textMessageData.textMessage);
      },
      gives: ["1", "2", "3"],
    },

    // ---- sending
    {
      what: "sendMessage",
      call: async () => (echo = await api.send(chat, "See you on Thursday")),
      gives: { idMessage },
    },
    {
      what: "what is sent comes back as an echo, with its statuses",
      call: async () =>
        (await take(api.receive, api.remove, 4)).map((body) => ({
          type: body.typeWebhook,
          ours: body.idMessage === echo.idMessage,
          instance: body.instanceData,
          status: body.status,
          text: body.messageData?.extendedTextMessageData?.text,
          kind: body.messageData?.typeMessage,
          chat: body.chatId ?? body.senderData.chatId,
        })),
      gives: [
        {
          type: "outgoingAPIMessageReceived",
          ours: true,
          instance: about(api.name),
          kind: "extendedTextMessage",
          text: "See you on Thursday",
          chat,
        },
        ...["sent", "delivered", "read"].map((status) => ({
          type: "outgoingMessageStatus",
          ours: true,
          instance: about(api.name),
          status,
          chat,
        })),
      ],
    },
    { what: "sendMessage with a quotation", call: () => api.send(chat, "Yes", asked.idMessage), gives: { idMessage } },
    {
      what: "sendMessage to a hidden number",
      call: () => api.send("101542300281967@lid", "Hello"),
      gives: { idMessage },
    },
    {
      what: "sendMessage: 20,000 characters of two bytes",
      call: () => api.send(chat, "й".repeat(20_000)),
      gives: { idMessage },
    },
    { what: "sendMessage: one more than that", ...failing(400, () => api.send(chat, "й".repeat(20_001))) },
    { what: "sendMessage: 10,001 characters of two units", ...failing(400, () => api.send(chat, "🦷".repeat(10_001))) },
    { what: "sendMessage: a body over 100 KB", ...failing(500, () => api.send(chat, "x".repeat(103_000))) },
    {
      what: "sendMessage: a chatId with a Cyrillic letter",
      ...failing(400, () => api.send("12025550143@\u0441.us", "Hello")),
    },
    { what: "sendMessage: a chatId that is a number alone", ...failing(400, () => api.send("12025550143", "Hello")) },
    { what: "readChat", call: () => api.read(chat, asked.idMessage), gives: { setRead: true } },

    // ---- journals
    { what: "(all four are sent)", call: () => sent(api.name, 4), gives: (done) => done },
    {
      what: "lastIncomingMessages: flat, the newest first",
      call: async () => (await api.incoming()).map((one) => ({ ...one })),
      gives: [..."321"]
        .map((text) => ({
          typeMessage: "textMessage",
          textMessage: text,
          chatId: chat,
          timestamp: seconds,
          idMessage: /^3A/,
        }))
        .concat({
          typeMessage: "textMessage",
          textMessage: "Hi! Où êtes-vous ? 🦷",
          chatId: chat,
          timestamp: seconds,
          idMessage: (id) => id === asked.idMessage,
        }),
    },
    {
      what: "lastOutgoingMessages",
      call: async () => (await api.outgoing()).at(-1),
      gives: {
        typeMessage: "extendedTextMessage",
        textMessage: "See you on Thursday",
        chatId: chat,
        statusMessage: "read",
        idMessage: (id) => id === echo.idMessage,
      },
    },
    {
      what: "getChatHistory: both ways, only this chat, as many as asked for",
      call: async () => {
        const all = await api.history(chat, 50);
        return {
          types: [...new Set(all.map((one) => one.type))].sort(),
          chats: [...new Set(all.map((one) => one.chatId))],
          all: all.length,
          two: (await api.history(chat, 2)).length,
        };
      },
      gives: { types: ["incoming", "outgoing"], chats: [chat], all: 7, two: 2 },
    },

    // ---- queue
    {
      what: "showMessagesQueue: what waits, in order",
      call: async () => {
        await api.clear();
        // The first may leave at once; what follows stands behind the long pause.
        for (const text of ["a", "b", "c"]) await api.sendSlowly(chat, text);
        return (await api.queue()).slice(-2).map((one) => ({ ...one }));
      },
      gives: ["b", "c"].map((text) => ({
        messageID: idMessage,
        type: "sendMessage",
        body: { chatId: chat, message: text },
      })),
    },
    {
      what: "clearMessagesQueue",
      call: async () => ({ cleared: await api.clear(), left: await api.queue() }),
      gives: { cleared: { isCleared: true }, left: [] },
    },

    // ---- refusals
    {
      what: "401: a wrong token, with an empty body",
      ...failing(401, () => api.stranger("0".repeat(48)), {
        error: (e) => !e.response?.data && !/\. [{"]/.test(e.message),
      }),
    },
    { what: "403: an instance that isn't there", ...failing(403, () => api.stranger(undefined, 7103999999)) },
    {
      what: "429: too many calls a second",
      ...failing(429, async () => {
        for (let i = 0; i < 200; i++) await api.state();
      }),
    },
    {
      what: "466: the plan's quota is used up",
      ...failing(466, async () => (await sandbox.switch("green-api", "quota"), api.send(chat, "Hello"))),
    },
    {
      what: "502: a proxy's page",
      ...failing(
        502,
        async () => (await sandbox.switch("green-api", "html", { status: 502 }), api.send(chat, "Hello")),
      ),
    },
    {
      what: "an answer that is lost: the message is sent all the same",
      call: async () => {
        const before = (await api.outgoing()).length;
        await sandbox.switch("green-api", "effect-then-drop");
        const failed = await api.send(chat, "Only once").then(
          () => false,
          () => true,
        );
        await sent(api.name, before + 1);
        return { failed, newest: (await api.outgoing())[0] };
      },
      gives: { failed: true, newest: { textMessage: "Only once" } },
    },

    // ---- the instance
    { what: "reboot", call: api.reboot, gives: { isReboot: true } },
    {
      what: "logout",
      call: async () => ({
        out: await api.logout(),
        state: await until("a free call", () => api.state().catch(() => null)),
        wid: (await api.getSettings()).wid,
      }),
      gives: { out: { isLogout: true }, state: { stateInstance: "notAuthorized" }, wid: "" },
    },
    {
      what: "a message to an instance that is logged out waits",
      call: async () => ({ answer: await api.send(chat, "Later") }),
      gives: { answer: { idMessage } },
    },
  ].map((one) => ({ ...one, what: `${api.label}: ${one.what}` }));
}
