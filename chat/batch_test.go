package chat_test

import (
	"context"
	"fmt"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
)

// TestSendBatch mixes what can and what cannot be sent: each item has its own
// outcome, and what can be sent arrives in the order of the batch.
func TestSendBatch(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	var requests []chat.SendRequest
	var texts []string
	wrong := map[int]chat.Code{}
	for i := range 60 {
		r := chat.SendRequest{To: bob.key(), Text: fmt.Sprint("number ", i)}
		switch i % 10 {
		case 3:
			r.Text, wrong[i] = " ", chat.CodeEmpty
		case 5:
			r.To, wrong[i] = key.Public{}, chat.CodeBadKey
		case 7:
			r.To, wrong[i] = alice.key(), chat.CodeSelf
		default:
			texts = append(texts, r.Text)
		}
		requests = append(requests, r)
	}
	results, err := alice.SendBatch(context.Background(), requests)
	if err != nil || len(results) != len(requests) {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, r := range results {
		switch {
		case wrong[i] != "":
			if r.Err == nil || chat.CodeOf(r.Err) != wrong[i] {
				t.Errorf("item %d: %v, want %s", i, r.Err, wrong[i])
			}
		case r.Err != nil || r.Message.Text != requests[i].Text || r.Message.State != "queued":
			t.Errorf("item %d: %+v, %v", i, r.Message, r.Err)
		}
	}
	bob.waitText(texts[len(texts)-1])
	for _, p := range []struct{ me, you *person }{{alice, bob}, {bob, alice}} {
		if got := p.me.texts(p.you); fmt.Sprint(got) != fmt.Sprint(texts) {
			t.Errorf("%s has %q, want %q", p.me.name, got, texts)
		}
	}
	alice.waitState(results[0].Message.ID, "delivered")
}

// TestSendBatchRefs repeats client_refs inside a batch and in the next one.
func TestSendBatchRefs(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	batch := []chat.SendRequest{
		{To: bob.key(), Text: "one", ClientRef: "a"}, {To: bob.key(), Text: "two"},
		{To: bob.key(), Text: "one", ClientRef: "a"}, {To: bob.key(), Text: "other", ClientRef: "a"},
	}
	var first string
	for round := range 2 {
		results, err := alice.SendBatch(context.Background(), batch)
		if err != nil {
			t.Fatal(err)
		}
		if results[0].Err != nil || results[2].Err != nil || results[0].Message.ID != results[2].Message.ID {
			t.Errorf("round %d: the same ref gave %+v and %+v", round, results[0], results[2])
		}
		if chat.CodeOf(results[3].Err) != chat.CodeClientRefReused {
			t.Errorf("round %d: another text under the same ref: %v", round, results[3].Err)
		}
		if round == 0 {
			first = results[0].Message.ID
		} else if results[0].Message.ID != first {
			t.Errorf("the second batch sent %s again as %s", first, results[0].Message.ID)
		}
	}
	if got := alice.texts(bob); fmt.Sprint(got) != fmt.Sprint([]string{"one", "two", "two"}) {
		t.Errorf("the history is %q", got)
	}
}

func TestSendBatchBounds(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	if results, err := alice.SendBatch(context.Background(), nil); err != nil || len(results) != 0 {
		t.Errorf("an empty batch: %v, %v", results, err)
	}
	many := make([]chat.SendRequest, chat.MaxSendBatch+1)
	for i := range many {
		many[i] = chat.SendRequest{To: bob.key(), Text: "x"}
	}
	if _, err := alice.SendBatch(context.Background(), many); chat.CodeOf(err) != chat.CodeBadParams {
		t.Errorf("a batch that is too large: %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := alice.SendBatch(ended, many[:2]); chat.CodeOf(err) != chat.CodeTimeout {
		t.Errorf("after the deadline: %v", err)
	}
	if got := alice.texts(bob); len(got) != 0 {
		t.Errorf("refused batches left %q", got)
	}
}
