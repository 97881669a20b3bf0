import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { open, Server, Status1to1Error, version } from "status1to1";

const folder = mkdtempSync(join(tmpdir(), "status1to1-node-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const memory = (name) => ({
  store: { kind: "memory" },
  network: { kind: "memory", memory: { name } },
  engine: { ack_delay_ms: 5 },
});

/** The next event of a type; others are passed over. */
async function next(stream, type) {
  for (;;) {
    const { value, done } = await stream.next();
    assert.ok(!done, `the events ended before ${type}`);
    if (value.type === type) {
      return value;
    }
  }
}

test("two clients chat in one server", async () => {
  const server = new Server();
  const [alice, bob] = [await server.open(memory("two")), await server.open(memory("two"))];
  assert.equal(alice.storedIdentity, null);
  const { identity } = await bob.identity.create({ display_name: "Bob" });
  await alice.identity.create();
  const [ofAlice, ofBob] = [alice.events(), bob.events()];
  const sent = await alice.messages.send({ to: identity.chat_key, text: "Hello \u2028 👋" });
  const received = await next(ofBob, "message_received");
  assert.equal(received.data.message.text, "Hello \u2028 👋");
  assert.equal(received.data.message.message_id, sent.message_id);
  let state;
  do {
    state = (await next(ofAlice, "message_state")).data.state;
  } while (state !== "delivered");
  await alice.close();
  await alice.close();
  await next(ofAlice, "closed");
  assert.equal((await ofAlice.next()).done, true);
  await server.close();
  await next(ofBob, "closed");
});

test("errors have a code, a field and details", async () => {
  const client = await open(memory("errors"));
  await client.identity.create();
  await assert.rejects(client.messages.send({ to: "nobody", text: "x" }), (error) => {
    assert.ok(error instanceof Status1to1Error && error instanceof Error);
    assert.deepEqual([error.code, error.category, error.field, error.retryable], ["bad_key", "identity", "to", false]);
    return error.details.cause === "other_text";
  });
  await assert.rejects(client.call("no.such"), { code: "unknown_method" });
  await assert.rejects(client.call("contacts.add", { client: 5, key: 7 }), { code: "bad_params", field: "key" });
  await client.close();
  await assert.rejects(client.identity.get(), { code: "closed", message: /the server was closed/ });
  await assert.rejects(open({ store: { kind: "memory" }, network: { kind: "none" } }), { code: "bad_config" });
  await assert.rejects(open(memory("x"), { binary: "/no/such/program" }), { code: "closed" });
});

test("a call that waits is aborted", async () => {
  const client = await open(memory("abort"));
  const stop = new AbortController();
  const waiting = client.network.wait({ peers: 900, deadline_ms: 600_000 }, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 20);
  await assert.rejects(waiting, { message: "enough" });
  await assert.rejects(client.network.status({}, { signal: AbortSignal.abort() }), { name: "AbortError" });
  const stream = client.events({ signal: AbortSignal.timeout(20) });
  await assert.rejects(async () => { for await (const _ of stream); }, { name: "TimeoutError" });
  await client.close();
});

test("listeners are called one after the other, and bytes go as base64", async () => {
  const server = new Server();
  const [alice, bob] = [await server.open(memory("listen")), await server.open(memory("listen"))];
  await alice.identity.create();
  const { identity } = await bob.identity.create();
  const heard = [];
  const done = new Promise((resolve) => {
    bob.on("message_received", async (data, event) => {
      await new Promise((later) => setTimeout(later, 2));
      heard.push(data.message.text);
      assert.ok(event.seq > 0);
      if (heard.length === 20) {
        resolve();
      }
    });
  });
  await Promise.all(Array.from({ length: 20 }, (_, i) => alice.messages.send({ to: identity.chat_key, text: String(i) })));
  await done;
  assert.deepEqual(heard, Array.from({ length: 20 }, (_, i) => String(i)));
  const { data } = await alice.pictures.qr({ text: "x" });
  const read = await alice.pictures.read_qr({ image: Uint8Array.from(Buffer.from(data, "base64")) });
  assert.equal(read.text, "x");
  await server.close();
});

