// Talks to the echo bot, each in a process of its own, over real nodes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { open } from "status1to1";

const bot = spawn(process.execPath, ["echo.js", "echo.db", '{"preset":"local"}'], {
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, STATUS1TO1_PASSPHRASE: "p" },
});
const lines = createInterface({ input: bot.stdout })[Symbol.asyncIterator]();
const { chat_key: key, listen_addresses: addresses } = JSON.parse((await lines.next()).value);

const client = await open({ store: { kind: "memory" }, network: { preset: "local", peers: [addresses[0]] }, engine: { resend_base_ms: 2000 } });
await client.identity.create({ display_name: "Ann" });
await client.network.wait({ deadline_ms: 30_000 });
const said = ["Hello?", "Is anybody there? 👋", "Good bye."];
for (const text of said) {
  await client.messages.send({ to: key, text });
}
const heard = [];
for await (const event of client.events({ signal: AbortSignal.timeout(40_000) })) {
  if (event.type === "message_received") {
    heard.push(event.data.message.text);
    if (heard.length === said.length) {
      break;
    }
  }
}
assert.deepEqual(heard.sort(), said.sort()); // what is sent again because the network had just begun comes later
bot.kill("SIGINT");
const code = await new Promise((resolve) => bot.on("close", resolve));
assert.equal(code, 0, "the bot closes its client at Ctrl-C and ends");
await client.close();
console.log("node: the echo bot answered and ended");
