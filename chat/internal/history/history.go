// Package history keeps what was said: messages, their places in conversations, what is
// unread, the Lamport clocks of conversations, and which client_ref stands for which
// message.
//
// A conversation is not a person: everything here is keyed by a message.ConversationID,
// and only the sender of a message is a key. Today all conversations are with one person.
//
// The pipelines of package chat call the history in their transactions, with a *ledger.Tx;
// it opens transactions of its own only to answer questions and to mark messages as read.
// Delivery is not its business: the outbox reports the changes of a message's state (Sent,
// Fail, Acknowledged, Requeue).
package history

import (
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The tables of the history, their keys and the records in them (records.proto). Beside
// them each conversation has a history of the store, named by its id, which holds the
// places of its messages.
const (
	TableMessages   port.Table = "messages"    // message id -> MessageRecord
	TableChats      port.Table = "chats"       // message.ConversationID -> ChatRecord
	tableClientRefs port.Table = "client_refs" // client_ref -> ClientRefRecord
	tableClearing   port.Table = "clearing"    // message.ConversationID -> ClearingRecord
)

// Outbox answers questions about messages on their way.
type Outbox interface {
	// Sending reports whether this device still sends a message to its recipient, and how
	// it was sent and stored, as far as its record may not say it yet.
	Sending(id [32]byte) (p Progress, known bool)
	// Awaited lists the devices that a message is still being sent to, whether they have
	// acknowledged it or not.
	Awaited(id [32]byte) ([]event.MessageDevice, error)
	// Erase ends the sending of an application message of ours for good, to all; one that is
	// not being sent is fine. The caller holds the engine's lock.
	Erase(tx *ledger.Tx, id [32]byte) error
}

// Progress says how far a message has come with which the recipient has to do nothing;
// nil parts say nothing.
type Progress struct {
	Sent   *Sending
	Stored *Storing
	// Waits: it is not sent because a handshake with its recipient is pending.
	Waits bool
}

// Sending says how a message was handed to the network.
type Sending struct {
	Evidence port.Evidence
	At       time.Time
}

// Storing says which store nodes have a message, by their peer ids.
type Storing struct {
	Nodes []string
	At    time.Time
}

// People is the address book, as far as a list of chats shows it.
type People interface {
	// Stranger reports whether somebody has written to us, and is no contact and was not
	// written to.
	Stranger(key.Compact) bool
	// Name returns what somebody is called, "" if we know no name.
	Name(tx port.Tx, who key.Public) (string, error)
	// KeyExchange names what protects the messages to somebody.
	KeyExchange(who key.Public) enum.KeyExchange
}

// Options are needed to make a History; all but functions other than Now are required.
type Options struct {
	Ledger *ledger.Ledger
	Now    func() time.Time
	Outbox Outbox
	People People
	// AskFirst: chats of strangers are listed only among the requests.
	AskFirst bool
	// KeepEdits: the texts before edits are kept.
	KeepEdits bool
	// Arriving applies to a message that is about to be added what has waited for it, and
	// reports whether that has changed it. nil: nothing waits.
	Arriving func(tx *ledger.Tx, m *wire.MessageRecord) (changed bool, err error)
	// Shared reports whether there are other devices of ours, which tell what was read.
	Shared func() bool
	// Remember keeps a message that is erased from coming back, which its clock does not do.
	Remember func(tx *ledger.Tx, m *wire.MessageRecord) error
	// ClearedUpTo is called in the transaction in which a conversation is cleared up to a clock;
	// nil: nothing of it is kept elsewhere.
	ClearedUpTo func(tx *ledger.Tx, in message.ConversationID, clock uint64) error
	// Changed is called in the transaction in which the user has changed something about a
	// conversation here.
	Changed func(tx *ledger.Tx, c Change) error
}

// History is the part of the engine described above. Its methods may be called from any
// goroutine.
type History struct {
	Options
	clocks   clocks
	watchers []Watcher
	clearing clearing
}

// New makes the history of a store.
func New(o Options) *History { return &History{Options: o} }

// Load reads which conversations were being cleared. Clocks are read when they are first
// used.
func (h *History) Load(tx port.Tx) error {
	return tx.Each(tableClearing, func(name, value []byte) error {
		var rec wire.ClearingRecord
		if err := ledger.Decode(tableClearing, value, &rec); err != nil {
			return err
		}
		h.clearing.set(message.ConversationID(name), rec.GetClock())
		return nil
	})
}

// Due is now while there is something to erase.
func (h *History) Due(t *ledger.Turn) time.Time {
	if _, _, found := h.clearing.next(); found {
		return t.Now
	}
	return time.Time{}
}

// Care has nothing to look after.
func (h *History) Care(*ledger.Turn) {}
