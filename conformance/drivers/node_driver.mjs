#!/usr/bin/env node
// The driver of the Node package for conformance/run.py: a command a line on stdin, an answer a line
// on stdout (conformance/README.md, "A driver").

import { createInterface } from "node:readline";
import { Server, Status1to1Error } from "../../bindings/node/src/index.js";

const CAPABILITIES = ["threads", "after_close", "any_config"];

// Timers take no longer waits.
const LONGEST_MS = 2 ** 31 - 1;

const server = new Server();
const clients = new Map();

function errorOf({ code, category, message, retryable, field, details }) {
  return { ok: false, error: { code, category, message, retryable, field, details } };
}

const BAD_CLIENT = errorOf({
  code: "bad_client", category: "request", message: "the client is closed", retryable: false, field: "client", details: {},
});

// The answer as the C function gives it.
async function envelope(promise) {
  try {
    return { ok: true, result: (await promise) ?? null };
  } catch (error) {
    if (error instanceof Status1to1Error) {
      return errorOf(error);
    }
    throw error;
  }
}

// The handle is the package's own affair, so the commands name clients by numbers of ours.
async function open(config) {
  const client = await server.open(config);
  clients.set(clients.size + 1, client);
  return { client: clients.size, identity: client.storedIdentity };
}

// Unknown methods are left to the library to refuse.
function call(client, method, params) {
  const [noun, verb] = method.split(".");
  const typed = Object.hasOwn(client, noun) ? client[noun][verb] : undefined;
  return typed ? typed(params ?? {}) : client.call(method, params ?? {});
}

async function nextEvent(client, timeoutMs) {
  const signal = timeoutMs < 0 ? undefined : AbortSignal.timeout(Math.min(timeoutMs, LONGEST_MS));
  try {
    const { value, done } = await client.events({ ack: false, signal }).next();
    return done ? BAD_CLIENT : { ok: true, result: value };
  } catch (error) {
    if (error === signal?.reason) {
      return { ok: true, result: null };
    }
    throw error;
  }
}

function perform({ op, client, config, method, params, timeout_ms: timeoutMs }) {
  switch (op) {
    case "hello":
      return { protocol: 1, binding: "Node", capabilities: CAPABILITIES };
    case "info":
      return envelope(server.info());
    case "schema":
      return envelope(server.schema());
    case "open":
      return envelope(open(config));
    case "call":
      return envelope(call(clients.get(client), method, params));
    case "next_event":
      return nextEvent(clients.get(client), timeoutMs);
    case "close":
      return envelope(clients.get(client).close());
    default:
      throw new Error(`there is no op ${op}`);
  }
}

async function run(command) {
  let said;
  try {
    said = { id: command.id, answer: await perform(command) };
  } catch (error) {
    said = { id: command.id, failed: String(error.stack) };
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}

const input = createInterface({ input: process.stdin, crlfDelay: Infinity });
input.on("line", (line) => run(JSON.parse(line)));
input.on("close", () => server.close());
