package host

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// patience bounds every wait; nothing is measured by it.
const patience = 60 * time.Second

// keyRing collects the keys that go through a store, by kind, into a sieve.
type keyRing struct {
	t     *testing.T
	mu    sync.Mutex
	sieve *sieve
	kinds map[string]int
}

func (k *keyRing) key(kind string, secret []byte) {
	if len(secret) > 0 {
		k.kinds[kind]++
		k.sieve.addKey(kind, bytes.Clone(secret))
	}
}

// record notes the secrets of a record that is being stored.
func (k *keyRing) record(table chat.Table, name, value []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case table == "meta" && string(name) == "identity":
		var rec wire.IdentityRecord
		k.parse(value, &rec)
		k.key("identity key", rec.GetPrivateKey())
		k.kinds["phrase"]++
		k.sieve.addText("phrase", rec.GetPhrase())
	case table == "meta" && string(name) == "pre_keys":
		p, err := x3dh.UnmarshalPreKeys(value)
		current, some := p.Current()
		if err != nil || !some {
			k.t.Errorf("pre-keys: %v", err)
			return
		}
		k.key("pre-key", current.Private.Bytes())
	case table == "meta" && string(name) == "node_key":
		k.key("node key", value)
	case table == "topics":
		var rec wire.TopicRecord
		k.parse(value, &rec)
		k.key("topic key", rec.GetKey())
	case table == "peers":
		var rec wire.PeerRecord
		k.parse(value, &rec)
		for _, s := range rec.GetSessions() {
			k.key("session order", s.GetOrder())
			k.state(s.GetRatchet())
		}
	case table == "skipped":
		k.skipped(value)
	case table == "meta" && string(name) == "noise_key":
		var rec wire.NoiseKeyRecord
		k.parse(value, &rec)
		k.key("Noise key", rec.GetPrivateKey())
	case table == "pairings":
		var rec wire.PairingRecord
		k.parse(value, &rec)
		k.pairing(rec.GetPairing())
	case table == "noise_sessions":
		k.session(value)
	}
}

// pairing takes the secrets out of a stored pairing; see its Marshal.
func (k *keyRing) pairing(b []byte) {
	if len(b) == 0 {
		return
	}
	r := noise.NewReader(b)
	r.Take(7) // version, phase, failure, refusals, three flags
	k.key("Noise key", r.Take(32))
	for range 4 { // scope and certificate
		r.Bytes()
	}
	k.key("pairing opening", r.Take(32))
	k.key("pairing abort key", r.Take(32))
	r.Take(16 + 32)
	r.Time()
	r.Bytes()
	r.Bytes()
	r.Flag() // nonces
	k.key("pairing nonce", r.Take(32))
	r.Take(32 + 32)
	r.Bytes()
	for range r.Byte() {
		k.key("pairing ephemeral key", r.Take(32))
		r.Take(32 + 16 + 32)
		r.Time()
		r.Time()
		r.Flag()
	}
	if r.Failed() {
		k.t.Error("a pairing of another form")
	}
}

// session takes the secrets out of a stored Noise session; see its Marshal. The session-id
// is one of them.
func (k *keyRing) session(b []byte) {
	r := noise.NewReader(b)
	r.Take(3) // version, state, away
	k.key("Noise session id", r.Take(32))
	r.Take(32 + key.CompressedSize + 32)
	for range 4 {
		r.Time()
	}
	for range 4 {
		r.Bytes()
	}
	r.Byte()
	for range 4 {
		k.key("Noise session key", r.Take(32))
	}
	if r.Failed() {
		k.t.Error("a Noise session of another form")
	}
}

func (k *keyRing) parse(value []byte, into proto.Message) {
	if err := proto.Unmarshal(value, into); err != nil {
		k.t.Errorf("%T: %v", into, err)
	}
}

// state takes the secrets out of a stored ratchet state; see ratchet.StateSize.
func (k *keyRing) state(b []byte) {
	if len(b) != ratchet.StateSize {
		k.t.Errorf("a ratchet state of %d bytes", len(b))
		return
	}
	k.key("ratchet root key", b[1:33])
	k.key("ratchet private key", b[33:65])
	chains := b[65+2*key.UncompressedSize:]
	k.key("ratchet chain key", chains[:32])
	k.key("ratchet chain key", chains[36:68])
}

// skipped takes the message keys out of stored skipped keys: a version, then chains
// of ratchet key, base, number of keys, and the keys with their numbers.
func (k *keyRing) skipped(b []byte) {
	for b = b[1:]; len(b) > 0; {
		n := int(binary.BigEndian.Uint16(b[key.UncompressedSize+8:]))
		b = b[key.UncompressedSize+10:]
		for range n {
			k.key("skipped key", b[4:36])
			b = b[36:]
		}
	}
}

