package memnet_test

import (
	"context"
	"fmt"
	"log"

	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// A manual network delivers only when it is told to, so a test decides what happens when,
// and the same seed makes the same envelopes get lost.
func Example() {
	network := memnet.New(memnet.Options{Seed: 1, Manual: true})
	alice, bob := network.Join(), network.Join()

	ctx := context.Background()
	ignore := func(port.Envelope) {}
	show := func(e port.Envelope) { fmt.Printf("Bob received %q on %s\n", e.Payload, e.ContentTopic) }
	for node, received := range map[port.Transport]func(port.Envelope){alice: ignore, bob: show} {
		hooks := port.TransportHooks{NodeKey: key.Private{}, Received: received, Changed: func(port.NetworkChange) {}}
		if err := node.Start(ctx, hooks); err != nil {
			log.Fatal(err)
		}
		defer node.Stop()
	}
	if err := bob.Subscribe("/greetings/1/text/plain"); err != nil {
		log.Fatal(err)
	}

	evidence, err := alice.Publish(ctx, port.Envelope{ContentTopic: "/greetings/1/text/plain", Payload: []byte("Hello")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("published to", evidence.Peers, "peer")
	network.Drain(0)

	// Output:
	// published to 1 peer
	// Bob received "Hello" on /greetings/1/text/plain
}
