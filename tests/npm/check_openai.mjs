// Holds the sandbox's Chat Completions against the vendor's own client.
//   node check_openai.mjs        MAX_BINARY_DIR: the build directory [build/debug]
import "./node22.mjs";
import "./node22.mjs";
import { answers } from "./openai/answers.mjs";
import { refusals } from "./openai/refusals.mjs";
import { config, worldOf } from "./openai/world.mjs";
import { play } from "./sandbox.mjs";

await play(config, {}, async (sandbox, checks) => {
  const world = worldOf(sandbox);
  await checks.run(answers(world));
  await checks.run(refusals(world));
});