// watchedStore shows a key ring what is put into a store.
type watchedStore struct {
	chat.Store
	ring *keyRing
}

func (s watchedStore) Update(fn func(chat.Tx) error) error {
	return s.Store.Update(func(tx chat.Tx) error { return fn(watchedTx{tx, s.ring}) })
}

type watchedTx struct {
	chat.Tx
	ring *keyRing
}

func (x watchedTx) Put(t chat.Table, name, value []byte) error {
	x.ring.record(t, name, value)
	return x.Tx.Put(t, name, value)
}

// secretUse is two clients that chat, and everything others could read of it.
type secretUse struct {
	t        *testing.T
	registry *api.Registry
	ring     *keyRing
	texts    *sieve // the messages, which events and lists may hold
	armed    sync.Map
	public   map[string][]byte // what must hold no key, by what it is
	quiet    map[string][]byte // what must hold no message either
}

func newSecretUse(t *testing.T) *secretUse {
	u := &secretUse{
		t: t, texts: newSieve(), public: map[string][]byte{}, quiet: map[string][]byte{},
		ring: &keyRing{t: t, sieve: newSieve(), kinds: map[string]int{}},
	}
	u.registry = api.NewRegistry(func(ctx context.Context, c api.Config) (chat.Options, error) {
		o, err := Open(ctx, c)
		if err != nil {
			return o, err
		}
		o.Store = watchedStore{o.Store, u.ring}
		path := c.Store.Path
		o.Probe = func(point string) {
			if _, armed := u.armed.Load(path); armed && point == chat.ProbeBeforePublish {
				panic("forced")
			}
		}
		return o, nil
	})
	return u
}

// call keeps the answer as what may be read: with the messages in it when it may.
func (u *secretUse) call(h uint64, method, params string) json.RawMessage {
	answer := u.registry.Call(h, method, params)
	into := u.quiet
	if strings.HasPrefix(method, "messages.") || method == "transfers.read" || method == "chats.list" || method == "chats.get" {
		into = u.public
	}
	if method != "identity.create" { // which gives the phrase
		into["answer of "+method] = append(into["answer of "+method], answer...)
	}
	var a struct {
		OK     bool
		Result json.RawMessage
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		u.t.Errorf("%s: %v", method, err)
	}
	return a.Result
}

// next takes events until one of a type has text in it.
func (u *secretUse) next(h uint64, kind, text string) string {
	for {
		e := u.registry.NextEvent(h, int32(patience.Milliseconds()))
		u.public["event"] = append(u.public["event"], e...)
		if strings.HasPrefix(e, `{"ok":true,"result":null`) || strings.HasPrefix(e, `{"ok":false`) {
			u.t.Fatalf("no %s with %q came: %s", kind, text, e)
		}
		if strings.Contains(e, `"type":"`+kind+`"`) && strings.Contains(e, text) {
			return e
		}
	}
}

