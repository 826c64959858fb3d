// Holds the sandbox's Supabase against the vendor's own client.
//   node check_supabase.mjs      MAX_BINARY_DIR: the build directory [build/debug]
import "./node22.mjs";
import "./node22.mjs";
import { play } from "./sandbox.mjs";
import { access } from "./supabase/access.mjs";
import { errors } from "./supabase/errors.mjs";
import { reads } from "./supabase/reads.mjs";
import { config, worldOf } from "./supabase/world.mjs";
import { writes } from "./supabase/writes.mjs";

await play(config, { postgres: true }, async (sandbox, checks) => {
  const world = worldOf(sandbox);
  for (const calls of [writes, reads, access, errors]) await checks.run(calls(world));
});
