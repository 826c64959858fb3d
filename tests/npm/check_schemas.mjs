// Holds proto/schemas and proto/asyncapi.yaml against what the C++ reader does. First run the unit tests, which write
// samples, mutants and routes to <build>/proto-samples.
//   node check_schemas.mjs [<build>/proto-samples]     MAX_BINARY_DIR: the build directory [build/debug]
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Parser, fromFile } from "@asyncapi/parser";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const proto = path.join(root, "proto");
const folder = process.argv[2] ?? path.join(process.env.MAX_BINARY_DIR ?? path.join(root, "build/debug"), "proto-samples");
if (!fs.existsSync(path.join(folder, "mutants.jsonl"))) {
  console.error("usage: node check_schemas.mjs [<build>/proto-samples] (written by the unit tests)");
  process.exit(2);
}
const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"));

let passed = 0;
const failures = [];
const check = (good, what) => (good ? passed++ : failures.push(what));

// ---- the schemas

const base = "https://max.invalid/schemas/";
const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: false });
addFormats(ajv);
ajv.addKeyword({
  keyword: "x-maxBytes",
  schemaType: "number",
  validate: (limit, value) =>
    !(typeof value === "string" || (value && typeof value === "object")) ||
    Buffer.byteLength(typeof value === "string" ? value : JSON.stringify(value)) <= limit,
});
ajv.addKeyword({
  keyword: "x-maxUtf16",
  schemaType: "number",
  validate: (limit, value) => typeof value !== "string" || value.length <= limit,
});
const files = fs.readdirSync(path.join(proto, "schemas")).filter((name) => name.endsWith(".json"));
const schemas = new Map();
for (const name of files) {
  const schema = JSON.parse(fs.readFileSync(path.join(proto, "schemas", name), "utf8"));
  check(schema.$schema === "https://json-schema.org/draft/2020-12/schema", `${name}: names draft 2020-12`);
  check(schema.$id === base + name, `${name}: $id follows the file's name`);
  schemas.set(name, schema);
  ajv.addSchema(schema);
}
const validators = new Map(files.map((name) => [name, ajv.getSchema(base + name)]));
for (const [name, validator] of validators) check(typeof validator === "function", `${name}: compiles`);

/// The properties and required fields of a schema with what it refers to and takes in by allOf.
const resolve = (schema, file) => {
  let out = { properties: {}, required: [] };
  const add = (part, name) => {
    Object.assign(out.properties, Object.fromEntries(
      Object.entries(part.properties ?? {}).map(([key, value]) => [key, { schema: value, file: name }])));
    out.required.push(...(part.required ?? []));
    for (const inner of part.allOf ?? []) add(...target(inner, name));
  };
  add(...target(schema, file));
  return out;
};
const target = (schema, file) => {
  while (schema.$ref) {
    const [name, pointer] = schema.$ref.split("#");
    if (name) file = name;
    schema = (pointer ?? "").split("/").slice(1).reduce((at, key) => at[key], schemas.get(file));
  }
  return [schema, file];
};

const sorted = (list) => [...new Set(list)].sort().join(" ");
const compareFields = (where, fields, schema, file) => {
  const found = resolve(schema, file);
  check(sorted(Object.keys(found.properties)) === sorted(Object.keys(fields)), `${where}: the schema has the struct's fields`);
  const required = Object.keys(fields).filter((name) => !fields[name].optional);
  check(sorted(found.required) === sorted(required), `${where}: the schema requires what the struct does`);
  for (const [name, field] of Object.entries(fields)) {
    if (!found.properties[name]) continue;
    if (field.words) {
      const words = target(found.properties[name].schema, found.properties[name].file)[0].enum ?? [];
      // Nobody attempts to find something, or nothing.
      const known = where === "fact.attempted.json" ? field.words.filter((w) => w !== "find" && w !== "none") : field.words;
      check(sorted(words) === sorted(known), `${where}/${name}: the schema has the words of the enum`);
    }
    if (!field.fields) continue;
    let [inner, at] = target(found.properties[name].schema, found.properties[name].file);
    if (inner.type === "array") [inner, at] = target(inner.items, at);
    compareFields(`${where}/${name}`, field.fields, inner, at);
  }
};
const structs = read("structs.json");
for (const [name, fields] of Object.entries(structs)) {
  check(schemas.has(name), `${name}: there is a schema for the struct`);
  if (schemas.has(name)) compareFields(name, fields, schemas.get(name), name);
}
for (const name of files) {
  check(name in structs || name === "common.json" || name === "fact.json", `${name}: there is a struct for the schema`);
}

