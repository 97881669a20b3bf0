package outbox

import (
	"bytes"
	"encoding/binary"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// Check reports what contradicts itself. What must hold:
//   - each row has its message and ids that follow from its bytes;
//   - each row is in one attempt at most, in a stage that rows get to; what is left of
//     attempts that are out has its rows;
//   - the envelopes of attempts that have several are there until they are out;
//   - what is kept of a message that was given up has its message, which has failed;
//   - acknowledgements read back, and are for somebody who has sent something.
func (o *Outbox) Check(w *ledger.Walk) error {
	for _, walk := range []func(*ledger.Walk) error{o.checkRows, o.checkFailed, o.checkAttempts, o.checkEnvelopes, o.checkAcks} {
		if err := walk(w); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) checkRows(w *ledger.Walk) error {
	return w.Each(tableRows, func(name, value []byte) error {
		var rec wire.OutboxRecord
		if err := ledger.Decode(tableRows, value, &rec); err != nil {
			return err
		}
		if len(name) != ledger.NumberSize {
			w.Report(tableRows, "a row has no number")
			return nil
		}
		r, err := rowFromRecord(&rec, binary.BigEndian.Uint64(name))
		if err != nil {
			return err
		}
		return o.checkRow(w, r, &rec)
	})
}

// checkRow looks whether a row has its message, and the ids that follow from what it
// sends. Only texts are in the history.
func (o *Outbox) checkRow(w *ledger.Walk, r *row, rec *wire.OutboxRecord) error {
	self := o.self.Load()
	if self == nil {
		w.Report(tableRows, "a row waits, and there is no identity to send it")
		return nil
	}
	app, err := message.Unwrap(rec.GetApplication())
	if err != nil || app.Signer != *self || message.ID(*self, rec.GetApplication()) != r.id || groupMessage(*self, r.peer, rec).ID() != r.mvds {
		w.Report(tableRows, "the ids of a row do not follow from what it sends")
		return nil
	}
	if app.Type != wire.ApplicationMetadataMessage_CHAT_MESSAGE {
		return nil
	}
	_, found, err := o.Messages.Message(w.Tx, r.id)
	if err == nil && !found {
		w.Report(tableRows, "a row has no message")
	}
	return err
}

func (o *Outbox) checkFailed(w *ledger.Walk) error {
	return w.Each(tableFailed, func(name, value []byte) error {
		var rec wire.OutboxRecord
		if err := ledger.Decode(tableFailed, value, &rec); err != nil {
			return err
		}
		r, err := rowFromRecord(&rec, 0)
		if err != nil {
			return err
		}
		m, _, err := o.Messages.Message(w.Tx, r.id)
		if err == nil && (!bytes.Equal(name, r.id[:]) || !m.Failed) {
			w.Report(tableFailed, "what is kept is of no message that has failed")
		}
		return err
	})
}

// checkAttempts looks at the ciphertexts that are not out, and at what is left of others
// whose rows wait. Rows that the former name may be gone, because they were acknowledged
// meanwhile.
func (o *Outbox) checkAttempts(w *ledger.Walk) error {
	stages := map[uint64]stage{} // of the rows that attempts name
	return w.Each(tableAttempts, func(name, value []byte) error {
		at, rec, err := attemptFromRecord(value)
		if err != nil {
			return err
		}
		if !bytes.Equal(name, ledger.NumberKey(at.id)) {
			w.Report(tableAttempts, "an attempt is not what its name says")
		}
		if isOut(rec) && len(rec.GetRows()) == 0 {
			w.Report(tableAttempts, "an attempt has nothing to send and nothing to wait for")
		}
		if _, err := topic.ParseContentTopic(at.contentTopic); err != nil && !noise.IsSessionTopic(at.contentTopic) && !isOut(rec) {
			w.Report(tableAttempts, "an attempt has no topic")
		}
		for _, a := range rec.GetRows() {
			if err := checkStage(w, stages, rec, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkEnvelopes looks whether the envelopes are there of attempts that have several, and no
// others.
func (o *Outbox) checkEnvelopes(w *ledger.Walk) error {
	missing := map[uint64]bool{}
	err := w.Each(tableAttempts, func(_, value []byte) error {
		at, _, err := attemptFromRecord(value)
		if err != nil {
			return nil // checkAttempts reports it
		}
		for i := at.envelopes.out; at.envelopes.several() && i < at.envelopes.count; i++ {
			missing[at.envelopes.first+uint64(i)] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = w.Each(tableEnvelopes, func(name, _ []byte) error {
		if len(name) != ledger.NumberSize || !missing[binary.BigEndian.Uint64(name)] {
			w.Report(tableEnvelopes, "an envelope is of no attempt")
			return nil
		}
		delete(missing, binary.BigEndian.Uint64(name))
		return nil
	})
	if err == nil && len(missing) > 0 {
		w.Report(tableEnvelopes, "%d envelopes of attempts are missing", len(missing))
	}
	return err
}

// checkStage has a row of an attempt go through its stages, as follows allows, to the one
// that the attempt says it is in.
func checkStage(w *ledger.Walk, stages map[uint64]stage, rec *wire.AttemptRecord, a *wire.AttemptRowRecord) error {
	at, twice := stages[a.GetRow()]
	path := []state{inAttempt}
	if isOut(rec) {
		path = append(path, out)
	}
	if twice {
		w.Report(tableAttempts, "a row is in two attempts")
	} else {
		for _, next := range path {
			var ok bool
			if at, ok = at.enter(next, rec.GetId()); !ok {
				w.Report(tableAttempts, "a row is %s, and cannot be %s", at.state, next)
			}
		}
	}
	stages[a.GetRow()] = at
	found, err := w.Holds(tableRows, ledger.NumberKey(a.GetRow()))
	if err == nil && isOut(rec) && !found {
		w.Report(tableAttempts, "an attempt waits for a row that is gone")
	}
	return err
}

func (o *Outbox) checkAcks(w *ledger.Walk) error {
	return w.Each(tableAcks, func(name, value []byte) error {
		var rec wire.AcksRecord
		if err := ledger.Decode(tableAcks, value, &rec); err != nil {
			return err
		}
		if _, err := ledger.IDs(rec.GetMvdsIds()); err != nil {
			return err
		}
		known, err := o.Sealer.Knows(w.Tx, name)
		if err == nil && !known {
			w.Report(tableAcks, "acknowledgements are for nobody")
		}
		return err
	})
}