// TestSecretsStayInside uses every secret there is - and makes every kind of
// mistake with them - and then looks for them in logs, events, errors,
// diagnostics, schema and the store's files.
func TestSecretsStayInside(t *testing.T) {
	if testing.Short() {
		t.Skip("about content, not about races")
	}
	u := newSecretUse(t)
	dir := t.TempDir()
	passphrase := "Zwölf Boxkämpfer jagen Viktor quer"
	storeKey := []byte{201, 7, 33, 94, 5, 166, 77, 238, 19, 110, 31, 82, 213, 14, 155, 176, 67, 88, 9, 120, 251, 42, 63, 104, 85, 196, 137, 48, 99, 220, 61, 172}
	u.ring.sieve.addText("passphrase", passphrase)
	u.ring.sieve.addKey("store key", storeKey)
	rest := `"network":{"kind":"memory","memory":{"name":"secrets","seed":5,"loss":0.1,"reorder":0.4}},
		"engine":{"resend_base_ms":100,"ack_delay_ms":20},"log":{"level":"debug","events":true,"file":%q}}`
	config := func(name, secret string) string {
		return fmt.Sprintf(`{"store":{"path":%q,%s},`+rest, filepath.Join(dir, name+".db"), secret, filepath.Join(dir, name+".log"))
	}
	aliceSecret := fmt.Sprintf(`"passphrase":%q,"kdf":{"memory_kib":64,"iterations":1,"parallelism":1}`, passphrase)
	bobSecret := fmt.Sprintf(`"key":%q`, base64.StdEncoding.EncodeToString(storeKey))
	open := func(name, secret string) uint64 {
		h, response := u.registry.Open(config(name, secret))
		u.quiet["answer of open"] = append(u.quiet["answer of open"], response...)
		return h
	}
	alice, bob := open("alice", aliceSecret), open("bob", bobSecret)
	if alice == 0 || bob == 0 {
		t.Fatalf("%s", u.quiet["answer of open"])
	}
	created := u.call(alice, "identity.create", `{"words":12,"display_name":"Alice"}`)
	imported := "7d1f0a93c2e8b645d07a1c3f96e2b8d450a7c1e39f28b6d4057e1a3c9f62b8d1"
	u.ring.sieve.addKey("imported key", fromHex(t, imported))
	u.call(bob, "identity.import", fmt.Sprintf(`{"private_key":"0x%s","display_name":"Bob"}`, imported))
	if found := u.ring.sieve.find(created); len(found) == 0 || !strings.HasPrefix(found[0], "phrase ") {
		t.Fatalf("the sieve does not find the phrase where it is: %q", found)
	}

	u.chat(alice, bob)
	u.pair(alice, bob)
	u.mistakes(alice, bob, string(created), passphrase, config, aliceSecret)
	for _, m := range []string{
		"identity.get", "contacts.list", "sessions.list", "pairing.list", "network.status", "store.info", "store.check", "diagnostics.get",
	} {
		u.call(alice, m, "")
		u.call(bob, m, "")
	}
	u.quiet["info"], u.quiet["schema"] = []byte(api.InfoResponse(0)), []byte(api.SchemaResponse())

	// A panic, whose stack is logged.
	u.armed.Store(filepath.Join(dir, "alice.db"), true)
	key := u.call(bob, "identity.get", "")
	u.call(alice, "messages.send", fmt.Sprintf(`{"to":%q,"text":"one more"}`, field(t, key, "public_key")))
	u.next(alice, "internal_error", "")
	u.next(alice, "closed", "internal")
	u.registry.Close(alice, false)
	u.registry.Close(bob, false)
	u.readFiles(dir)
	u.check()
}

// chat sends messages both ways over a bad network, so that keys are skipped.
func (u *secretUse) chat(alice, bob uint64) {
	a, b := u.call(alice, "identity.get", ""), u.call(bob, "identity.get", "")
	u.call(bob, "contacts.add", fmt.Sprintf(`{"key":%q,"name":"Al"}`, field(u.t, a, "public_key")))
	u.call(alice, "contacts.add", fmt.Sprintf(`{"key":%q}`, field(u.t, b, "public_key")))
	for i := range 30 {
		text := fmt.Sprintf("Nr. %d: meet me behind the old observatory at midnight", i)
		u.texts.addText("message", text)
		u.call(alice, "messages.send", fmt.Sprintf(`{"to":%q,"text":%q}`, field(u.t, b, "public_key"), text))
		u.call(bob, "messages.send", fmt.Sprintf(`{"to":%q,"text":%q}`, field(u.t, a, "public_key"), text))
		if i%10 == 9 {
			u.next(bob, "message_received", fmt.Sprintf("Nr. %d:", i))
			u.next(alice, "message_received", fmt.Sprintf("Nr. %d:", i))
		}
	}
}

// pair pairs the two, moves a text between them, and leaves an invitation shown.
func (u *secretUse) pair(alice, bob uint64) {
	shown := u.call(alice, "pairing.start", `{"asks":true}`)
	scanned := u.call(bob, "pairing.scan", fmt.Sprintf(`{"invitation":%q}`, field(u.t, shown, "invitation")))
	u.next(alice, "pairing_authcode", "")
	u.next(bob, "pairing_authcode", "")
	for h, pairing := range map[uint64]json.RawMessage{alice: shown, bob: scanned} {
		u.call(h, "pairing.confirm", fmt.Sprintf(`{"pairing_id":%q,"same":true}`, field(u.t, pairing, "pairing_id")))
	}
	u.next(alice, "pairing_paired", "")
	u.next(bob, "pairing_paired", "")
	text := "what is in the file: the combination of the safe, left, right, left"
	u.texts.addText("file", text)
	u.call(alice, "pairing.send", fmt.Sprintf(`{"pairing_id":%q,"name":"a file","data":%q}`,
		field(u.t, shown, "pairing_id"), base64.StdEncoding.EncodeToString([]byte(text))))
	done := u.next(bob, "transfer_done", "")
	var e struct {
		Result struct {
			Data struct{ Transfer json.RawMessage }
		}
	}
	if err := json.Unmarshal([]byte(done), &e); err != nil {
		u.t.Fatal(err)
	}
	id := field(u.t, e.Result.Data.Transfer, "transfer_id")
	part := u.call(bob, "transfers.read", fmt.Sprintf(`{"transfer_id":%q}`, id))
	if got, _ := base64.StdEncoding.DecodeString(field(u.t, part, "data")); string(got) != text {
		u.t.Fatalf("%q", part)
	}
	u.call(alice, "pairing.start", `{"asks":false}`)
}

