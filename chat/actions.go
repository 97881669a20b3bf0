package chat

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/actions"
	"libstatus1to1/chat/internal/attachments"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The calls for a message that is there: edit it, delete it, react to it, pin it. Each is
// applied here as on all other devices (receive_actions.go), and goes to the other person and
// to our own devices by MVDS. Deployed clients send reactions once and bare; received ones are
// taken either way.

// maxEmoji bounds the different emoji under a message at a time: the deployed limit.
const maxEmoji = 20

// newActions makes the part that keeps actions until their message comes.
func (c *Client) newActions() *actions.Actions {
	return actions.New(actions.Options{
		Ledger: c.ledger, Now: c.now, Log: c.log,
		Stranger: func(in message.ConversationID) bool {
			k, ok := in.Person()
			s, _ := c.people.contacts.of(k)
			return ok && !c.isSelf(k) && !s.familiar()
		},
		Self: func() message.ConversationID {
			a := c.self.Load()
			if a == nil {
				return ""
			}
			return message.ConversationWith(a.public)
		},
	})
}

// doing is an action of ours that is being made.
type doing struct {
	a   *account
	rec *wire.MessageRecord // the message
	to  key.Public          // the other person of its chat
	now time.Time
}

// make makes the application message of an action on a message: nil, if there is nothing to be
// done. after is a clock that the action must be later than.
type maker func(d doing) (typ wire.ApplicationMetadataMessage_Type, m func(message.ActionParams) proto.Message, after uint64, err error)

// act makes an action on a message, applies it and has it sent. It returns the message as it
// is then.
func (c *Client) act(ctx context.Context, id [32]byte, make maker) (event.Message, error) {
	if err := ctx.Err(); err != nil {
		return event.Message{}, Errorf(CodeTimeout, "", "the deadline has passed").Because(err)
	}
	err := c.exclusive(func(*ledger.Turn) error { // what is replaced leaves the outbox
		d, err := c.target(id)
		if err != nil {
			return err
		}
		if s, _ := c.people.contacts.get(d.to); s.blocked {
			return Errorf(CodeBlocked, "message_id", "the other person of the chat is blocked")
		}
		typ, m, after, err := make(d)
		if err != nil || m == nil {
			return err
		}
		return c.perform(d, typ, m, after)
	})
	if err != nil {
		return event.Message{}, err
	}
	c.kick()
	return c.history.Message(id)
}

// target finds the message of an action.
func (c *Client) target(id [32]byte) (d doing, err error) {
	if d.a, err = c.account(); err != nil {
		return d, err
	}
	found := false
	err = c.ledger.View(func(tx Tx) (err error) { d.rec, found, err = c.history.Record(tx, id); return err })
	if err != nil {
		return d, err
	}
	if !found {
		return d, Errorf(CodeNotFound, "message_id", "there is no message with this id")
	}
	d.now = c.now()
	if d.to, err = message.ConversationID(d.rec.GetChat()).Public(); err != nil {
		err = Errorf(CodeStoreCorrupt, "", "the chat of a message does not read back")
	}
	return d, err
}

// perform signs an action and stores what it does and what is sent.
func (c *Client) perform(d doing, typ wire.ApplicationMetadataMessage_Type, m func(message.ActionParams) proto.Message, after uint64) error {
	in := message.ConversationWith(d.to)
	clock, err := c.history.NextClock(in, d.now)
	if err != nil {
		return err
	}
	clock = max(clock, message.NextClock(after, 0))
	said := m(message.ActionParams{Target: [32]byte(d.rec.GetId()), ChatID: d.to.Hex(), Clock: clock})
	out, err := c.sign(d.a, d.to, typ, said, clock, d.now)
	if err != nil {
		return err
	}
	payload, err := message.Encode(said)
	if err != nil {
		return err
	}
	x, err := c.readAction(d.a.public, d.a.public, typ, payload)
	if err != nil {
		return err
	}
	x.id, x.at = [32]byte(out.row.GetMessageId()), d.now.UnixMilli()
	return c.update(func(t *txn) error {
		if err := t.act(x); err != nil {
			return err
		}
		if err := t.enqueue(out); err != nil {
			return err
		}
		if err := t.toOwnDevices(out.row); err != nil {
			return err
		}
		return t.wroteTo(d.to)
	})
}

// notDeleted returns the error of an action on a message that is deleted.
func (d doing) notDeleted() error {
	if d.rec.GetDeletion() != nil {
		return Errorf(CodeWrongState, "message_id", "the message is deleted").With("state", "deleted")
	}
	return nil
}

// own returns the error of an action that only the author of a message may do, and only to
// some kinds.
func (d doing) own(what string, kinds ...string) error {
	if !d.rec.GetOutgoing() {
		return wrongMessageState(d.rec, "only its author may "+what)
	}
	if !slices.Contains(kinds, d.rec.GetKind()) {
		return Errorf(CodeWrongState, "message_id", "a message of this kind cannot be changed like that").
			With("state", d.rec.GetState()).With("kind", d.rec.GetKind())
	}
	return nil
}

// EditMessage replaces the text of a message of ours, for both people. Previews of links stay
// as far as the links do.
func (c *Client) EditMessage(ctx context.Context, id [32]byte, text string) (event.Message, error) {
	if err := validateText(text); err != nil {
		return event.Message{}, err
	}
	var ids [][32]byte // the pictures of an album have one text; the one that was named is last
	err := c.ledger.View(func(tx Tx) error {
		rec, found, err := c.history.Record(tx, id)
		if err == nil && found {
			ids, err = attachments.Album(tx, rec)
		}
		return err
	})
	for _, other := range ids {
		if err == nil && other != id {
			if _, err = c.editOne(ctx, other, text); CodeOf(err) == CodeWrongState {
				err = nil // it is deleted; or none is ours, which the named one shows
			}
		}
	}
	if err != nil {
		return event.Message{}, err
	}
	return c.editOne(ctx, id, text)
}

