// What every call of the OpenAI check uses: requests, the shapes of answers, the clients.
import "../node22.mjs";
import { secret } from "../sandbox.mjs";

export const { default: OpenAI } = await import("openai");

export const key = `sk-${secret()}`;
export const config = { timeFactor: 0.05, openai: { keys: [key], models: { "gpt-small": { contextTokens: 40 } } } };

export const nullable = (description) => ({ type: ["string", "null"], description });
export const tool = (name, properties) => ({
  type: "function",
  function: {
    name,
    description: `The tool ${name}`,
    strict: true,
    parameters: { type: "object", properties, required: Object.keys(properties), additionalProperties: false },
  },
});
export const tools = [
  tool("create_lead", {
    firstName: nullable("First name"),
    lastName: nullable("Last name"),
    emailAddress: nullable("E-mail"),
    description: nullable("What they need"),
  }),
  tool("add_note", { leadRef: { type: "string" }, post: { type: "string" } }),
  tool("remember_fact", { key: { type: "string" }, value: { type: "string" } }),
  tool("schedule_follow_up", { leadRef: { type: "string" }, name: { type: "string" }, startLocal: { type: "string" } }),
];

export const user = (content) => ({ role: "user", content });
export const system = { role: "system", content: "You are a sales assistant. It is 2026-11-23T18:00." };
export const hello = { model: "gpt-4.1-mini", messages: [system, user("Bonjour, où êtes-vous situés ? 🦷")] };
export const newLead = {
  model: "gpt-4.1-mini",
  messages: [system, user("Hello, my name is Ana Silva, ana@silvabikes.example. I need a quote for 12 kWp.")],
  tools,
};
export const threeThings = {
  model: "gpt-4.1-mini",
  messages: [
    { ...system, content: `${system.content} Lead: 6b047fcb060acccc5 (Ana Silva)` },
    user("Three things: note that the roof is new, remember that I prefer e-mail, and call me back tomorrow at 10."),
  ],
  tools,
};
export const withCall = (...after) => ({
  model: "gpt-4.1-mini",
  messages: [
    user("hello"),
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "call_1", type: "function", function: { name: "add_note", arguments: "{}" } }],
    },
    ...after,
  ],
  tools,
});

export const isJson = (text) => typeof JSON.parse(text) === "object";
export const some = (text) => typeof text === "string" && text.length > 0;
export const usage = (u) =>
  u.prompt_tokens > 0 && u.completion_tokens > 0 && u.total_tokens === u.prompt_tokens + u.completion_tokens;
export const refused = (status, code, message, param = undefined) => ({
  status,
  type: "invalid_request_error",
  requestID: /^req_/,
  message,
  code,
  ...(param === undefined ? {} : { param }),
});
export const call = (name, content) => ({ type: "function", id: /^call_/, function: { name, arguments: content } });
export const three = [call("remember_fact", isJson), call("add_note", isJson), call("schedule_follow_up", isJson)];

/// The clients, and what the sandbox is told for one call.
export function worldOf(sandbox) {
  const client = new OpenAI({ apiKey: key, baseURL: `${sandbox.url("openai")}/v1`, maxRetries: 0 });
  const patient = client.withOptions({ maxRetries: 2 });
  const other = (apiKey) => client.withOptions({ apiKey });
  const chat = client.chat.completions;

  // What is answered to the next request instead of the assistant.
  const script = (...steps) => sandbox.control("/openai/scenario", { steps });
  const error = (status, body = {}, headers = {}) => ({
    status,
    headers: { "content-type": "application/json", ...headers },
    body: { error: { message: "as the provider says it", type: "server_error", param: null, code: null, ...body } },
  });
  const scripted = async (step, client_ = client, request = hello) => {
    await script(step);
    try {
      return await client_.chat.completions.create(request);
    } finally {
      await script();
    }
  };
  const attempts = async (call) => {
    const since = await sandbox.now("openai");
    const answer = await call().catch((failure) => failure);
    const seen = await sandbox.requests("openai", since);
    return {
      answer,
      statuses: seen.map((one) => one.status),
      counts: seen.map((one) => one.headers["x-stainless-retry-count"]),
    };
  };
  const chunks = async (request) => {
    const all = [];
    for await (const chunk of await chat.create({ ...request, stream: true })) all.push(chunk);
    return all;
  };
  const textOf = (all) => all.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
  const withoutIds = ({ role, content, refusal, tool_calls = [] }) => ({
    role,
    content,
    refusal,
    calls: tool_calls.map((one) => [one.type, one.function.name, one.function.arguments]),
  });
  const streamedLikeWhole = async (request) => {
    const whole = await chat.create(request);
    const streamed = await chat.stream(request).finalChatCompletion();
    return (
      JSON.stringify([withoutIds(whole.choices[0].message), whole.choices[0].finish_reason]) ===
      JSON.stringify([withoutIds(streamed.choices[0].message), streamed.choices[0].finish_reason])
    );
  };

  return {
    sandbox,
    client,
    patient,
    other,
    chat,
    script,
    error,
    scripted,
    attempts,
    chunks,
    textOf,
    streamedLikeWhole,
  };
}
