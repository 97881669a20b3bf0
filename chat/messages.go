package chat

import (
	"encoding/hex"
	"fmt"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Kinds and states of messages, as event.Message names them.
const (
	kindText           = "text"
	kindContactRequest = "contact_request"
	kindUnsupported    = "unsupported"

	stateQueued    = "queued"    // stored, not published yet
	stateSent      = "sent"      // handed to the network
	stateDelivered = "delivered" // a device of the recipient has acknowledged it
	stateFailed    = "failed"    // given up
	stateReceived  = "received"  // of incoming messages
)

// rank orders the states of outgoing messages: they only climb.
var rank = map[string]int{stateQueued: 0, stateSent: 1, stateFailed: 2, stateDelivered: 3}

func hexOf(b []byte) string { return "0x" + hex.EncodeToString(b) }

// keyHex is a stored compressed key as people see it. Finding the other
// coordinate costs a square root, and a page names the same two people again and
// again, so the last ones are kept.
func keyHex(compressed []byte) string {
	if len(compressed) != key.CompressedSize {
		return ""
	}
	name := [key.CompressedSize]byte(compressed)
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

// chatHex is the id of a stored conversation as people see it: the key of the person.
func chatHex(conversation []byte) string {
	k, _ := message.ConversationID(conversation).Person()
	return keyHex(k[:])
}

// hexForms holds public keys and nothing that depends on a client.
var hexForms, _ = lru.New[[key.CompressedSize]byte, string](512)

func messageOf(r *wire.MessageRecord) event.Message {
	m := event.Message{
		ID: hexOf(r.GetId()), ChatID: chatHex(r.GetChat()), From: keyHex(r.GetFrom()), Outgoing: r.GetOutgoing(),
		Kind: r.GetKind(), Text: r.GetText(), Clock: r.GetClock(), SentAt: r.GetSentAt(), ReceivedAt: r.GetReceivedAt(),
		State: r.GetState(), Failure: r.GetFailure(), ClientRef: r.GetClientRef(), SenderName: r.GetSenderName(),
		ApplicationType: r.GetApplicationType(), Read: r.GetRead(), ClockSkew: r.GetClockSkew(), Request: r.GetRequest(),
		BeforeDevice: r.GetBeforeDevice(),
	}
	m.Evidence = evidenceOf(r)
	m.Devices = devicesOf(r)
	return m
}

func evidenceOf(r *wire.MessageRecord) *event.Evidence {
	if r.GetEvidenceKind() == "" {
		return nil
	}
	return &event.Evidence{
		Kind: r.GetEvidenceKind(), Peers: int(r.GetEvidencePeers()),
		Installation: r.GetEvidenceInstallation(), At: r.GetEvidenceAt(),
	}
}

func stateEvent(r *wire.MessageRecord) event.MessageState {
	return event.MessageState{
		MessageID: hexOf(r.GetId()), ChatID: chatHex(r.GetChat()), ClientRef: r.GetClientRef(),
		State: r.GetState(), Evidence: evidenceOf(r), Failure: r.GetFailure(),
	}
}

// climb moves a message to a higher state and emits it; a lower or the same one
// changes nothing.
func (t *txn) climb(id [32]byte, state string, change func(*wire.MessageRecord)) error {
	var rec wire.MessageRecord
	found, err := get(t, tableMessages, id[:], &rec)
	if err != nil || !found {
		return err
	}
	if t.c.outbox.sentState(&rec); rank[state] <= rank[rec.GetState()] {
		return nil
	}
	rec.State = state
	change(&rec)
	if err := put(t, tableMessages, id[:], &rec); err != nil {
		return err
	}
	return t.emit(stateEvent(&rec))
}

// addToHistory stores a new message, whose clock is its Lamport clock, and places it in
// its chat.
func (t *txn) addToHistory(m *wire.MessageRecord) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	_, err = t.addEncoded(m, b)
	return err
}

// addEncoded is addToHistory for a message that is encoded already, as b. It reports
// whether its place is another one than its Lamport clock says: then that is its clock.
func (t *txn) addEncoded(m *wire.MessageRecord, b []byte) (moved bool, err error) {
	chat, err := t.chat(m.GetChat())
	if err != nil {
		return false, err
	}
	lamport, now := m.GetClock(), t.c.now()
	at := place(lamport, chat.GetLastMessageClock(), chat.GetClock(), now)
	if moved = at != (placed{clock: lamport}); moved {
		m.Clock = at.clock
		if !m.GetOutgoing() {
			m.ClockSkew = at.skew
		}
		if b, err = proto.Marshal(m); err != nil {
			return moved, err
		}
	}
	if lamport <= millis(now.Add(maxFollow)) {
		chat.Clock = max(chat.GetClock(), lamport)
	}
	if err := t.Put(tableMessages, m.GetId(), b); err != nil {
		return moved, err
	}
	return moved, t.placeInHistory(chat, m)
}

// placeInHistory places a message in its chat by (clock, id), and brings the chat up
// to date.
func (t *txn) placeInHistory(rec *wire.ChatRecord, m *wire.MessageRecord) error {
	if _, err := t.Insert(m.GetChat(), Position{Clock: m.GetClock(), ID: [32]byte(m.GetId())}); err != nil {
		return err
	}
	rec.Clock = max(rec.GetClock(), m.GetClock())
	if m.GetClock() >= rec.GetLastMessageClock() {
		rec.LastMessageClock, rec.LastMessageId = m.GetClock(), m.GetId()
	}
	if !m.GetRead() {
		rec.Unread++
	}
	return nil
}

// chat is the record of a chat, to be changed: it is written with the transaction.
func (t *txn) chat(name []byte) (*wire.ChatRecord, error) {
	if rec := t.chats[string(name)]; rec != nil {
		return rec, nil
	}
	rec := &wire.ChatRecord{}
	if _, err := get(t, tableChats, name, rec); err != nil {
		return nil, err
	}
	rec.Key = name
	if t.chats == nil {
		t.chats = map[string]*wire.ChatRecord{}
	}
	t.chats[string(name)] = rec
	return rec, nil
}

func (t *txn) putChats() error {
	for _, rec := range t.chats {
		if err := put(t, tableChats, rec.GetKey(), rec); err != nil {
			return err
		}
	}
	return nil
}

// Message is one message by its id.
func (c *Client) Message(id [32]byte) (event.Message, error) {
	if _, err := c.account(); err != nil {
		return event.Message{}, err
	}
	var rec wire.MessageRecord
	found, err := c.record(tableMessages, id[:], &rec)
	if err != nil {
		return event.Message{}, err
	}
	if !found {
		return event.Message{}, Errorf(CodeNotFound, "message_id", "there is no message with this id")
	}
	if err := c.sentStates(&rec); err != nil {
		return event.Message{}, err
	}
	m := messageOf(&rec)
	return m, c.awaitedDevices(&rec, &m)
}

// Messages lists a chat, newest first by (clock, id). A chat nobody wrote in is
// empty.
func (c *Client) Messages(chat key.Public, p PageRequest) (Page[event.Message], error) {
	var page Page[event.Message]
	if _, err := c.account(); err != nil {
		return page, err
	}
	limit, err := p.limit()
	if err != nil {
		return page, err
	}
	before, err := parsePosition(p.Cursor)
	if err != nil {
		return page, err
	}
	page.Items = []event.Message{}
	var records []*wire.MessageRecord
	err = c.store.View(func(tx Tx) error {
		positions, err := tx.Page(message.ConversationWith(chat).Bytes(), before, limit+1)
		if err != nil {
			return err
		}
		if len(positions) > limit {
			positions = positions[:limit]
			page.Next = positionCursor(positions[limit-1])
		}
		for _, at := range positions {
			rec := &wire.MessageRecord{}
			found, err := get(tx, tableMessages, at.ID[:], rec)
			if err != nil {
				return err
			}
			if !found {
				return Errorf(CodeStoreCorrupt, "", "a message of the history is missing")
			}
			records = append(records, rec)
		}
		return nil
	})
	if err == nil {
		err = c.sentStates(records...)
	}
	if err != nil {
		return Page[event.Message]{}, err
	}
	for _, rec := range records {
		page.Items = append(page.Items, messageOf(rec))
	}
	return page, nil
}

// limit is how many items a page may have.
func (p PageRequest) limit() (int, error) {
	switch {
	case p.Limit == 0:
		return DefaultPage, nil
	case p.Limit < 1 || p.Limit > MaxPage:
		return 0, Errorf(CodeBadParams, "limit", "limit must be 1 to %d", MaxPage).With("max", MaxPage)
	}
	return p.Limit, nil
}

// Cursors of histories are the position of the last item: "<clock>-<id>".
func positionCursor(p Position) string { return fmt.Sprintf("%d-%x", p.Clock, p.ID) }

func parsePosition(cursor string) (*Position, error) {
	if cursor == "" {
		return nil, nil
	}
	var p Position
	bad := badCursor()
	clock, id, ok := strings.Cut(cursor, "-")
	if !ok || len(id) != hex.EncodedLen(len(p.ID)) {
		return nil, bad
	}
	if _, err := hex.Decode(p.ID[:], []byte(id)); err != nil {
		return nil, bad
	}
	if _, err := fmt.Sscanf(clock, "%d", &p.Clock); err != nil || fmt.Sprint(p.Clock) != clock {
		return nil, bad
	}
	return &p, nil
}

func badCursor() *Error { return Errorf(CodeBadCursor, "cursor", "this is no cursor of this list") }
