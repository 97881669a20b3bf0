package chat

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// maxProblems bounds what CheckStore lists: a store with more is beyond reading.
const maxProblems = 1000

// CheckStore reads the whole store and reports what is damaged (the store's own
// walk) and what contradicts itself (the engine's, below). It takes about as long
// as decrypting everything. Nobody is held up, and nothing is changed.
func (c *Client) CheckStore(ctx context.Context) (StoreCheck, error) {
	if err := c.checkOpen(); err != nil {
		return StoreCheck{}, err
	}
	check := StoreCheck{Problems: []string{}}
	report := func(problem string) {
		if len(check.Problems) < maxProblems {
			check.Problems = append(check.Problems, problem)
		}
	}
	var err error
	if check.Records, err = c.ledger.Store.Check(ctx, report); err != nil {
		return check, err
	}
	err = c.ledger.View(func(tx Tx) error { return c.inspect(ctx, tx, report) })
	if damage := (*Error)(nil); errors.As(err, &damage) && damage.Code == CodeStoreCorrupt {
		report(damage.Message) // the walk could not go on; the store's own says why
		err = nil
	}
	return check, err
}

// inspect has the engine and its parts report what is wrong. Its error is that it could
// not go on.
func (c *Client) inspect(ctx context.Context, tx Tx, report func(string)) error {
	if err := inspect(ctx, tx, c.self.Load(), report); err != nil {
		return err
	}
	for _, p := range c.loop.parts {
		if err := p.Check(ledger.NewWalk(ctx, tx, report)); err != nil {
			return err
		}
	}
	return nil
}

// inspection is one walk over the engine's records. What must hold:
//   - the identity, its pre-keys and the node key read back;
//   - each session has its keys, and skipped keys have their session;
//   - each mark of what was seen is forgotten some day;
//   - topics and contacts read back and point to something; each event
//     has its subject.
type inspection struct {
	*ledger.Walk
	own *account // nil without an identity
}

// inspect reports what is wrong. Its error is that it could not go on.
func inspect(ctx context.Context, tx Tx, own *account, report func(string)) error {
	in := &inspection{Walk: ledger.NewWalk(ctx, tx, report), own: own}
	for _, walk := range []func() error{
		in.meta, in.peers, in.seen, in.topics, in.contacts, in.pictures, in.verifications, in.introduced,
		in.events,
	} {
		if err := walk(); err != nil {
			return err
		}
	}
	return nil
}

// meta looks at the identity and its keys.
func (in *inspection) meta() error {
	var rec wire.IdentityRecord
	found, err := ledger.Get(in, tableMeta, metaIdentity, &rec)
	if err = in.Corrupt(tableMeta, err); err != nil {
		return err
	}
	if found {
		if err := in.identity(&rec); err != nil {
			return err
		}
	}
	b, err := in.Tx.Get(tableMeta, metaNodeKey)
	if err != nil || b == nil {
		return err
	}
	if _, err := key.ParsePrivate(b); err != nil {
		in.Report(tableMeta, "the node key does not read back")
	}
	return nil
}

func (in *inspection) identity(rec *wire.IdentityRecord) error {
	if k, err := key.ParsePrivate(rec.GetPrivateKey()); err != nil {
		in.Report(tableMeta, "the identity key does not read back")
	} else if in.own != nil && k.Public() != in.own.public {
		in.Report(tableMeta, "the identity is another one than that in use")
	}
	if _, err := identity.ParseInstallationID(rec.GetInstallationId()); err != nil {
		in.Report(tableMeta, "the installation id is not valid")
	}
	b, err := in.Tx.Get(tableMeta, metaPreKeys)
	if err != nil {
		return err
	}
	preKeys, err := x3dh.UnmarshalPreKeys(b)
	if err != nil {
		in.Report(tableMeta, "the pre-keys do not read back")
	} else if _, ok := preKeys.Current(); !ok {
		in.Report(tableMeta, "there is no current pre-key")
	}
	return nil
}