// ---- samples, and the verdict on every mutant

const samples = read("samples.json");
for (const { schema, json } of samples) {
  const validator = validators.get(schema);
  check(validator?.(JSON.parse(json)), `${schema}: a sample written by C++ is valid ${ajv.errorsText(validator?.errors)}`);
  const extended = { ...JSON.parse(json), "a field of tomorrow": [null] };
  check(validator?.(extended), `${schema}: an unknown field is ignored`);
}

const replacements = read("replacements.json");
const parsed = samples.map(({ schema, json }) => ({ validator: validators.get(schema), schema, value: JSON.parse(json) }));
const steps = (pointer) => pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
for (const line of fs.readFileSync(path.join(folder, "mutants.jsonl"), "utf8").split("\n").filter(Boolean)) {
  const [sample, pointer, replacement, accepted] = JSON.parse(line);
  const { validator, schema, value } = parsed[sample];
  const changed = structuredClone(value);
  const keys = steps(pointer);
  const last = keys.pop();
  const parent = keys.reduce((at, key) => at[key], changed);
  if (replacement === null) delete parent[last];
  else parent[last] = replacements[replacement];
  const what = replacement === null ? "missing" : JSON.stringify(replacements[replacement]).slice(0, 60);
  check(validator(changed) === accepted, `${schema}: ${pointer} ${what}: the reader ${accepted ? "accepts" : "refuses"} it, the schema does not`);
}

// ---- the AsyncAPI document

const { document, diagnostics } = await fromFile(new Parser(), path.join(proto, "asyncapi.yaml")).parse();
const errors = diagnostics.filter((problem) => problem.severity === 0);
check(errors.length === 0, `asyncapi.yaml: ${errors.slice(0, 5).map((e) => `${e.path.join("/")}: ${e.message}`).join("; ")}`);
if (document) {
  const text = fs.readFileSync(path.join(proto, "asyncapi.yaml"), "utf8");
  const { routes, facts } = read("routes.json");
  const operations = document.operations().all();
  const processOf = (operation) => operation.json()["x-process"];
  const of = (action, type) =>
    operations.filter((o) => o.action() === action && o.messages().all().some((m) => m.name() === type));
  const names = document.components().messages().all().map((m) => m.name());
  check(sorted(names) === sorted([...routes.map((r) => r.type), ...facts]), "asyncapi.yaml: the messages are those of routes.hpp and the facts");
  for (const route of routes) {
    const channels = document.channels().all().filter((channel) => {
      const amqp = channel.bindings().get("amqp")?.value();
      return amqp?.is === "routingKey" && amqp.exchange.name === route.exchange &&
        !channel.address().startsWith("memory.retry.") && channel.messages().all().some((m) => m.name() === route.type);
    });
    check(channels.length === 1, `${route.type}: one channel on ${route.exchange}`);
    const word = route.type.slice(4, -3);
    const key = route.exchange === "max.dead" ? "{process}.{tenant}" : `${word}.{tenant}.{slot}`;
    check(channels[0]?.address().startsWith(key), `${route.type}: its routing key`);
    const senders = of("send", route.type)
      .filter((o) => o.channels().all().some((c) => c.id() === channels[0]?.id()))
      .map(processOf).filter((name) => name !== "maxctl");
    check(sorted(senders) === sorted(route.from.split(" ")), `${route.type}: published by ${route.from}`);
    check(sorted(of("receive", route.type).map(processOf)) === sorted(route.to.split(" ")), `${route.type}: consumed by ${route.to}`);
    check(text.includes(`./schemas/${route.schema}`), `${route.type}: its schema`);
    const payload = document.components().messages().get(word.replaceAll(".", "_"))?.payload()?.json();
    check(payload?.allOf?.[1]?.properties?.data?.title === schemas.get(route.schema)?.title, `${route.type}: its data has the schema ${route.schema}`);
  }
  for (const fact of facts) {
    const payload = document.components().messages().get(`fact_${fact}`)?.payload()?.json();
    check(payload?.title === schemas.get(`fact.${fact}.json`)?.title, `${fact}: its schema`);
    check(of("send", fact).length > 0, `${fact}: somebody writes it`);
  }
}

for (const failure of failures.slice(0, 40)) console.log(`FAILED ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
