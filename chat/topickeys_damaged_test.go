package chat

import (
	"bytes"
	"context"
	"testing"

	"libstatus1to1/chat/protocol/key"
)

// A route of which no key can be derived does not keep whoever brings an envelope on its topic
// deriving for ever.
func TestRouteWithoutName(t *testing.T) {
	c := &Client{log: noLog{}}
	c.life.begin(context.Background())
	c.self.Store(&account{})
	r := route{kind: topicContactCode, peer: key.Compact(bytes.Repeat([]byte{0xff}, key.CompressedSize))}
	c.routes.load([]route{r})
	c.deriveOn(r.contentTopic())
	if !c.routes.closed(r.contentTopic()) {
		t.Error("it has a key")
	}
}

type noLog struct{}

func (noLog) Log(string, string, ...any) {}
