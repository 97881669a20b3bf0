package topic

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/vectors"
)

type vectorTopic struct {
	ChatID       string      `json:"chat_id"`
	Topic        vectors.Hex `json:"topic"`
	ContentTopic string      `json:"content_topic"`
	PubsubTopic  string      `json:"pubsub_topic"`
	SymKey       vectors.Hex `json:"sym_key"`
}

func (v vectorTopic) check(t *testing.T, got Topic) {
	t.Helper()
	b := got.Bytes()
	if got.Name != v.ChatID || string(b[:]) != string(v.Topic) || got.ContentTopic() != v.ContentTopic {
		t.Errorf("got %q %x %s\nwant %q %x %s", got.Name, b, got.ContentTopic(), v.ChatID, v.Topic, v.ContentTopic)
	}
	if parsed, err := ParseContentTopic(v.ContentTopic); err != nil || parsed != b {
		t.Errorf("ParseContentTopic(%s) = %x, %v", v.ContentTopic, parsed, err)
	}
	if p := PubsubTopic(StatusCluster, StatusShard); p != v.PubsubTopic {
		t.Errorf("pubsub topic %s, want %s", p, v.PubsubTopic)
	}
	if len(v.SymKey) > 0 {
		if s := SymmetricKey(got.Name); string(s[:]) != string(v.SymKey) {
			t.Error("symmetric key differs")
		}
	}
}

func TestVectorTopics(t *testing.T) {
	var file struct {
		PBKDF2 struct {
			Hash       string
			Iterations int
			KeyLength  int `json:"key_length"`
			Salt       string
		}
		Keys []struct {
			Private     vectors.Hex
			Public      vectors.Hex `json:"public_uncompressed"`
			Partitioned vectorTopic
			Personal    vectorTopic
			ContactCode vectorTopic `json:"contact_code"`
		}
		Pairs []struct {
			A, B         int
			SharedSecret vectors.Hex `json:"shared_secret"`
			TopicString  string      `json:"topic_string"`
			vectorTopic
		}
	}
	vectors.Read(t, "keys.json", &file)
	if file.PBKDF2.Iterations != KeyRounds || file.PBKDF2.Hash != "SHA-256" || file.PBKDF2.Salt != "" ||
		file.PBKDF2.KeyLength != len(key.Secret{}) {
		t.Errorf("other PBKDF2 parameters: %+v", file.PBKDF2)
	}
	if len(file.Keys) == 0 || len(file.Pairs) == 0 {
		t.Fatal("no keys or no pairs in the file")
	}
	privates := make([]key.Private, len(file.Keys))
	for i, v := range file.Keys {
		k := v.Private.Private(t)
		if string(k.Public().Uncompressed()) != string(v.Public) {
			t.Fatalf("key %d: other public key", i)
		}
		privates[i] = k
		v.Partitioned.check(t, Partitioned(k.Public()))
		v.Personal.check(t, Personal(k.Public()))
		v.ContactCode.check(t, ContactCode(k.Public()))
	}
	for i, v := range file.Pairs {
		for _, side := range [][2]int{{v.A, v.B}, {v.B, v.A}} {
			shared, err := privates[side[0]].ECDH(privates[side[1]].Public())
			if err != nil || string(shared[:]) != string(v.SharedSecret) {
				t.Fatalf("pair %d: other shared secret: %v", i, err)
			}
			v.ChatID = v.TopicString
			v.check(t, Negotiated(shared))
		}
	}
}

func TestVectorWireTopics(t *testing.T) {
	for _, m := range vectors.ReadWire(t).Messages {
		if got := Named(m.Sealed.TopicString).ContentTopic(); got != m.Waku.ContentTopic {
			t.Errorf("%s: %s, want %s", m.ID, got, m.Waku.ContentTopic)
		}
		if s := SymmetricKey(m.Sealed.TopicString); len(m.Sealed.SymKey) > 0 && string(s[:]) != string(m.Sealed.SymKey) {
			t.Errorf("%s: other symmetric key", m.ID)
		}
		if got := PubsubTopic(StatusCluster, StatusShard); got != m.Waku.PubsubTopic {
			t.Errorf("%s: %s, want %s", m.ID, got, m.Waku.PubsubTopic)
		}
	}
}