// mistakes are calls with secrets in them that fail.
func (u *secretUse) mistakes(alice, bob uint64, created, passphrase string, config func(name, secret string) string, aliceSecret string) {
	var c struct{ Phrase string }
	if err := json.Unmarshal([]byte(created), &c); err != nil || c.Phrase == "" {
		u.t.Fatal(err)
	}
	words := strings.Fields(c.Phrase)
	for _, params := range []string{
		fmt.Sprintf(`{"phrase":%q}`, c.Phrase),                            // there is an identity already
		fmt.Sprintf(`{"phrase":%q}`, c.Phrase+" "+c.Phrase),               // too many words
		fmt.Sprintf(`{"phrase":%q}`, strings.Join(words[:11], " ")+" zz"), // no such word
		fmt.Sprintf(`{"phrase":%q}`, strings.Join(append(words[1:], words[0]), " ")),
		fmt.Sprintf(`{"phrase":[%q]}`, c.Phrase), fmt.Sprintf(`{"phrase":%q`, c.Phrase),
		fmt.Sprintf(`{"phrase":%q,"passphrase":5}`, c.Phrase), fmt.Sprintf(`{"phrase":%q} %q`, c.Phrase, c.Phrase),
	} {
		u.call(alice, "identity.restore", params)
	}
	u.call(bob, "identity.import", `{"private_key":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}`)
	u.call(alice, "store.change_passphrase", fmt.Sprintf(`{"passphrase":%q,"new_passphrase":""}`, passphrase))
	u.call(alice, "store.change_passphrase", fmt.Sprintf(`{"passphrase":"x","new_passphrase":%q}`, passphrase))
	u.call(alice, "store.change_passphrase", fmt.Sprintf(`{"passphrase":%q,"neu":%q}`, passphrase, passphrase))
	u.call(alice, "messages.send", `{"to":"nobody","text":"meet me behind the old observatory at midnight"}`)
	u.call(alice, "network.connect", fmt.Sprintf(`{"address":%q}`, "/"+passphrase))
	for _, text := range []string{
		config("alice", aliceSecret), // locked
		config("alice", aliceSecret+`,"key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="`),
		config("new", aliceSecret)[1:], config("nowhere/new", aliceSecret), config("new", `"passphrase":["`+passphrase+`"]`),
	} {
		h, response := u.registry.Open(text)
		if h != 0 {
			u.t.Errorf("opened: %s", text)
		}
		u.quiet["answer of open"] = append(u.quiet["answer of open"], response...)
	}
}

// readFiles takes what lies in dir: stores, logs, and whatever else was left there.
func (u *secretUse) readFiles(dir string) {
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 {
		u.t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			u.t.Fatal(err)
		}
		u.quiet["file "+f.Name()] = raw
	}
	if log := string(u.quiet["file alice.log"]); !strings.Contains(log, `"stack"`) {
		u.t.Error("the panic is not in the log")
	}
}

// check looks for the secrets.
func (u *secretUse) check() {
	u.ring.mu.Lock()
	defer u.ring.mu.Unlock()
	for _, kind := range []string{
		"identity key", "phrase", "pre-key", "node key", "topic key", "session order",
		"ratchet root key", "ratchet private key", "ratchet chain key", "skipped key",
		"Noise key", "pairing opening", "pairing nonce", "pairing abort key", "pairing ephemeral key", "Noise session id", "Noise session key",
	} {
		if u.ring.kinds[kind] == 0 {
			u.t.Errorf("no %s was used", kind)
		}
	}
	for what, text := range u.public {
		if found := u.ring.sieve.find(text); len(found) > 0 {
			u.t.Errorf("%s shows %q", what, found)
		}
	}
	for what, text := range u.quiet {
		if found := append(u.ring.sieve.find(text), u.texts.find(text)...); len(found) > 0 {
			u.t.Errorf("%s shows %q", what, found)
		}
		u.t.Logf("%s: %d bytes", what, len(text))
	}
	u.t.Logf("%d pieces of keys of kinds %v", len(u.ring.sieve.keys), u.ring.kinds)
}

func field(t *testing.T, object json.RawMessage, name string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(object, &fields); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	return fmt.Sprint(fields[name])
}

func fromHex(t *testing.T, digits string) []byte {
	t.Helper()
	var raw []byte
	if _, err := fmt.Sscanf(digits, "%x", &raw); err != nil {
		t.Fatal(err)
	}
	return raw
}
