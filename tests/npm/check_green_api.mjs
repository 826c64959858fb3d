// Holds the sandbox's Green-API against the vendor's two clients.
//   node check_green_api.mjs     MAX_BINARY_DIR: the build directory [build/debug]
import "./node22.mjs";
import "./node22.mjs";
import { alike, bothClients } from "./green_api/alike.mjs";
import { single } from "./green_api/single.mjs";
import { config, worldOf } from "./green_api/world.mjs";
import { play } from "./sandbox.mjs";

await play(config, {}, async (sandbox, checks) => {
  const world = worldOf(sandbox);
  for (const api of bothClients(world)) await checks.run(alike(world, api));
  const { server, calls } = await single(world);
  await checks.run(calls);
  server.close();
});
