import { Server } from "./server.js";

export { Client } from "./client.js";
export { Status1to1Error } from "./error.js";
export { version } from "./methods.js";
export { Server };

/** Opens a client in a server of its own, which ends with it. */
export async function open(config, options = {}) {
  const server = new Server(options);
  try {
    return (await server.open(config, options)).ownServer();
  } catch (error) {
    await server.close();
    throw error;
  }
}