// seen looks at the marks and the lists by which they are forgotten: a mark that no list
// names would stay for ever.
func (in *inspection) seen() error {
	marks := 0
	err := in.Each(tableSeen, func(name, value []byte) error {
		marks++
		if len(name) != seenKeySize || !slices.Contains(seenKinds, name[0]) {
			in.Report(tableSeen, "a mark has no proper name")
		}
		var rec wire.SeenRecord
		if err := ledger.Decode(tableSeen, value, &rec); err != nil {
			return err
		}
		_, err := ledger.IDs(rec.GetMvdsIds())
		return err
	})
	if err != nil {
		return err
	}
	listed, err := in.listedMarks()
	if err == nil && listed != marks {
		in.Report(tableSeen, "%d marks would never be forgotten", marks-listed)
	}
	return err
}

// listedMarks walks the lists and returns the number of marks that they name and that are
// there.
func (in *inspection) listedMarks() (listed int, err error) {
	list := func(names []byte) error {
		for name := range slices.Chunk(names, seenKeySize) {
			found, err := in.Holds(tableSeen, name)
			if err != nil {
				return err
			}
			if !found {
				in.Report(tableSeen, "a mark is missing")
			} else {
				listed++
			}
		}
		return nil
	}
	err = in.Each(tableMarks, func(name, value []byte) error {
		var rec wire.MarksRecord
		if err := ledger.Decode(tableMarks, value, &rec); err != nil {
			return err
		}
		if _, ok := key.ParseCompact(rec.GetPeer()); !ok || len(name) != ledger.NumberSize {
			in.Report(tableMarks, "marks are of nobody")
		}
		return list(rec.GetNames())
	})
	if err != nil {
		return listed, err
	}
	err = in.Tx.Range(queueSeen, 0, func(_ uint64, value []byte) (bool, error) {
		return true, errors.Join(list(value[min(8, len(value)):]), in.Pause())
	})
	return listed, err // read after the walk, which changes it
}

// subject names the record of the store that an event reports on, if it has one.
type subject struct {
	MessageID string `json:"message_id"`
	ChatID    string `json:"chat_id"`
	Message   *struct {
		ID     string `json:"message_id"`
		ChatID string `json:"chat_id"`
	} `json:"message"`
}

// events looks whether what an event reports is there. Of an application message
// that is not supported, the event is all there is.
func (in *inspection) events() error {
	return in.Tx.Range(ledger.QueueEvents, 0, func(_ uint64, value []byte) (bool, error) {
		var stored ledger.StoredEvent
		var about subject
		if json.Unmarshal(value, &stored) != nil || json.Unmarshal(stored.Data, &about) != nil {
			in.ReportQueue(ledger.QueueEvents, "an event does not read back")
			return true, in.Pause()
		}
		id, chat := about.MessageID, about.ChatID
		if about.Message != nil {
			id, chat = about.Message.ID, about.Message.ChatID
		}
		if id != "" && (stored.Type == "message_received" || stored.Type == "message_state") {
			there, err := in.mayReport(id, chat)
			if err != nil {
				return false, err
			}
			if !there {
				in.ReportQueue(ledger.QueueEvents, "an event is about a message that is not there")
			}
		}
		return true, in.Pause()
	})
}

// mayReport reports whether an event may be about a message of a chat: it is there, or was
// erased since.
func (in *inspection) mayReport(id, chat string) (bool, error) {
	name, err := hex.DecodeString(strings.TrimPrefix(id, "0x"))
	if err != nil || len(name) != 32 {
		return false, nil
	}
	if found, err := in.Holds(tableMessages, name); err != nil || found {
		return found, err
	}
	if found, err := in.Holds(tableSeen, seenKey(seenExpired, [32]byte(name))); err != nil || found {
		return found, err
	}
	person, err := hex.DecodeString(strings.TrimPrefix(chat, "0x"))
	if err != nil {
		return false, nil
	}
	k, err := key.ParsePublic(person)
	if err != nil {
		return false, nil
	}
	var rec wire.ChatRecord
	_, err = ledger.Get(in, history.TableChats, message.ConversationWith(k).Bytes(), &rec)
	return rec.GetClearedClock() > 0, in.Corrupt(history.TableChats, err)
}
