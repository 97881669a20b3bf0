package chat_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"libstatus1to1/chat"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// The fields of stored records that can have any length, and their bounds. Whoever adds a
// list to a record has to say so here.
var bounded = map[protoreflect.FullName]string{
	"status1to1.record.NoisePeerRecord.devices":       "noisepeer.MaxDevices",
	"status1to1.record.NoiseDeviceRecord.secrets":     "one of each noisepeer.SecretKind",
	"status1to1.record.NoiseDeviceRecord.sessions":    "noisesession.MaxPerDevice",
	"status1to1.record.PeerRecord.installations":      "session.MaxKnownInstallations",
	"status1to1.record.InstallationRecord.listing":    "session.MaxKnownInstallations: only known ones are noted",
	"status1to1.record.PeerRecord.sessions":           "session.MaxSessions with each known installation, and as many with all others",
	"status1to1.record.KeptListRecord.entries":        "kept.MaxMessages",
	"status1to1.record.MessageRecord.mentions":        "message.MaxMentions",
	"status1to1.record.MessageRecord.previews":        "message.MaxPreviews of each of two sorts",
	"status1to1.record.MessageRecord.attachments":     "one: attachments.Describe; archive.maxAttachments",
	"status1to1.record.AlbumRecord.messages":          "attachments.MaxAlbum",
	"status1to1.record.MessageRecord.devices":         "maxDevicesNoted: twice session.MaxKnownInstallations",
	"status1to1.record.MessageRecord.earlier":         "message.MaxEarlier, and MaxEarlierBytes of text",
	"status1to1.record.MessageRecord.reactions":       "message.MaxReactionsEach for each of the two",
	"status1to1.record.WaitingRecord.actions":         "actions.MaxEach",
	"status1to1.record.OutboxRecord.acknowledged_by":  "session.MaxKnownInstallations: only known ones are counted",
	"status1to1.record.AttemptRecord.mvds_ids":        "only in stores of version 2: maxBatchMessages",
	"status1to1.record.AttemptRecord.rows":            "maxBatchMessages: messages of ours",
	"status1to1.record.AttemptRecord.hashes":          "segment.MaxSegments, of a message of ours",
	"status1to1.record.AttemptRecord.stored_nodes":    "confirm.maxNodes",
	"status1to1.record.MessageRecord.evidence_nodes":  "confirm.maxNodes",
	"status1to1.record.CatchUpRecord.pubsub_topics":   "waku.maxShards: those of the configuration",
	"status1to1.record.AcksRecord.mvds_ids":           "maxPendingAcks, of strangers and blocked people maxPendingAcksUnwelcome",
	"status1to1.record.AgreedRecord.messages":         "those that tell of one subject: a few",
	"status1to1.record.SeenRecord.mvds_ids":           "maxSyncMessages",
	"status1to1.record.SearchSegmentsRecord.segments": "by the messages: all but 14 have 16,384 of them, or as many terms as fit into maxBlocks",
	"status1to1.record.SearchRootRecord.terms":        "maxBlocks of a segment",
	"status1to1.record.SearchRootRecord.clocks":       "maxDocuments of a segment, a hundredth",
}

// TestRecordsAreBounded: every list in a stored record has a bound that is known.
func TestRecordsAreBounded(t *testing.T) {
	found := map[protoreflect.FullName]bool{}
	var walk func(messages protoreflect.MessageDescriptors)
	walk = func(messages protoreflect.MessageDescriptors) {
		for i := range messages.Len() {
			walk(messages.Get(i).Messages())
			fields := messages.Get(i).Fields()
			for j := range fields.Len() {
				if f := fields.Get(j); f.IsList() || f.IsMap() {
					found[f.FullName()] = true
					if bounded[f.FullName()] == "" {
						t.Errorf("nothing is said of what bounds %s", f.FullName())
					}
				}
			}
		}
	}
	walk(wire.File_chat_wire_records_proto.Messages())
	for name := range bounded {
		if !found[name] {
			t.Errorf("there is no list %s", name)
		}
	}
}

// acknowledgement is one by an installation that no bundle names.
func (m *mallory) acknowledgement(installation string, ids ...[32]byte) chat.Envelope {
	m.t.Helper()
	ephemeral, sealed, err := x3dh.SealDH(rand.Reader, m.victim, m.sync(datasync.Payload{Acks: ids}))
	if err != nil {
		m.t.Fatal(err)
	}
	return m.envelope(marshalled(m.t, &wire.ProtocolMessage{
		InstallationId: installation,
		EncryptedMessage: map[string]*wire.EncryptedMessageProtocol{
			session.NoInstallation: {DHHeader: &wire.DHHeader{Key: ephemeral.Compressed()}, Payload: sealed},
		},
	}))
}

// TestHostileAcknowledgements: a contact acknowledges a message of ours in the names of
// hundreds of installations that nobody knows. The message is delivered; its row does
// not grow, and neither does the work for one more, even where an earlier version has
// let a row grow.
func TestHostileAcknowledgements(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 100
	}
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	if _, err := b.victim.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("hi")}}), nil)))
	eventually(t, "her first message", func() bool { c, err := b.victim.Chat(m.public); return err == nil && c.Messages == 1 })
	sent, err := b.victim.Send(t.Context(), chat.SendRequest{To: m.public, Text: "a message to her"})
	if err != nil {
		t.Fatal(err)
	}
	row := func() (name []byte, rec *wire.OutboxRecord) {
		for key, v := range records(t, b.store, "#outbox") {
			r := &wire.OutboxRecord{}
			if err := proto.Unmarshal(v, r); err != nil {
				t.Fatal(err)
			}
			if string(r.GetPeer()) == string(m.public.Compressed()) {
				name, rec = []byte(key), r
			}
		}
		return name, rec
	}
	_, rec := row()
	if rec == nil {
		t.Fatal("there is no row")
	}
	mvds := [32]byte(rec.GetMvdsId())
	flood := func(prefix string) cost {
		return measure(func() {
			deliver(t, b.net, b.victim, func(i int) chat.Envelope { return m.acknowledgement(fmt.Sprintf("%s%060d", prefix, i), mvds, mvds) }, n)
			b.honest(t)
		})
	}
	before := flood("a")
	name, rec := row()
	if rec == nil {
		t.Fatal("a device that nobody knows took the message off the outbox")
	}
	if got := len(rec.GetAcknowledgedBy()); got > session.MaxKnownInstallations {
		t.Errorf("the row counts %d devices", got)
	}
	b.victim.delivered(sent.ID)
	if got, err := b.victim.Message(mustID(t, sent.ID)); err != nil || len(got.Devices) > 2*session.MaxKnownInstallations+1 {
		t.Errorf("the message has %d devices, %v", len(got.Devices), err)
	}

	for i := range 100_000 {
		rec.AcknowledgedBy = append(rec.AcknowledgedBy, fmt.Sprintf("%064d", i))
	}
	if err := b.store.Update(func(tx chat.Tx) error { return tx.Put("#outbox", name, marshalled(t, rec)) }); err != nil {
		t.Fatal(err)
	}
	after := flood("b")
	t.Logf("an acknowledgement allocates %d bytes, with a row that has grown before %d", before.total/uint64(n), after.total/uint64(n))
	if after.total > 2*before.total+(64<<20) { // reading the row once takes 20 MB
		t.Errorf("%d acknowledgements allocate %d bytes, where the row was small %d", n, after.total, before.total)
	}
	// The device that is known ends it.
	b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Acks: [][32]byte{mvds}}), nil)))
	eventually(t, "the row to go", func() bool { _, rec := row(); return rec == nil })
}