// editOne replaces the text of one message.
func (c *Client) editOne(ctx context.Context, id [32]byte, text string) (event.Message, error) {
	return c.act(ctx, id, func(d doing) (typ wire.ApplicationMetadataMessage_Type, m func(message.ActionParams) proto.Message, after uint64, err error) {
		err = d.own("edit it", message.KindText, message.KindEmoji, message.KindStatus, message.KindImage)
		if err == nil {
			err = d.notDeleted()
		}
		if err != nil || d.rec.GetText() == text {
			return typ, nil, 0, err
		}
		return wire.ApplicationMetadataMessage_EDIT_MESSAGE, func(p message.ActionParams) proto.Message {
			return message.NewEdit(p, text, d.rec.GetKind(), d.rec.GetPreviews())
		}, d.rec.GetEdit().GetClock(), nil
	})
}

// DeleteMessage deletes a message: for everyone, which only its author may, or for ourselves,
// on all our devices. Nothing brings it back.
func (c *Client) DeleteMessage(ctx context.Context, id [32]byte, forEveryone bool) (event.Message, error) {
	if !forEveryone {
		return c.deleteMessageForMe(ctx, id)
	}
	return c.act(ctx, id, func(d doing) (typ wire.ApplicationMetadataMessage_Type, m func(message.ActionParams) proto.Message, after uint64, err error) {
		err = d.own("delete it for everyone",
			message.KindText, message.KindEmoji, message.KindStatus, message.KindSticker, message.KindImage, message.KindAudio)
		if err != nil || d.rec.GetDeletion().GetForEveryone() {
			return typ, nil, 0, err
		}
		return wire.ApplicationMetadataMessage_DELETE_MESSAGE, func(p message.ActionParams) proto.Message {
			return message.NewDelete(p)
		}, d.rec.GetEdit().GetClock(), nil
	})
}

// deleteMessageForMe deletes a message for ourselves. One of ours is still for the other person:
// what they do not have yet of it and its edit stays in the outbox until they do, or until it
// has failed, and goes then with its row.
func (c *Client) deleteMessageForMe(ctx context.Context, id [32]byte) (event.Message, error) {
	if err := ctx.Err(); err != nil {
		return event.Message{}, Errorf(CodeTimeout, "", "the deadline has passed").Because(err)
	}
	err := c.exclusive(func(*ledger.Turn) error {
		d, err := c.target(id)
		if err != nil || d.rec.GetDeletion() != nil {
			return err
		}
		clock, err := c.history.NextClock(message.ConversationWith(d.a.public), d.now)
		if err != nil {
			return err
		}
		out, err := c.sign(d.a, d.a.public, wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE, message.NewDeleteForMe(id, clock), clock, d.now)
		if err != nil {
			return err
		}
		return c.update(func(t *txn) error {
			if err := t.deleteForMe(id, clock); err != nil || len(d.a.others) == 0 {
				return err
			}
			return t.c.outbox.Add(t.Tx, outbox.Entry{Peer: d.a.public, Record: out.row, Body: out.body})
		})
	})
	if err != nil {
		return event.Message{}, err
	}
	c.kick()
	return c.history.Message(id)
}

// React adds an emoji to a message, or retracts it.
func (c *Client) React(ctx context.Context, id [32]byte, emoji string, retract bool) (event.Message, error) {
	emoji, err := message.ParseEmoji(emoji)
	if err != nil {
		return event.Message{}, Errorf(CodeBadParams, "emoji", "this is not one emoji").Because(err)
	}
	return c.act(ctx, id, func(d doing) (typ wire.ApplicationMetadataMessage_Type, m func(message.ActionParams) proto.Message, after uint64, err error) {
		if err := d.notDeleted(); err != nil {
			return typ, nil, 0, err
		}
		ours, live := d.reaction(emoji)
		there := ours != nil && !ours.GetRetracted()
		switch {
		case there != retract:
			return typ, nil, 0, nil
		case !retract && live[emoji] == 0 && len(live) >= maxEmoji:
			return typ, nil, 0, Errorf(CodeTooMany, "emoji", "a message has at most %d different emoji", maxEmoji).With("max", maxEmoji)
		}
		return wire.ApplicationMetadataMessage_EMOJI_REACTION, func(p message.ActionParams) proto.Message {
			return message.NewReaction(p, emoji, retract)
		}, ours.GetClock(), nil
	})
}

// reaction finds our latest reaction (or its removal) with an emoji on a message, nil if there
// is none, and counts the reactions in force by emoji.
func (d doing) reaction(emoji string) (ours *wire.ReactionRecord, live map[string]int) {
	live = map[string]int{}
	for _, r := range d.rec.GetReactions() {
		if !r.GetRetracted() {
			live[r.GetEmoji()]++
		}
		if r.GetEmoji() == emoji && history.IsOurs(d.rec, r.GetFrom()) {
			ours = r
		}
	}
	return ours, live
}

// Pin pins a message for both people, or unpins it.
func (c *Client) Pin(ctx context.Context, id [32]byte, pinned bool) (event.Message, error) {
	return c.act(ctx, id, func(d doing) (typ wire.ApplicationMetadataMessage_Type, m func(message.ActionParams) proto.Message, after uint64, err error) {
		if err := d.notDeleted(); err != nil || d.rec.GetPin().GetPinned() == pinned {
			return typ, nil, 0, err
		}
		return wire.ApplicationMetadataMessage_PIN_MESSAGE, func(p message.ActionParams) proto.Message {
			return message.NewPin(p, pinned)
		}, d.rec.GetPin().GetClock(), nil
	})
}
