package history

import (
	"errors"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// A message, from its clock to what programs see of it. One of ours draws its clock
// (NextClock) and claims its client_ref (ClaimRef); every message is then placed in its
// conversation (Add, AddReceived). EventOf and StateEvent show it.

// clocks are the Lamport clocks of the conversations that were used in this run.
type clocks struct {
	mu    sync.Mutex
	chats map[message.ConversationID]clock
}

// clock is the Lamport clock of one conversation, ms.
type clock struct {
	// last is the highest that was given out, seen and followed, or is in the history.
	last uint64
	// anew is the last one given out while last is too far ahead to be followed.
	anew uint64
}

const (
	// clockMargin limits how far our clocks run ahead of their envelopes: below what
	// receivers refuse (message.MaxClockAhead), with room for the time that an envelope
	// travels.
	clockMargin = message.MaxClockAhead - 10*time.Second
	// MaxFollow limits how far ahead of our own time we follow the clock of a conversation,
	// which keeps our next message after the earlier ones: a time that is wrong by an hour
	// of daylight saving, with room. Further, the clock begins anew at our time.
	MaxFollow = 2 * time.Hour
	// MaxEnvelopeAhead limits how far ahead of our own time an envelope's time counts when
	// a state is judged. Nobody signs it, and our own time may be wrong: by a time zone at
	// most, or all that comes waits until it is put right.
	MaxEnvelopeAhead = 24 * time.Hour
	// MaxTime is the largest time we hand on, ms: JSON numbers are exact up to 2^53.
	MaxTime = 1<<53 - 1
)

// Millis is a time as clocks are, ms; one before 1970 is 0.
func Millis(t time.Time) uint64 { return uint64(max(0, t.UnixMilli())) }

// followed is the latest clock that is followed at a time.
func followed(now time.Time) uint64 { return Millis(now.Add(MaxFollow)) }

// NextClock draws the clock of the next message of a conversation, ms. One that was drawn
// and not used leaves a gap, which does no harm. It may be ahead of our time: see
// EnvelopeTime.
// Spec: 62/STATUS-PAYLOADS, "Clock vs Timestamp and message ordering".
func (h *History) NextClock(in message.ConversationID, now time.Time) (uint64, error) {
	h.clocks.mu.Lock()
	defer h.clocks.mu.Unlock()
	known, err := h.clock(in)
	if err != nil {
		return 0, err
	}
	next := message.NextClock(known.last, Millis(now))
	if limit := followed(now); next > limit { // our own time was that far ahead once
		if known.anew >= limit {
			known.anew = 0
		}
		next = message.NextClock(known.anew, Millis(now))
		known.anew = next
	}
	known.last = max(known.last, next)
	h.clocks.chats[in] = known
	return next, nil
}

// clock reads the clock of a conversation that was not used in this run. clocks.mu is held.
func (h *History) clock(in message.ConversationID) (clock, error) {
	if known, ok := h.clocks.chats[in]; ok {
		return known, nil
	}
	var rec wire.ChatRecord
	if _, err := h.Ledger.Get(TableChats, in.Bytes(), &rec); err != nil {
		return clock{}, err
	}
	if h.clocks.chats == nil {
		h.clocks.chats = map[message.ConversationID]clock{}
	}
	h.clocks.chats[in] = clock{last: rec.GetClock()}
	return h.clocks.chats[in], nil
}

// Judged returns the time by which a state that came in a conversation is judged: the
// latest of our own, that of the conversation and, within bounds, that of the envelope.
// So a wrong time of ours refuses nobody, and no envelope makes a clock of any year good.
func (h *History) Judged(in message.ConversationID, envelope, now time.Time) time.Time {
	h.clocks.mu.Lock()
	defer h.clocks.mu.Unlock()
	at := now
	if limit := now.Add(MaxEnvelopeAhead); envelope.After(limit) {
		at = limit
	} else if envelope.After(at) {
		at = envelope
	}
	known, err := h.clock(in)
	if err != nil {
		return at
	}
	if chat := time.UnixMilli(int64(min(known.last, MaxTime))); chat.After(at) {
		at = chat
	}
	return at
}

// saw raises the clock of a conversation to one that is followed.
func (c *clocks) saw(in message.ConversationID, seen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.chats[in]; ok && seen > known.last {
		known.last = seen
		c.chats[in] = known
	}
}

// EnvelopeTime returns the timestamp of an envelope that carries a clock: deployed clients
// refuse a message whose clock is more than message.MaxClockAhead past its envelope. It
// differs each time, so that the network does not take an envelope that is published again
// for a copy.
func EnvelopeTime(now time.Time, clock uint64) time.Time {
	if least := time.UnixMilli(int64(min(clock, MaxTime))).Add(-clockMargin); least.After(now) {
		return least.Add(time.Duration(now.Nanosecond()))
	}
	return now
}

// placed says where a message stands in its conversation.
type placed struct {
	clock uint64 // its place: orders the conversation
	// skew is the lead of its own clock over our time, ms, if that is further ahead of us
	// and of the conversation than honest clocks are; else 0.
	skew int64
}

// place finds the place of a message by its clock, in a conversation whose newest message
// is at newest and whose Lamport clock is last. A clock too far ahead of our time places
// nothing, whatever its envelope says: the message is then the newest, as it came. So
// is one of a conversation that is ahead itself, because our own time once was. Nothing
// stays the newest for longer than message.MaxClockAhead.
func place(clock, newest, last uint64, now time.Time) (p placed) {
	own, latest := Millis(now), message.LatestClock(now)
	p.clock = clock
	if clock > latest || newest > latest {
		p.clock = max(own, message.NextClock(newest, 0))
	}
	if clock > message.LatestClock(time.UnixMilli(int64(min(max(own, last), MaxTime)))) {
		p.skew = int64(min(clock-own, MaxTime))
	}
	return p
}

// Add stores a new message, whose clock is its Lamport clock, and places it in its
// conversation.
func (h *History) Add(tx *ledger.Tx, m *wire.MessageRecord) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	_, err = h.AddEncoded(tx, m, b)
	return err
}