// The messages of two whole clients: each travels on a topic we compute, and
// opens with the key we derive for it.
func TestVectorMessengerTopics(t *testing.T) {
	file := vectors.ReadMessenger(t)
	known := map[string]Topic{}
	add := func(topic Topic) { known[topic.ContentTopic()] = topic }
	var people []key.Private
	for name := range file.Participants {
		k := file.Participants.Private(t, name)
		people = append(people, k)
		add(Partitioned(k.Public()))
		add(Personal(k.Public()))
		add(ContactCode(k.Public()))
	}
	for _, a := range people {
		for _, b := range people {
			shared, err := a.ECDH(b.Public())
			if err != nil {
				t.Fatal(err)
			}
			add(Negotiated(shared))
		}
	}
	for i, m := range file.Messages {
		topic, ok := known[m.ContentTopic]
		if !ok {
			t.Errorf("message %d: on a topic of none of the participants: %s", i, m.ContentTopic)
			continue
		}
		if s := SymmetricKey(topic.Name); len(m.SymKey) > 0 && string(s[:]) != string(m.SymKey) {
			t.Errorf("message %d: other symmetric key", i)
		}
		if got := PubsubTopic(StatusCluster, StatusShard); got != m.PubsubTopic {
			t.Errorf("message %d: %s, want %s", i, got, m.PubsubTopic)
		}
	}
}

func TestParseContentTopicRefuses(t *testing.T) {
	good := Named("x").ContentTopic()
	for name, s := range map[string]string{
		"empty": "", "no prefix": strings.TrimPrefix(good, "/"), "no suffix": strings.TrimSuffix(good, "6"),
		"upper case": "/waku/1/0xABCDEF00/rfc26", "short": "/waku/1/0xabcdef/rfc26",
		"long": "/waku/1/0xabcdef0000/rfc26", "not hex": "/waku/1/0xabcdefgg/rfc26",
		"sharded": "/waku/2/rs/16/32", "trailing": good + "/", "overlap": "/waku/1/0x/rfc26",
	} {
		if b, err := ParseContentTopic(s); !errors.Is(err, ErrContentTopic) || b != [Size]byte{} {
			t.Errorf("%s: %q gave %x, %v", name, s, b, err)
		}
	}
}

func TestTopicHidesItsName(t *testing.T) {
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := k.ECDH(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	topic := Negotiated(shared)
	out := ""
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		out += fmt.Sprintf(verb, topic) + fmt.Sprintf(verb, []Topic{topic})
	}
	js, err := json.Marshal(map[string]any{"topic": topic})
	if err != nil {
		t.Fatal(err)
	}
	out += string(js)
	if strings.Contains(out, hex.EncodeToString(shared[:4])) || strings.Contains(out, fmt.Sprintf("%x", topic.Name[:8])) {
		t.Fatal("the shared secret was printed")
	}
	if !strings.Contains(out, topic.ContentTopic()) {
		t.Fatal("the content topic was not printed")
	}
}

func TestPubsubTopic(t *testing.T) {
	if got := PubsubTopic(65535, 0); got != "/waku/2/rs/65535/0" {
		t.Fatal(got)
	}
}

func FuzzParseContentTopic(f *testing.F) {
	for _, s := range []string{"/waku/1/0x6bbef395/rfc26", "/waku/1/0x6bbef395/rfc2", "/waku/1/0x6BBEF395/rfc26", "", "/waku/2/rs/16/32"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseContentTopic(s)
		if err != nil {
			return
		}
		if again := (Topic{bytes: b}).ContentTopic(); again != s {
			t.Fatalf("%q was taken but is written %q", s, again)
		}
	})
}

func BenchmarkSymmetricKey(b *testing.B) {
	for b.Loop() {
		SymmetricKey("contact-code")
	}
}
