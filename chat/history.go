package chat

import (
	"cmp"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The calls about conversations, and the answers that the history needs from the rest of
// the engine. The history itself is in internal/history.

// Message is one message by its id.
func (c *Client) Message(id [32]byte) (event.Message, error) {
	if _, err := c.account(); err != nil {
		return event.Message{}, err
	}
	return c.history.Message(id)
}

// Messages lists a chat, newest first by (clock, id). A chat nobody wrote in is
// empty.
func (c *Client) Messages(chat key.Public, p PageRequest) (Page[event.Message], error) {
	if _, err := c.account(); err != nil {
		return Page[event.Message]{}, err
	}
	return c.history.Messages(message.ConversationWith(chat), p)
}

func (c *Client) newHistory() *history.History {
	return history.New(history.Options{
		Ledger: c.ledger, Now: c.now, Outbox: onTheWay{c}, People: inChats{c}, AskFirst: c.settings.Strangers == StrangersRequest, Shared: c.hasOtherDevices, Remember: c.rememberErased,
		KeepEdits: c.settings.KeepEdits, Arriving: c.arriving, Changed: c.chatChanged,
		ClearedUpTo: func(tx *ledger.Tx, in message.ConversationID, clock uint64) error {
			return c.actions.ForgetUpTo(tx, in, clock)
		},
	})
}

// hasOtherDevices reports whether our identity has other devices that are not disabled.
func (c *Client) hasOtherDevices() bool {
	a := c.self.Load()
	return a != nil && len(a.others) > 0
}

// onTheWay answers the history's questions about messages that are being sent.
type onTheWay struct{ c *Client }

func (o onTheWay) Sending(id [32]byte) (history.Progress, bool) {
	sent, stored, waits, known := o.c.outbox.SentState(id)
	p := progress(sent, stored)
	p.Waits = waits
	return p, known
}

func (o onTheWay) Erase(tx *ledger.Tx, id [32]byte) error { return o.c.outbox.Erase(tx, id) }

// progress gives the history what the outbox says about a message.
func progress(sent *outbox.Sent, stored *outbox.Stored) (p history.Progress) {
	if sent != nil {
		p.Sent = &history.Sending{Evidence: sent.Evidence, At: sent.At}
	}
	if stored != nil {
		p.Stored = &history.Storing{Nodes: stored.Nodes, At: stored.At}
	}
	return p
}

func (o onTheWay) Awaited(id [32]byte) ([]event.MessageDevice, error) {
	var list []event.MessageDevice
	for _, peer := range o.c.outbox.RecipientsOf(id) {
		p, err := o.c.readPeer(peer)
		if err != nil {
			return nil, err
		}
		own := o.c.isSelf(peer.Compact())
		for _, in := range p.Active() {
			list = append(list, event.MessageDevice{Installation: in.ID, Own: own})
		}
	}
	return list, nil
}

// inChats answers the history's questions about people.
type inChats struct{ c *Client }

func (i inChats) Stranger(who key.Compact) bool {
	s, known := i.c.people.contacts.of(who)
	return known && s.stranger()
}

func (i inChats) KeyExchange(who key.Public) KeyExchange {
	s, _ := i.c.people.contacts.get(who)
	return s.exchange.name()
}

func (i inChats) Name(tx Tx, who key.Public) (string, error) {
	var rec wire.ContactRecord
	_, err := ledger.Get(tx, tableContacts, who.Compressed(), &rec)
	return cmp.Or(rec.GetName(), rec.GetDisplayName()), err
}