// AddEncoded is Add for a message that is encoded already, as b. It reports whether the
// message was changed: its place is another one than its Lamport clock says, which is its
// clock then, another device has read up to there, or something that waited for it was
// applied.
func (h *History) AddEncoded(tx *ledger.Tx, m *wire.MessageRecord, b []byte) (changed bool, err error) {
	chat, err := h.Chat(tx, m.GetChat())
	if err != nil {
		return false, err
	}
	lamport, now := m.GetClock(), h.Now()
	at := place(lamport, max(chat.GetLastMessageClock(), chat.GetClearedClock()), chat.GetClock(), now)
	if lamport <= chat.GetClearedClock() { // of ours: the chat was cleared since it drew its clock
		at.clock = max(at.clock, message.NextClock(chat.GetClock(), 0))
	}
	read := !m.GetRead() && h.isRead(chat, port.Position{Clock: at.clock, ID: [32]byte(m.GetId())})
	if changed = read || at != (placed{clock: lamport}); changed {
		m.Clock, m.Read = at.clock, m.GetRead() || read
		if !m.GetOutgoing() {
			m.ClockSkew = at.skew
		}
	}
	acted, err := h.arriving(tx, m)
	if err != nil {
		return false, err
	}
	if changed = changed || acted; changed {
		if b, err = proto.Marshal(m); err != nil {
			return changed, err
		}
	}
	if lamport <= followed(now) {
		chat.Clock = max(chat.GetClock(), lamport)
	}
	if err := tx.Put(TableMessages, m.GetId(), b); err != nil {
		return changed, err
	}
	if err := placeIn(tx, chat, m); err != nil {
		return changed, err
	}
	return changed, h.watch(tx, nil, m)
}

