import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const program = process.platform === "win32" ? "status1to1-rpc.exe" : "status1to1-rpc";

/**
 * The path of the server: what STATUS1TO1_RPC names, that of the package for this platform, that
 * of the checkout this file is in, or else the one in PATH.
 */
export function findBinary() {
  if (process.env.STATUS1TO1_RPC) {
    return process.env.STATUS1TO1_RPC;
  }
  try {
    const require = createRequire(import.meta.url);
    return require.resolve(`@status1to1/rpc-${process.platform}-${process.arch}/${program}`);
  } catch {
    // Not installed: optional, and there are platforms without one.
  }
  const built = fileURLToPath(new URL(`../../../build/${program}`, import.meta.url));
  return existsSync(built) ? built : program;
}
