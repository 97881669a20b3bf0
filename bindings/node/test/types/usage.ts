// Compiled only: what a program may write, and what it may not.
import { Client, EventOf, Message, open, Server, Status1to1Error } from "status1to1";

export async function use(): Promise<void> {
  await using client: Client = await open({ store: { kind: "memory" } }, { log: true });
  const sent: Message = await client.messages.send({ to: "zQ3sh", text: "x" }, { signal: AbortSignal.timeout(5) });
  const state: string = sent.state;
  await client.identity.get();
  await client.contacts.add_card({ image: new Uint8Array(3) });
  await client.events.ack({ up_to: 7 });
  client.on("error", (error: unknown) => console.error(error));
  client.on("message_received", (data, event) => console.log(data.message.text, event.seq, state));
  client.on("*", (_data, event) => console.log(event.type));
  for await (const event of client.events({ ack: false })) {
    if (event.type === "message_state") {
      const received: EventOf<"message_state"> = event;
      console.log(received.data.message_id);
    }
    switch (event.type) {
      case "message_received":
        console.log(event.data.message.from);
        break;
      default:
        break;
    }
  }
  const server = new Server();
  console.log((await server.info()).rpc_version.toFixed());
  try {
    // @ts-expect-error: a required parameter
    await client.messages.send({ text: "x" });
    // @ts-expect-error: an unknown parameter
    await client.messages.send({ to: "x", txt: "x" });
    // @ts-expect-error: no such method
    await client.messages.snd({});
    // @ts-expect-error: no such event
    client.on("message_recieved", () => {});
    // @ts-expect-error: clients are opened
    new Client();
  } catch (error) {
    if (error instanceof Status1to1Error && error.code === "bad_key") {
      console.log(error.field, error.details);
    }
  }
}