// AddReceived is AddEncoded for a message that came in with a Lamport clock: our next
// message in its conversation comes after it.
func (h *History) AddReceived(tx *ledger.Tx, m *wire.MessageRecord, b []byte, lamport uint64) (changed bool, err error) {
	if changed, err = h.AddEncoded(tx, m, b); err != nil {
		return changed, err
	}
	seen := m.GetClock()
	if lamport <= followed(h.Now()) {
		seen = max(seen, lamport)
	}
	in := message.ConversationID(m.GetChat())
	tx.After(func() { h.clocks.saw(in, seen) })
	return changed, nil
}

// placeIn places a message in its conversation by (clock, id), and brings the record of
// that up to date.
func placeIn(tx *ledger.Tx, chat *wire.ChatRecord, m *wire.MessageRecord) error {
	if _, err := tx.Insert(m.GetChat(), port.Position{Clock: m.GetClock(), ID: [32]byte(m.GetId())}); err != nil {
		return err
	}
	chat.Clock = max(chat.GetClock(), m.GetClock())
	if m.GetClock() >= chat.GetLastMessageClock() || len(chat.GetLastMessageId()) == 0 {
		chat.LastMessageClock, chat.LastMessageId = m.GetClock(), m.GetId()
	}
	unread, mentions := weight(m)
	chat.Unread, chat.Mentions = chat.GetUnread()+unread, chat.GetMentions()+mentions
	return nil
}

// chatsOf is the key of ledger.Local for the records of the conversations that a
// transaction changes.
type chatsOf struct{}

