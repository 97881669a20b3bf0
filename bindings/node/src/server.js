import { spawn } from "node:child_process";
import { findBinary } from "./binary.js";
import { Client } from "./client.js";
import { localError, Status1to1Error } from "./error.js";

/** The largest message that the server reads, in bytes; docs/rpc.md. */
const MAX_MESSAGE = 22_386_008 + (1 << 16);
const RPC_VERSION = 1;
const NEWLINE = 10;

/** A running status1to1-rpc. Several clients may be open in it. */
export class Server {
  #child;
  #next = 1;
  #pending = new Map();
  #clients = new Map();
  #parts = [];
  #holders = 0;
  #ended = null;
  #closing = false;
  #exit;
  #checked = null;

  constructor(options = {}) {
    const args = options.log ? ["--log"] : [];
    // detached: Ctrl-C in a terminal reaches this process alone, which can still speak then. The
    // server ends when this process does, however that ends, since its stdin is closed.
    this.#child = spawn(options.binary ?? findBinary(), args, {
      detached: process.platform !== "win32",
      stdio: ["pipe", "pipe", "inherit"],
      cwd: options.cwd,
    });
    this.#exit = new Promise((resolve) => {
      this.#child.on("error", (error) => resolve(this.#end(`the server did not start: ${error.message}`)));
      this.#child.on("close", (code, signal) =>
        resolve(this.#end(this.#closing ? "the server was closed" : `the server has ended (${signal ?? code})`)));
    });
    this.#child.stdin.on("error", () => {}); // its end is reported by close
    this.#child.stdout.on("data", (chunk) => this.#ended ?? this.#read(chunk));
    this.#refer(false);
  }

  /** The process id of the server. */
  get pid() {
    return this.#child.pid;
  }

  /** Opens a client in this server. */
  async open(config, options = {}) {
    this.#checked ??= this.info();
    const { rpc_version: version } = await this.#checked;
    if (version !== RPC_VERSION) {
      throw localError("bad_config", `the server speaks version ${version} of the protocol, this package version ${RPC_VERSION}`);
    }
    // The events of a client follow the answer to open, maybe in the same chunk: it is made as
    // the answer is read.
    return this.request("open", { config }, options, (result) => {
      const client = new Client(this, result);
      this.#clients.set(result.client, client);
      return client;
    });
  }

  /** Version, build and specifications. */
  info() {
    return this.request("info", {});
  }

  /** The OpenRPC document of the API. */
  schema() {
    return this.request("schema", {});
  }

  /** Closes all clients and ends the server; resolves when it has ended. */
  async close() {
    this.#closing = true;
    this.hold();
    this.#child.stdin.end();
    await this.#exit;
    this.release();
  }

  /** Calls a method of the protocol; shape makes of the result what the call resolves to. */
  request(method, params, options = {}, shape = (result) => result) {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#ended) {
        throw this.#ended;
      }
      const id = this.#next++;
      this.#write({ jsonrpc: "2.0", id, method, params: encoded(params) });
      const abort = () => {
        this.notify("$/cancelRequest", { id });
        settle(reject)(signal.reason);
      };
      const settle = (how) => (value) => {
        signal?.removeEventListener("abort", abort);
        if (this.#pending.delete(id)) {
          this.release();
          how(value);
        }
      };
      this.hold();
      this.#pending.set(id, { resolve: (result) => settle(resolve)(shape(result)), reject: settle(reject) });
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Sends a message that is not answered. */
  notify(method, params) {
    if (!this.#ended && !this.#closing) {
      this.#write({ jsonrpc: "2.0", method, params });
    }
  }

  /** Keeps this process from ending, until release is called as often. */
  hold() {
    if (this.#holders++ === 0) {
      this.#refer(true);
    }
  }

  release() {
    if (--this.#holders === 0) {
      this.#refer(false);
    }
  }

  /** Forgets a client that is closed. */
  forget(handle) {
    this.#clients.delete(handle);
  }

  #refer(yes) {
    for (const handle of [this.#child, this.#child.stdin, this.#child.stdout]) {
      yes ? handle?.ref?.() : handle?.unref?.();
    }
  }

  #write(message) {
    const text = JSON.stringify(message);
    if (text.length > MAX_MESSAGE || Buffer.byteLength(text) > MAX_MESSAGE) {
      throw localError("bad_json", "the request is too long", { max: MAX_MESSAGE });
    }
    this.#child.stdin.write(text + "\n");
  }

  #read(chunk) {
    try {
      this.#readLines(chunk);
    } catch {
      // Another program than the server. Its words may be anything, so they are not repeated.
      this.#end("what was started as the server does not speak its protocol");
      this.#child.kill();
    }
  }

  #readLines(chunk) {
    for (let end; (end = chunk.indexOf(NEWLINE)) >= 0; chunk = chunk.subarray(end + 1)) {
      const line = Buffer.concat([...this.#parts, chunk.subarray(0, end)]);
      this.#parts = [];
      this.#take(JSON.parse(line.toString()));
    }
    if (chunk.length > 0) {
      this.#parts.push(chunk);
    }
  }

  #take(message) {
    if (message.method === "event") {
      const { client, ...event } = message.params;
      this.#clients.get(client)?.deliver(event);
      return;
    }
    const call = this.#pending.get(message.id);
    if (message.error) {
      call?.reject(new Status1to1Error(message.error.data));
    } else if (call) {
      call.resolve(message.result);
    } else if (message.result?.client) {
      // Nobody waits for this client any more: its open was aborted.
      this.request("close", { client: message.result.client }).catch(() => {});
    }
  }

  #end(text) {
    this.#ended ??= localError("closed", text);
    for (const call of [...this.#pending.values()]) {
      call.reject(this.#ended);
    }
    for (const client of [...this.#clients.values()]) {
      client.serverEnded(this.#closing ? null : this.#ended);
    }
  }
}

/** Parameters as they are sent: bytes as base64. */
function encoded(value) {
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  }
  if (Array.isArray(value)) {
    return value.map(encoded);
  }
  if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, encoded(item)]));
  }
  return value;
}
