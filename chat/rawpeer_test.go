package chat_test

import (
	"crypto/rand"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// rawPeer is a peer without an engine: it can send anything to one, and does not listen.
// Its messages are encrypted to any device, so it need know nothing of the engine.
type rawPeer struct {
	t     testing.TB
	net   *memnet.Network
	self  key.Private
	to    key.Public
	clock uint64
}

func newRawPeer(t testing.TB, net *memnet.Network, to key.Public) *rawPeer {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &rawPeer{t: t, net: net, self: k, to: to, clock: uint64(time.Now().UnixMilli())}
}

func (g *rawPeer) key() key.Public { return g.self.Public() }

// next is a clock later than all before.
func (g *rawPeer) next() uint64 {
	g.clock = max(g.clock+1, uint64(time.Now().UnixMilli()))
	return g.clock
}

// envelope makes an envelope with an application message for the engine.
func (g *rawPeer) envelope(typ wire.ApplicationMetadataMessage_Type, m proto.Message, bare bool) (e chat.Envelope, id [32]byte) {
	g.t.Helper()
	encoded, err := proto.Marshal(m)
	if err != nil {
		g.t.Fatal(err)
	}
	plaintext, err := message.Wrap(g.self, typ, encoded)
	if err != nil {
		g.t.Fatal(err)
	}
	id = message.ID(g.key(), plaintext)
	if !bare {
		plaintext, err = datasync.Encode(datasync.Payload{Messages: []datasync.Message{{
			GroupID: datasync.GroupID(g.key(), g.to), Timestamp: time.Now().Unix(), Body: plaintext,
		}}})
		if err != nil {
			g.t.Fatal(err)
		}
	}
	return g.sealed(plaintext), id
}

// sync says an MVDS payload, which may repeat what was said.
func (g *rawPeer) sync(p datasync.Payload) {
	g.t.Helper()
	plaintext, err := datasync.Encode(p)
	if err != nil {
		g.t.Fatal(err)
	}
	g.net.Inject(g.sealed(plaintext))
}

// sealed encrypts what the peer says, anew each time.
func (g *rawPeer) sealed(plaintext []byte) chat.Envelope {
	g.t.Helper()
	_, out, err := session.Peer{Identity: g.to}.Encrypt(session.Self{Identity: g.self, InstallationID: "raw-peer"}, plaintext, nil,
		time.Now(), session.Source{Rand: rand.Reader, IV: ratchet.RandomIV(rand.Reader)})
	if err != nil {
		g.t.Fatal(err)
	}
	pm, err := proto.Marshal(&wire.ProtocolMessage{InstallationId: "raw-peer", EncryptedMessage: out.Messages})
	if err != nil {
		g.t.Fatal(err)
	}
	sealed, err := payload.SealAsymmetric(rand.Reader, g.to, g.self, pm)
	if err != nil {
		g.t.Fatal(err)
	}
	return chat.Envelope{
		PubsubTopic: "/waku/2/rs/16/32", ContentTopic: topic.Partitioned(g.to).ContentTopic(), Payload: sealed,
		Version: 1, Timestamp: time.Now().UnixNano(),
	}
}

func (g *rawPeer) say(typ wire.ApplicationMetadataMessage_Type, m proto.Message) [32]byte {
	g.t.Helper()
	e, id := g.envelope(typ, m, false)
	g.net.Inject(e)
	return id
}

func (g *rawPeer) bare(typ wire.ApplicationMetadataMessage_Type, m proto.Message) {
	g.t.Helper()
	e, _ := g.envelope(typ, m, true)
	g.net.Inject(e)
}

// text is a ChatMessage; state may be nil.
func (g *rawPeer) text(text string, state *wire.ContactRequestPropagatedState) [32]byte {
	g.t.Helper()
	clock := g.next()
	return g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, message.NewText(message.TextParams{
		Text: text, ChatID: g.to.Hex(), Clock: clock, Timestamp: clock, Contact: state,
	}))
}

// request asks to be a contact.
func (g *rawPeer) request(text string) [32]byte {
	g.t.Helper()
	clock := g.next()
	return g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, message.NewContactRequest(message.TextParams{
		Text: text, ChatID: g.to.Hex(), Clock: clock, Timestamp: clock,
		Contact: &wire.ContactRequestPropagatedState{LocalClock: clock, LocalState: 2},
	}, 4))
}

// chatMessage is a text to somebody with a clock.
func chatMessage(to *person, text string, clock uint64) *wire.ChatMessage {
	return message.NewText(message.TextParams{Text: text, ChatID: to.key().Hex(), Clock: clock, Timestamp: clock})
}
