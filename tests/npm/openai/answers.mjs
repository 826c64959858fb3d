// Models, whole answers, tools and streams.
import { call, hello, newLead, OpenAI, refused, some, three, threeThings, tools, usage } from "./world.mjs";

const { APIError, NotFoundError } = OpenAI;

export const answers = ({ client, chat, script, scripted, chunks, textOf, streamedLikeWhole }) => [
  // ---- models
  {
    what: "models.list names the models this project may use",
    call: async () => {
      const names = [];
      for await (const model of client.models.list()) names.push(model.id);
      return { names };
    },
    gives: {
      names: (list) => list.includes("gpt-4.1-mini") && list.includes("gpt-small") && !list.includes("gpt-6-sol"),
    },
  },
  {
    what: "models.retrieve",
    call: () => client.models.retrieve("gpt-4.1-mini"),
    gives: { id: "gpt-4.1-mini", object: "model", created: Number.isInteger },
  },
  {
    what: "models.retrieve of a model that isn't there",
    call: () => client.models.retrieve("gpt-nowhere"),
    fails: [NotFoundError, refused(404, "model_not_found", /gpt-nowhere/, "model")],
  },

  // ---- whole answers
  {
    what: "a chat is answered with a text",
    call: () => chat.create(hello),
    gives: {
      id: /^chatcmpl-/,
      object: "chat.completion",
      model: "gpt-4.1-mini",
      usage,
      _request_id: /^req_/,
      choices: [
        {
          index: 0,
          finish_reason: "stop",
          message: { role: "assistant", content: some, refusal: null, tool_calls: undefined },
        },
      ],
    },
  },
  {
    what: "the answer's headers name the limits and the request",
    call: async () => {
      const { response, request_id } = await chat.create(hello).withResponse();
      return { request_id, headers: Object.fromEntries(response.headers) };
    },
    gives: {
      request_id: /^req_/,
      headers: {
        "content-type": /^application\/json/,
        "openai-version": "2020-10-01",
        "openai-processing-ms": /^\d+$/,
        "x-ratelimit-limit-requests": /^\d+$/,
        "x-ratelimit-remaining-requests": /^\d+$/,
        "x-ratelimit-reset-requests": /^[\dhms.]+$/,
        "x-ratelimit-limit-tokens": /^\d+$/,
        "x-ratelimit-remaining-tokens": /^\d+$/,
        "x-ratelimit-reset-tokens": /^[\dhms.]+$/,
      },
    },
  },
  {
    what: "every field that the worker sends is taken",
    call: () =>
      chat.create({
        ...newLead,
        model: "gpt-5.6-luna",
        reasoning_effort: "none",
        verbosity: "low",
        max_completion_tokens: 800,
        tool_choice: "auto",
        parallel_tool_calls: true,
        store: false,
        safety_identifier: "a1b2",
        prompt_cache_key: "main:1",
        metadata: { conversation: "c1" },
        service_tier: "auto",
      }),
    gives: { model: "gpt-5.6-luna", choices: [{ finish_reason: "tool_calls" }] },
  },
  {
    what: "a picture and a text are taken together",
    call: () =>
      chat.create({
        model: "gpt-4.1-mini",
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "What is this?" },
              { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=", detail: "low" } },
            ],
          },
        ],
      }),
    gives: { choices: [{ finish_reason: "stop", message: { content: some } }] },
  },
  {
    what: "a limit of tokens ends the answer with length",
    call: () => chat.create({ ...hello, max_completion_tokens: 3 }),
    gives: { choices: [{ finish_reason: "length" }], usage: { completion_tokens: 3 } },
  },
  {
    what: "a refusal has no content",
    call: () =>
      scripted({
        body: {
          id: "chatcmpl-r",
          object: "chat.completion",
          created: 1,
          model: "m",
          choices: [
            {
              index: 0,
              finish_reason: "stop",
              logprobs: null,
              message: { role: "assistant", content: null, refusal: "I can't help with that." },
            },
          ],
        },
      }),
    gives: { choices: [{ message: { content: null, refusal: /help/ } }] },
  },

  // ---- tools
  {
    what: "a tool is called with every key of its schema",
    call: () => chat.create(newLead),
    gives: {
      usage,
      choices: [
        {
          finish_reason: "tool_calls",
          message: {
            content: null,
            tool_calls: [
              call("create_lead", (text) => {
                const given = JSON.parse(text);
                return (
                  Object.keys(given).join() === "firstName,lastName,emailAddress,description" &&
                  given.firstName === "Ana" &&
                  given.lastName === "Silva" &&
                  given.emailAddress === "ana@silvabikes.example"
                );
              }),
            ],
          },
        },
      ],
    },
  },
  {
    what: "tool_choice none: no tool is called",
    call: () => chat.create({ ...newLead, tool_choice: "none" }),
    gives: { choices: [{ finish_reason: "stop", message: { content: some, tool_calls: undefined } }] },
  },
  {
    what: "a tool's result becomes a text",
    call: async () => {
      const first = await chat.create(newLead);
      const message = first.choices[0].message;
      const result = {
        role: "tool",
        tool_call_id: message.tool_calls[0].id,
        content: JSON.stringify({ ok: true, leadId: "6b047fcb060acccc5" }),
      };
      return chat.create({ ...newLead, messages: [...newLead.messages, message, result] });
    },
    gives: { choices: [{ finish_reason: "stop", message: { content: some, tool_calls: undefined } }] },
  },
  {
    what: "three tools are called at once",
    call: () => chat.create(threeThings),
    gives: { choices: [{ finish_reason: "tool_calls", message: { tool_calls: three } }] },
  },
  {
    what: "the three calls have ids of their own",
    call: async () => ({
      ids: new Set((await chat.create(threeThings)).choices[0].message.tool_calls.map((one) => one.id)).size,
    }),
    gives: { ids: 3 },
  },
  {
    what: "three results, one of them an error, in another order, become a text",
    call: async () => {
      const message = (await chat.create(threeThings)).choices[0].message;
      const results = message.tool_calls
        .map((one, i) => ({
          role: "tool",
          tool_call_id: one.id,
          content: JSON.stringify(i === 1 ? { ok: false, error: { code: "invalid_arguments" } } : { ok: true }),
        }))
        .reverse();
      return chat.create({ ...threeThings, messages: [...threeThings.messages, message, ...results] });
    },
    gives: { choices: [{ finish_reason: "stop", message: { content: some } }] },
  },
  {
    what: "the client's own tool loop runs to its end",
    call: async () => {
      const ran = [];
      const runner = chat.runTools({
        ...threeThings,
        tools: tools.map((one) => ({
          type: "function",
          function: {
            ...one.function,
            parse: JSON.parse,
            function: async (given) => (ran.push([one.function.name, typeof given]), { ok: true }),
          },
        })),
      });
      return { text: await runner.finalContent(), ran: (ran.sort(), ran) };
    },
    gives: {
      text: some,
      ran: [
        ["add_note", "object"],
        ["remember_fact", "object"],
        ["schedule_follow_up", "object"],
      ],
    },
  },

  // ---- streams
  {
    what: "a stream begins with the role, ends with the reason and has no usage unasked",
    call: async () => {
      const all = await chunks(hello);
      return {
        first: all[0],
        last: all.at(-1),
        usage: all.some((one) => one.usage),
        same: new Set(all.map((one) => one.id)).size,
      };
    },
    gives: {
      first: {
        object: "chat.completion.chunk",
        choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: null }],
        obfuscation: some,
      },
      last: { choices: [{ delta: (delta) => Object.keys(delta).length === 0, finish_reason: "stop" }] },
      usage: false,
      same: 1,
    },
  },
  {
    what: "with include_usage a last chunk has usage and no choices",
    call: async () => {
      const all = await chunks({ ...hello, stream_options: { include_usage: true, include_obfuscation: false } });
      return {
        last: all.at(-1),
        others: all.slice(0, -1).every((one) => one.usage === null),
        padded: all.some((one) => "obfuscation" in one),
      };
    },
    gives: { last: { choices: [], usage }, others: true, padded: false },
  },
  {
    what: "a streamed text is the whole one, character by character",
    call: async () => ({
      streamed: textOf(await chunks(hello)),
      whole: (await chat.create(hello)).choices[0].message.content,
    }),
    gives: (got) => some(got.whole) && got.streamed === got.whole,
  },
  {
    what: "characters of many bytes survive pieces of one byte",
    call: async () => {
      const content = 'Où ça ? 🦷 日本語 "é" \\ \n fin';
      await script({
        piece: 1,
        body: {
          id: "chatcmpl-u",
          object: "chat.completion",
          created: 1,
          model: "m",
          choices: [
            { index: 0, finish_reason: "stop", logprobs: null, message: { role: "assistant", content, refusal: null } },
          ],
        },
      });
      const text = textOf(await chunks(hello));
      await script();
      return text === content;
    },
    gives: (same) => same,
  },
  {
    what: "the client builds the same message from a stream: text",
    call: () => streamedLikeWhole(hello),
    gives: (same) => same,
  },
  {
    what: "the client builds the same message from a stream: one call",
    call: () => streamedLikeWhole(newLead),
    gives: (same) => same,
  },
  {
    what: "the client builds the same message from a stream: three calls",
    call: () => streamedLikeWhole(threeThings),
    gives: (same) => same,
  },
  {
    what: "usage of a stream of calls",
    call: () => chat.stream({ ...threeThings, stream_options: { include_usage: true } }).finalChatCompletion(),
    gives: { usage, choices: [{ finish_reason: "tool_calls", message: { tool_calls: three } }] },
  },
  {
    what: "only the first fragment of a call has its id and name",
    call: async () => {
      const fragments = (await chunks(threeThings)).flatMap((one) => one.choices[0]?.delta.tool_calls ?? []);
      return [0, 1, 2]
        .map((index) => fragments.filter((one) => one.index === index))
        .map((list) => ({
          id: list[0].id,
          name: list[0].function.name,
          later: list.slice(1).some((one) => one.id || one.function.name),
        }));
    },
    gives: ["remember_fact", "add_note", "schedule_follow_up"].map((name) => ({ id: /^call_/, name, later: false })),
  },
  {
    what: "a stream that is left early leaves the service working",
    call: async () => {
      await script({ pieceDelay: 20 });
      const stream = await chat.create({ ...hello, stream: true });
      for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
      await script();
      return chat.create(hello);
    },
    gives: { choices: [{ finish_reason: "stop" }] },
  },
  {
    what: "an error in the middle of a stream is the client's error",
    call: async () => {
      await script({
        headers: { "content-type": "text/event-stream" },
        bodyText:
          'data: {"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}\n\n',
      });
      return chunks(hello).finally(() => script());
    },
    fails: [APIError, { type: "server_error", error: { message: /had an error/ } }],
  },
  {
    what: "a stream that is cut ends in an error",
    call: async () => {
      await script({ cut: 400 });
      return chunks(hello)
        .then(
          (all) => all,
          (failure) => ({ failed: failure instanceof Error }),
        )
        .finally(() => script());
    },
    gives: { failed: true },
  },
];
