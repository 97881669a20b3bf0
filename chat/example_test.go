package chat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// openNamed opens a client with a new identity. It keeps its data in memory and is
// connected to network.
func openNamed(ctx context.Context, network *memnet.Network, name string) (*chat.Client, chat.IdentityInfo, error) {
	client, err := chat.Open(ctx, chat.Options{Store: store.Memory(), Transport: network.Join()})
	if err != nil {
		return nil, chat.IdentityInfo{}, err
	}
	// 12 is the number of words in the seed phrase. A program shows the phrase to its
	// user, who writes it down.
	info, _, err := client.CreateIdentity(ctx, 12, name)
	if err != nil {
		_ = client.Close()
		return nil, chat.IdentityInfo{}, err
	}
	return client, info, nil
}

// Two clients in one process: one sends a text, the other reads it from its events. A
// program that chats over the real network uses store.Open and waku.New instead.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	network := memnet.New(memnet.Options{Seed: 1})
	alice, _, err := openNamed(ctx, network, "Alice")
	if err != nil {
		log.Fatal(err)
	}
	defer alice.Close()
	bob, bobsInfo, err := openNamed(ctx, network, "Bob")
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()

	// Anybody who knows Bob's chat key, zQ3sh..., can write to him.
	to, err := identity.ParseChatKey(bobsInfo.ChatKey)
	if err != nil {
		log.Fatal(err)
	}
	sent, err := alice.Send(ctx, chat.SendRequest{To: to, Text: "Hello Bob"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Alice's message is", sent.State)

	for {
		e, err := bob.NextEvent(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if e == nil {
			log.Fatal("the minute is over")
		}
		if e.Type != (event.MessageReceived{}).Type() {
			continue // a change of the network, of a contact, ...
		}
		var received event.MessageReceived
		if err := json.Unmarshal(e.Data, &received); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s wrote: %s\n", received.Message.SenderName, received.Message.Text)
		// First handle an event, then acknowledge it: it would come again after a crash.
		if err := bob.AckEvents(e.Seq); err != nil {
			log.Fatal(err)
		}
		break
	}

	// Output:
	// Alice's message is queued
	// Alice wrote: Hello Bob
}
