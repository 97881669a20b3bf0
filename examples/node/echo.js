// An echo bot: whoever writes to it gets the same back. node echo.js STORE [CONFIG_JSON]
import { open } from "status1to1";

const [, , path, network = '{"preset":"status.prod"}'] = process.argv;
const client = await open({
  store: { path, passphrase: process.env.STATUS1TO1_PASSPHRASE },
  network: JSON.parse(network),
});
if (!client.storedIdentity) {
  await client.identity.create({ display_name: "Echo" });
}
const { chat_key } = await client.identity.get();
const { listen_addresses } = await client.network.status();
console.log(JSON.stringify({ chat_key, listen_addresses }));
process.once("SIGINT", () => client.close());

for await (const event of client.events()) {
  if (event.type === "message_received" && !event.data.message.outgoing) {
    const { message_id, from, text } = event.data.message;
    await client.messages.send({ to: from, text, client_ref: message_id });
  }
}