// Chat returns the record of a conversation, to be changed: it is written once, at the
// end of the transaction, however many messages are added to it.
func (h *History) Chat(tx *ledger.Tx, conversation []byte) (*wire.ChatRecord, error) {
	chats, first := ledger.Local[map[string]*wire.ChatRecord](tx, chatsOf{})
	if first {
		*chats = map[string]*wire.ChatRecord{}
		tx.AtEnd(func() error {
			for _, rec := range *chats {
				if err := ledger.Put(tx, TableChats, rec.GetKey(), rec); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if rec := (*chats)[string(conversation)]; rec != nil {
		return rec, nil
	}
	rec := &wire.ChatRecord{}
	if _, err := ledger.Get(tx, TableChats, conversation, rec); err != nil {
		return nil, err
	}
	rec.Key = conversation
	(*chats)[string(conversation)] = rec
	return rec, nil
}

// A client_ref makes a repeated call of messages.send return the message of the first:
// the caller may not have had its answer.

// ErrRefTaken is the error for a client_ref that another call has used meanwhile.
var ErrRefTaken = errors.New("history: client_ref taken")

// ClaimRef notes that a client_ref stands for a message to somebody, with a content: see ByRef.
// After ErrRefTaken it has written nothing.
func (h *History) ClaimRef(tx *ledger.Tx, m *wire.MessageRecord, to key.Public, content string) error {
	ref := []byte(m.GetClientRef())
	old, err := tx.Get(tableClientRefs, ref)
	if err != nil {
		return err
	}
	if old != nil {
		return ErrRefTaken
	}
	return ledger.Put(tx, tableClientRefs, ref, &wire.ClientRefRecord{
		MessageId: m.GetId(), Request: requestDigest(to, content),
	})
}

// ByRef returns the message that a client_ref stands for. CodeClientRefReused if it was
// used for another content, all that a request says, or another person.
func (h *History) ByRef(ref string, to key.Public, content string) (m event.Message, found bool, err error) {
	if ref == "" {
		return m, false, nil
	}
	var rec wire.ClientRefRecord
	if found, err = h.Ledger.Get(tableClientRefs, []byte(ref), &rec); err != nil || !found {
		return m, false, err
	}
	if string(rec.GetRequest()) != string(requestDigest(to, content)) {
		return m, false, port.Errorf(port.CodeClientRefReused, "client_ref", "client_ref was used for another message")
	}
	m, err = h.Message([32]byte(rec.GetMessageId()))
	if rec.GetGone() || port.CodeOf(err) == port.CodeNotFound {
		return m, false, port.Errorf(port.CodeClientRefReused, "client_ref", "client_ref was used for a message that is gone")
	}
	return m, true, err
}

func requestDigest(to key.Public, content string) []byte {
	return key.Keccak256(to.Uncompressed(), []byte(content))
}

// EventOf is a stored message as programs see it.
func EventOf(r *wire.MessageRecord) event.Message {
	m := event.Message{
		ID: event.Hex(r.GetId()), ChatID: chatHex(r.GetChat()), From: KeyHex(r.GetFrom()), Outgoing: r.GetOutgoing(),
		Kind: enum.MessageKind(r.GetKind()), Text: r.GetText(), Clock: r.GetClock(), SentAt: r.GetSentAt(), ReceivedAt: r.GetReceivedAt(),
		State: enum.DeliveryState(r.GetState()), Failure: enum.MessageFailure(r.GetFailure()), ClientRef: r.GetClientRef(), SenderName: r.GetSenderName(),
		ApplicationType: r.GetApplicationType(), Read: r.GetRead(), ClockSkew: r.GetClockSkew(), Request: r.GetRequest(),
		BeforeDevice: r.GetBeforeDevice(), Evidence: evidenceOf(r), Devices: devicesOf(r), Waiting: waitingOf(r),
		ExpiresAt: r.GetExpiresAt(),
	}
	showActions(&m, r)
	showContent(&m, r)
	showAttachments(&m, r)
	return m
}

// waitingOf says what a queued message waits for, if it is not the network.
func waitingOf(r *wire.MessageRecord) enum.MessageWaiting {
	if r.GetWaitsForPeer() && StateOf(r) == Queued {
		return enum.WaitingForPeer
	}
	return ""
}

// StateEvent returns the event for the state of a stored message.
func StateEvent(r *wire.MessageRecord) event.MessageState {
	return event.MessageState{
		MessageID: event.Hex(r.GetId()), ChatID: chatHex(r.GetChat()), ClientRef: r.GetClientRef(),
		State: enum.DeliveryState(r.GetState()), Evidence: evidenceOf(r), Failure: enum.MessageFailure(r.GetFailure()), Waiting: waitingOf(r),
	}
}

func evidenceOf(r *wire.MessageRecord) *event.Evidence {
	if r.GetEvidenceKind() == "" {
		return nil
	}
	return &event.Evidence{
		Kind: enum.EvidenceKind(r.GetEvidenceKind()), Peers: int(r.GetEvidencePeers()), Nodes: r.GetEvidenceNodes(),
		Installation: r.GetEvidenceInstallation(), At: r.GetEvidenceAt(),
	}
}

func devicesOf(r *wire.MessageRecord) []event.MessageDevice {
	var list []event.MessageDevice
	for _, d := range r.GetDevices() {
		list = append(list, event.MessageDevice{Installation: d.GetInstallationId(), Own: d.GetOwn(), AcknowledgedAt: d.GetAt()})
	}
	return list
}

// KeyHex is a stored compressed key as programs see it: the whole key. "" for what is no
// key. Finding the other coordinate costs a square root, and a page names the same two
// people again and again, so the last ones are kept.
func KeyHex(compressed []byte) string {
	if len(compressed) != key.CompressedSize {
		return ""
	}
	name := key.Compact(compressed)
	if s, ok := hexForms.Get(name); ok {
		return s
	}
	p, err := key.ParsePublic(compressed)
	if err != nil {
		return ""
	}
	hexForms.Add(name, p.Hex())
	return p.Hex()
}

// chatHex is the id of a stored conversation as programs see it: the key of its person.
func chatHex(conversation []byte) string {
	k, ok := message.ConversationID(conversation).Person()
	if !ok {
		return ""
	}
	return KeyHex(k[:])
}

// hexForms holds public keys and nothing that depends on a client.
var hexForms, _ = lru.New[key.Compact, string](hexFormsKept)

// hexFormsKept is for the people of some pages of chats; each has some 200 bytes.
const hexFormsKept = 512
