// A light node of @waku/sdk (js-waku) as a process, for TestSDK... in chat/waku: it
// connects to a service node over a WebSocket and does what lines of JSON on standard
// input say. Each line is answered by one line with the same id; what the filter pushes
// comes as lines of its own.
//
//   node foreign.mjs MULTIADDRESS CLUSTER SHARD
//
//   {"id": 1, "do": "subscribe", "topic": "/waku/1/0x12345678/rfc26"}
//   {"id": 2, "do": "push", "topic": ..., "payload": base64}
//   {"id": 3, "do": "query", "topic": ...}

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// Modules below the SDK use it; Node has it since 22.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new this((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};

// NODE_MODULES is where npm has put the modules: build/node, not here.
const at = (name) => pathToFileURL(`${process.env.NODE_MODULES}/${name}`).href;
const { createLightNode, Protocols } = await import(at("@waku/sdk/dist/index.js"));
const { yamux } = await import(at("@chainsafe/libp2p-yamux/dist/src/index.js"));
const { messageHash } = await import(at("@waku/message-hash/dist/index.js"));

const [address, cluster, shard] = process.argv.slice(2);
const shardInfo = { clusterId: Number(cluster), shard: Number(shard) };
const pubsubTopic = `/waku/2/rs/${cluster}/${shard}`;
const patience = 30_000; // ms for the node to be reached

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const seen = (message) => ({
  topic: message.contentTopic,
  payload: base64(message.payload),
  hash: Buffer.from(messageHash(pubsubTopic, message.proto ?? message)).toString("hex"),
});

const node = await createLightNode({
  networkConfig: { clusterId: shardInfo.clusterId, shards: [shardInfo.shard] },
  defaultBootstrap: false,
  numPeersToUse: 1,
  libp2p: {
    filterMultiaddrs: false, // on the loopback ws is enough
    hideWebSocketInfo: true,
    streamMuxers: [yamux()], // its own choice, mplex, is not in go-libp2p any more
  },
});

const tasks = {
  async subscribe({ topic }) {
    const decoder = node.createDecoder({ contentTopic: topic, shardInfo });
    const { error, subscription } = await node.filter.subscribe(decoder, (message) => say({ pushed: seen(message) }));
    if (error || !subscription) throw new Error(`subscribe: ${error}`);
    return {};
  },
  async push({ topic, payload }) {
    const encoder = node.createEncoder({ contentTopic: topic, shardInfo });
    const { successes, failures } = await node.lightPush.send(encoder, { payload: Buffer.from(payload, "base64") });
    if (successes.length === 0) throw new Error(`push: ${failures.map((f) => f.error)}`);
    return {};
  },
  async query({ topic }) {
    const messages = [];
    const decoder = node.createDecoder({ contentTopic: topic, shardInfo });
    await node.store.queryWithOrderedCallback([decoder], (message) => void messages.push(seen(message)), { paginationForward: true });
    return { messages };
  },
};

await node.start();
await node.dial(address);
await node.waitForPeers([Protocols.Filter, Protocols.LightPush, Protocols.Store], patience);
say({ ready: node.peerId.toString() });

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  try {
    say({ id: task.id, ...(await tasks[task.do](task)) });
  } catch (error) {
    say({ id: task.id, error: String(error) });
  }
}
process.exit(0); // the end of the input; some of its timers have no end