test("what was acknowledged does not come again, and the rest does", async () => {
  const server = new Server();
  const config = {
    store: { path: join(folder, "acks.db"), passphrase: "p", kdf: { memory_kib: 64, iterations: 1, parallelism: 1 } },
    network: { kind: "memory", memory: { name: "acks" } },
    engine: { ack_delay_ms: 5 },
  };
  const alice = await server.open(memory("acks"));
  await alice.identity.create();
  let bob = await server.open(config);
  const { identity } = await bob.identity.create();
  await alice.messages.send_batch({ messages: ["one", "two"].map((text) => ({ to: identity.chat_key, text })) });
  const heard = async (options, most) => {
    const texts = [];
    for await (const event of bob.events(options)) {
      if (event.type === "message_received" && texts.push(event.data.message.text) === most) {
        break; // without asking for the next
      }
    }
    await bob.close();
    bob = await server.open(config);
    return texts;
  };
  assert.deepEqual(await heard({ ack: false }, 2), ["one", "two"]);
  assert.deepEqual(await heard({}, 2), ["one", "two"]); // of these the first is acknowledged
  assert.deepEqual(await heard({}, 1), ["two"]);
  await server.close();
});

test("a killed server is an error, and nothing is lost", async () => {
  const config = { store: { path: join(folder, "killed.db"), passphrase: "p", kdf: { memory_kib: 64, iterations: 1, parallelism: 1 } }, network: { kind: "memory" } };
  const server = new Server();
  const client = await server.open(config);
  await client.identity.create({ display_name: "Kay" });
  const stream = client.events();
  const pending = next(stream, "never");
  process.kill(server.pid, "SIGKILL");
  await assert.rejects(pending, { code: "closed" });
  await assert.rejects(client.identity.get(), { code: "closed" });
  await client.close();
  const again = await open(config);
  assert.equal(again.storedIdentity.display_name, "Kay");
  await again.close();
});

test("listeners of error hear what others failed with, and that the server was killed", async () => {
  const server = new Server();
  const [alice, bob] = [await server.open(memory("fail")), await server.open(memory("fail"))];
  await alice.identity.create();
  const { identity } = await bob.identity.create();
  const failed = [];
  const heard = new Promise((resolve) => {
    bob.on("error", (error) => failed.push(error));
    bob.on("message_received", async ({ message }) => {
      if (message.text === "two") {
        resolve();
      }
      throw new Error(message.text);
    });
  });
  for (const text of ["one", "two"]) {
    await alice.messages.send({ to: identity.chat_key, text });
  }
  await heard;
  const pending = Array.from({ length: 50 }, () => alice.network.wait({ peers: 900, deadline_ms: 600_000 }));
  process.kill(server.pid, "SIGKILL");
  for (const call of pending) {
    await assert.rejects(call, { code: "closed" });
  }
  await bob.close();
  assert.deepEqual(failed.map((error) => error.code ?? error.message), ["one", "two", "closed"]);
});

test("a program that is no server is an error, and is not waited for", async () => {
  for (const words of ["Welcome!", "null", '{"id":1,"error":{}}', '{"method":"event"}']) {
    const binary = join(folder, "other");
    writeFileSync(binary, `#!/bin/sh\necho '${words}'\nexec cat > /dev/null\n`, { mode: 0o755 });
    await assert.rejects(open(memory("other"), { binary }), { code: "closed" }, words);
  }
});

test("an open client keeps no process from ending, and dies with it", async () => {
  const program = `import { open } from "status1to1";
    const client = await open(${JSON.stringify(memory("exit"))});
    await client.identity.create();
    console.log("done");`;
  const begun = Date.now();
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { cwd: fileURLToPath(new URL("..", import.meta.url)), stdio: ["ignore", "pipe", "inherit"] });
  const [code] = await once(child, "close"); // also the server has let go of stdout's other end
  assert.equal(code, 0);
  assert.ok(Date.now() - begun < 10_000);
});

test("the version is that of the server", async () => {
  const server = new Server();
  assert.equal((await server.info()).version, version);
  assert.match((await server.schema()).openrpc, /^1\./);
  await server.close();
});
