// What is refused, each class of the client's errors, and what the client does about them by itself.
import { hello, key, newLead, OpenAI, refused, user, withCall } from "./world.mjs";

const {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} = OpenAI;

export const refusals = ({ sandbox, client, patient, other, chat, error, scripted, attempts }) => [
  // ---- refusals of the request: 400
  ...[
    ["an unknown field", { ...hello, colour: 1 }, "unknown_parameter", /Unknown parameter: 'colour'/, "colour"],
    ["a wrong type", { ...hello, store: "yes" }, "invalid_type", /expected a boolean, but got a string/, "store"],
    ["no messages", { model: "gpt-4.1-mini" }, "missing_required_parameter", /'messages'/, "messages"],
    [
      "a role that isn't one",
      { ...hello, messages: [{ role: "robot", content: "x" }] },
      "invalid_value",
      /'robot'/,
      "messages[0].role",
    ],
    [
      "max_tokens for a model that reasons",
      { ...hello, model: "gpt-5.6-luna", max_tokens: 9 },
      "unsupported_parameter",
      /max_completion_tokens/,
      "max_tokens",
    ],
    [
      "a temperature for a model that reasons",
      { ...hello, model: "gpt-5.6-luna", temperature: 0.2 },
      "unsupported_value",
      /does not support 0.2/,
      "temperature",
    ],
    [
      "an effort the model hasn't",
      { ...hello, model: "gpt-5.6-luna", reasoning_effort: "minimal" },
      "unsupported_value",
      /'minimal'/,
      "reasoning_effort",
    ],
    [
      "tools with reasoning",
      { ...newLead, model: "gpt-5.6-luna" },
      null,
      /Function tools with reasoning_effort/,
      "reasoning_effort",
    ],
    ["an empty list of tools", { ...hello, tools: [] }, "empty_array", /empty array/, "tools"],
    ["tool_choice without tools", { ...hello, tool_choice: "auto" }, null, /only allowed when 'tools'/, "tool_choice"],
    [
      "stream_options without a stream",
      { ...hello, stream_options: { include_usage: true } },
      null,
      /only allowed when 'stream'/,
      "stream_options",
    ],
    [
      "a strict schema that is open",
      {
        ...hello,
        tools: [
          {
            type: "function",
            function: { name: "t", strict: true, parameters: { type: "object", properties: {}, required: [] } },
          },
        ],
      },
      "invalid_function_parameters",
      /'additionalProperties' is required/,
      "tools[0].function.parameters",
    ],
    [
      "a call without an answer",
      withCall(user("and?")),
      null,
      /must be followed by tool messages.*call_1/,
      /^messages/,
    ],
    [
      "an answer without a call",
      { model: "gpt-4.1-mini", messages: [user("hello"), { role: "tool", tool_call_id: "call_9", content: "{}" }] },
      null,
      /must be a response to a preceeding message/,
      /^messages/,
    ],
    [
      "an answer to another call",
      withCall({ role: "tool", tool_call_id: "call_2", content: "{}" }),
      null,
      /must be a response to a preceeding message/,
      /^messages/,
    ],
    [
      "more than the context holds",
      { model: "gpt-small", messages: [user("word ".repeat(200))] },
      "context_length_exceeded",
      /context window/,
      "messages",
    ],
  ].map(([what, request, code, message, param]) => ({
    what: `400: ${what}`,
    call: () => chat.create(request),
    fails: [BadRequestError, refused(400, code, message, param)],
  })),

  // ---- the other classes of error
  {
    what: "401: a wrong key",
    call: () => other("sk-wrong-wrong-wrong").chat.completions.create(hello),
    fails: [AuthenticationError, refused(401, "invalid_api_key", /Incorrect API key provided: sk-wrong\*/)],
  },
  {
    what: "401: before the request is looked at",
    call: () => other("sk-wrong-wrong-wrong").chat.completions.create({ colour: 1 }),
    fails: [AuthenticationError, { status: 401 }],
  },
  {
    what: "403: a model this project may not use",
    call: () => chat.create({ ...hello, model: "gpt-6-sol" }),
    fails: [PermissionDeniedError, refused(403, "model_not_found", /does not have access to model/)],
  },
  {
    what: "404: a model that isn't there",
    call: () => chat.create({ ...hello, model: "gpt-nowhere" }),
    fails: [NotFoundError, refused(404, "model_not_found", /`gpt-nowhere` does not exist/)],
  },
  {
    what: "404: a path that isn't there",
    call: () => client.post("/chat/completion", { body: hello }),
    fails: [NotFoundError, { status: 404, message: /Invalid URL/ }],
  },
  { what: "409", call: () => scripted(error(409)), fails: [ConflictError, { status: 409 }] },
  {
    what: "413: a body of five megabytes",
    call: () => chat.create({ ...hello, messages: [user("x".repeat(5 * 1024 * 1024))] }),
    fails: [APIError, { status: 413 }],
  },
  { what: "422", call: () => scripted(error(422)), fails: [UnprocessableEntityError, { status: 422 }] },
  {
    what: "429: nothing left to pay with",
    call: () => scripted(error(429, { type: "insufficient_quota", code: "insufficient_quota" })),
    fails: [RateLimitError, { status: 429, type: "insufficient_quota", code: "insufficient_quota" }],
  },
  {
    what: "429: too many requests, with the time to wait",
    call: async () => {
      await sandbox.control("/openai/limits", { requests: 1 });
      await chat.create(hello);
      return chat.create(hello).finally(() => sandbox.control("/openai/limits", {}));
    },
    fails: [
      RateLimitError,
      {
        status: 429,
        type: "requests",
        code: "rate_limit_exceeded",
        message: /Limit 1, Used \d+, Requested 1/,
        headers: (h) => Number(h.get("retry-after")) >= 1 && Number(h.get("retry-after-ms")) > 0,
      },
    ],
  },
  {
    what: "429: a request that never fits",
    call: async () => {
      await sandbox.control("/openai/limits", { tokens: 10 });
      return chat.create(hello).finally(() => sandbox.control("/openai/limits", {}));
    },
    fails: [
      RateLimitError,
      {
        status: 429,
        type: "tokens",
        code: "rate_limit_exceeded",
        message: /Request too large/,
        headers: (h) => h.get("retry-after") === null,
      },
    ],
  },
  {
    what: "500",
    call: () => scripted(error(500)),
    fails: [InternalServerError, { status: 500, type: "server_error" }],
  },
  {
    what: "502: a proxy's page",
    call: async () => (await sandbox.switch("openai", "html", { status: 502 }), chat.create(hello)),
    fails: [InternalServerError, { status: 502, code: undefined }],
  },
  {
    what: "503",
    call: () => scripted(error(503, { message: "The engine is currently overloaded" })),
    fails: [InternalServerError, { status: 503, message: /overloaded/ }],
  },
  {
    what: "no answer at all",
    call: async () => (await sandbox.switch("openai", "drop"), chat.create(hello)),
    fails: [APIConnectionError, { status: undefined }],
  },
  {
    what: "an answer that is too late",
    call: async () => (await sandbox.switch("openai", "hang", { ms: 1500 }), chat.create(hello, { timeout: 200 })),
    fails: [APIConnectionTimeoutError],
  },
  {
    what: "a call the caller gives up",
    call: async () => (
      await sandbox.switch("openai", "hang", { ms: 1500 }),
      chat.create(hello, { signal: AbortSignal.timeout(200) })
    ),
    fails: [APIUserAbortError],
  },

  // ---- what the client does by itself
  {
    what: "a 500 is asked again, and its number is told",
    call: () => attempts(() => scripted(error(500), patient)),
    gives: { answer: { choices: [{ finish_reason: "stop" }] }, statuses: [500, 200], counts: ["0", "1"] },
  },
  {
    what: "retry-after-ms is kept to",
    call: async () => {
      const start = Date.now();
      const got = await attempts(() =>
        scripted(error(429, { code: "rate_limit_exceeded" }, { "retry-after-ms": "1200" }), patient),
      );
      return { ...got, late: Date.now() - start };
    },
    gives: { statuses: [429, 200], late: (ms) => ms >= 1200 && ms < 10_000 },
  },
  {
    what: "x-should-retry false: it is asked once",
    call: () => attempts(() => scripted(error(503, {}, { "x-should-retry": "false" }), patient)),
    gives: { answer: (failure) => failure instanceof InternalServerError, statuses: [503] },
  },
  {
    what: "a 400 is asked once",
    call: () => attempts(() => patient.chat.completions.create({ ...hello, colour: 1 })),
    gives: { answer: (failure) => failure instanceof BadRequestError, statuses: [400] },
  },
  {
    what: "a dropped connection is asked again",
    call: () => attempts(async () => (await sandbox.switch("openai", "drop"), patient.chat.completions.create(hello))),
    gives: { answer: { choices: [{ finish_reason: "stop" }] }, statuses: [0, 200] },
  },
  {
    what: "no key is in the journal",
    call: () => sandbox.control("/journal/openai"),
    gives: (journal) => journal.entries.length > 50 && !JSON.stringify(journal).includes(key),
  },
];
