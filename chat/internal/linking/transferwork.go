package linking

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// The frames of transfers: handled when they come, sealed when they are due, and sent
// again when nothing comes.
// Spec: 43/WAKU2-DEVICE-PAIRING, "Secure Transfer"; the frames are ours, see package pairing.

// onFrame gives a frame to the transfer it is about, or begins one.
func (st *step) onFrame(e *pairingEntry, f pairing.Frame) error {
	if !f.IsOffer() {
		// Both devices choose ids, so one id may name a transfer each way: the frame says
		// by its kind which it is for.
		if x := st.transfer(transferName{e.id, true, f.ID}); x != nil {
			if err := st.onReceiverFrame(x, f); !errors.Is(err, pairing.ErrFrame) {
				return err
			}
		}
	}
	if x := st.transfer(transferName{e.id, false, f.ID}); x != nil {
		return st.onSenderFrame(x, f)
	}
	if f.IsOffer() {
		return st.onOffer(e, f)
	}
	return dropped("transfer")
}

// onReceiverFrame handles what the receiver of an outgoing transfer says. Error:
// pairing.ErrFrame for a frame that only a sender sends.
func (st *step) onReceiverFrame(x *transferEntry, f pairing.Frame) error {
	before, total := x.sender.Progress()
	next, err := x.sender.Receive(f)
	switch {
	case errors.Is(err, pairing.ErrTransferState):
		st.repeatCancel(x, f, x.sender.CancelFrame())
		return nil
	case errors.Is(err, pairing.ErrTransferCancelled):
		x.sender = next
		st.failTransfer(x, transferCodes[next.Cause()], true)
		return nil
	case err != nil:
		return err
	}
	x.sender = next
	st.moved(x, before, total)
	if next.Done() {
		st.finish(x)
	}
	return nil
}

// onSenderFrame handles what the sender of an incoming transfer says.
func (st *step) onSenderFrame(x *transferEntry, f pairing.Frame) error {
	before, total := x.receiver.Progress()
	next, got, err := x.receiver.Receive(f)
	switch {
	case errors.Is(err, pairing.ErrTransferRepeat) && f.IsCancel():
		return nil // it was cancelled when all was here: to answer would have it cancelled again
	case errors.Is(err, pairing.ErrTransferRepeat):
		st.onUnexpectedChunk(x, f, before, got.Answer)
		return nil
	case errors.Is(err, pairing.ErrTransferState):
		st.repeatCancel(x, f, x.receiver.CancelFrame())
		return nil
	case errors.Is(err, pairing.ErrTransferCancelled):
		x.receiver = next
		st.failTransfer(x, transferCodes[next.Cause()], true)
		return nil
	case errors.Is(err, pairing.ErrTransferHash):
		x.receiver = next
		st.failTransfer(x, port.CodeTransferDamaged, false)
		st.answers[x.name] = got.Answer
		return nil
	case err != nil:
		return dropped("transfer")
	}
	// All chunks but the last must be full: a sender of single bytes would fill the store
	// with records.
	have, _ := next.Progress()
	if len(got.Data) != pairing.ChunkSize && have != total {
		return dropped("transfer")
	}
	x.receiver = next
	st.answers[x.name] = got.Answer
	st.storeBytes(x.name, before, got.Data)
	st.moved(x, before, total)
	if got.Done {
		st.finish(x)
		return nil
	}
	if early, found := st.l.early.remove(x.name, have); found {
		return st.onSenderFrame(x, early)
	}
	return nil
}

// onUnexpectedChunk keeps a chunk that came before its turn. It answers what is missing,
// for an early chunk only when the missing one is probably lost and not late.
func (st *step) onUnexpectedChunk(x *transferEntry, f pairing.Frame, have uint64, answer []byte) {
	if offset, chunk := f.Chunk(); chunk && offset > have && st.l.early.add(x.name, offset, f) < gapChunks {
		e := st.pairing(x.name.pairing)
		e.nextSend = st.now.Add(gapWait)
		st.note(e)
		return
	}
	st.answers[x.name] = answer
}

// onOffer begins an incoming transfer, or refuses one that is too large for the bounds.
func (st *step) onOffer(e *pairingEntry, f pairing.Frame) error {
	limit := st.mayReceive(e.id)
	switch {
	case f.Offer.Parcel && st.parcels(e.id, false) >= maxParcels:
		return dropped("transfer") // it is offered again
	case f.Offer.Parcel:
		limit = MaxParcel
	case st.running(e.id, false) >= MaxIncoming || !st.makeRoom(e.id):
		if f.Offer.Total == 0 {
			return dropped("transfer") // no limit refuses it; it is offered again
		}
		limit = 0
	}
	r, got, err := pairing.Accept(f, limit)
	if err != nil && !errors.Is(err, pairing.ErrTransferSize) {
		return err
	}
	x := &transferEntry{name: transferName{e.id, false, f.ID}, receiver: r, createdAt: st.now, movedAt: st.now}
	x.become(Running)
	st.answers[x.name] = got.Answer
	if !f.Offer.Parcel && !st.makeRoom(e.id) { // refused, and not even listed
		return nil
	}
	st.keepTransfer(x)
	st.tell(x, event.TransferOffered{Transfer: x.describe()})
	switch {
	case err != nil:
		st.failTransfer(x, port.CodeTransferTooLarge, false)
	case got.Done:
		st.finish(x)
	}
	return nil
}

// mayReceive returns the limit in bytes of one more transfer of a device.
func (st *step) mayReceive(id PairingID) uint64 {
	var all, ofDevice uint64
	for _, e := range st.all() {
		for _, x := range st.transfersOf(e.id) {
			if x.parcel() {
				continue
			}
			all += x.receivedBytes()
			if e.id == id {
				ofDevice += x.receivedBytes()
			}
		}
	}
	return min(MaxTransferBytes, MaxReceivedBytes-min(all, MaxReceivedBytes), MaxReceivedOfDevice-min(ofDevice, MaxReceivedOfDevice))
}

// repeatCancel tells a device again that we gave up, if it goes on as if we had not.
func (st *step) repeatCancel(x *transferEntry, f pairing.Frame, frame []byte) {
	if frame != nil && !x.remote && !f.IsCancel() {
		st.answers[x.name] = frame
	}
}

// transferCodes are the codes of the causes for which the other side gives a transfer up.
var transferCodes = map[pairing.Cause]port.Code{
	pairing.CauseUser: port.CodeTransferCancelled, pairing.CauseSize: port.CodeTransferTooLarge, pairing.CauseHash: port.CodeTransferDamaged,
}

// moved stores how far a transfer has come, and reports it if another of progressSteps
// parts is full.
func (st *step) moved(x *transferEntry, before, total uint64) {
	st.keepTransfer(x)
	now, _ := x.progress()
	if now == before {
		return
	}
	x.movedAt = st.now
	if before*progressSteps/total == now*progressSteps/total {
		return
	}
	st.tell(x, event.TransferProgress{
		TransferID: x.idText(), PairingID: x.name.pairing.String(), Outgoing: x.name.outgoing, Moved: int64(now), Size: int64(total),
	})
}

// tell emits an event about a transfer, unless it is a parcel.
func (st *step) tell(x *transferEntry, e event.Event) {
	if !x.parcel() {
		st.emit(e)
	}
}

// finish ends a transfer whose bytes have all arrived. What was sent is not needed here any
// more.
func (st *step) finish(x *transferEntry) {
	if !x.become(Done) {
		return
	}
	x.endedAt = st.now
	if x.name.outgoing {
		st.dropBytes(x)
	}
	st.tell(x, event.TransferDone{Transfer: x.describe()})
	st.keepTransfer(x)
}

// failTransfer ends a running transfer without its bytes, which are of no use.
func (st *step) failTransfer(x *transferEntry, cause port.Code, remote bool) {
	if !x.become(TransferFailed) {
		return
	}
	x.endedAt, x.cause, x.remote = st.now, cause, remote
	st.dropBytes(x)
	st.tell(x, event.TransferFailed{Transfer: x.describe()})
	st.keepTransfer(x)
	if x.parcel() && !x.name.outgoing { // there is nobody who would drop it
		x.discarded = true
		st.forgetParcels(x.name)
	}
}

// sealAnswers seals the frames that answer what came, of each transfer the latest: it says
// all that the earlier ones said.
func (st *step) sealAnswers() {
	for _, name := range slices.SortedFunc(maps.Keys(st.answers), func(a, b transferName) int { return bytes.Compare(a.key(), b.key()) }) {
		e := st.pairing(name.pairing)
		if e == nil || e.state != Paired {
			continue
		}
		if st.ahead(e) >= maxAheadAnswers || !st.maySeal(e) {
			st.repeat(e)
			continue
		}
		if err := st.seal(e, st.answers[name]); err != nil {
			st.l.host.Log.Log("warn", "an answer was not sealed", "error", err.Error())
		}
	}
	clear(st.answers)
}

// sendChunks seals what is due of the oldest outgoing transfer to each device.
func (st *step) sendChunks() {
	for _, e := range st.all() {
		if x := st.outgoing(e); x != nil {
			st.send(e, x)
		}
	}
}

// outgoing is the outgoing transfer to a device whose turn it is, nil if there is none.
func (st *step) outgoing(e *pairingEntry) *transferEntry { return st.oldestRunning(e, true) }

// incoming is the oldest running transfer of a device to us, nil if there is none.
func (st *step) incoming(e *pairingEntry) *transferEntry { return st.oldestRunning(e, false) }

func (st *step) oldestRunning(e *pairingEntry, outgoing bool) *transferEntry {
	if e.state != Paired {
		return nil
	}
	for _, x := range st.transfersOf(e.id) {
		if x.name.outgoing == outgoing && x.state == Running {
			return x
		}
	}
	return nil
}

// send seals the offer of a transfer, or the chunks that are due of it.
func (st *step) send(e *pairingEntry, x *transferEntry) {
	if err := st.trySend(e, x); err != nil {
		st.l.host.Log.Log("warn", "a transfer does not go on", "code", string(port.CodeOf(err)))
	}
}

func (st *step) trySend(e *pairingEntry, x *transferEntry) error {
	if st.ahead(e) >= pairing.MaxAhead || !st.maySeal(e) {
		return nil
	}
	if _, n := x.sender.Rewind().Next(); n == 0 { // the offer is not answered
		if x.offered {
			return nil
		}
		x.offered = true
		st.noteTransfer(x)
		return st.seal(e, x.sender.OfferFrame())
	}
	for st.ahead(e) < pairing.MaxAhead {
		offset, n := x.sender.Next()
		if n == 0 {
			return nil
		}
		data, err := st.l.readBytes(x.name, offset, n)
		if err != nil {
			return err
		}
		next, frame, err := x.sender.Chunk(data)
		if err != nil {
			return err
		}
		x.sender = next
		st.noteTransfer(x)
		if err := st.seal(e, frame); err != nil {
			return err
		}
	}
	return nil
}

// retransmit sends something where a transfer makes no progress. If the peer has sent
// something new since we sealed last, we go on from what it is known to have; otherwise it
// may not have received our latest message, which is repeated.
func (st *step) retransmit() {
	for _, e := range st.all() {
		if e.state != Paired || e.nextSend.IsZero() || st.now.Before(e.nextSend) {
			continue
		}
		out, in := st.outgoing(e), st.incoming(e)
		switch {
		case out == nil && in == nil:
			e.nextSend = time.Time{}
			st.note(e)
			continue
		case !e.unanswered || st.ahead(e) >= pairing.MaxAhead || !st.maySeal(e):
			st.repeat(e)
		case out != nil:
			out.sender, out.offered = out.sender.Rewind(), false
			st.noteTransfer(out)
			st.send(e, out)
		default:
			if err := st.seal(e, in.receiver.HaveFrame()); err != nil {
				st.l.host.Log.Log("warn", "a transfer does not go on", "error", err.Error())
			}
		}
		e.tries++
		e.nextSend = st.now.Add(st.waitFor(e))
		st.note(e)
	}
}

// running counts the running transfers with a device in one direction.
func (st *step) running(id PairingID, outgoing bool) (n int) {
	for _, x := range st.transfersOf(id) {
		if x.state == Running && x.name.outgoing == outgoing && !x.parcel() {
			n++
		}
	}
	return n
}

// makeRoom removes the oldest transfers with a device that are over and hold no bytes, and
// reports whether there is room for one more.
func (st *step) makeRoom(id PairingID) bool {
	all := slices.DeleteFunc(st.transfersOf(id), (*transferEntry).parcel)
	excess := len(all) + 1 - maxTransfers
	for _, x := range all {
		if excess > 0 && x.state != Running && x.receivedBytes() == 0 {
			st.removeTransfer(x)
			excess--
		}
	}
	return excess <= 0
}

func (st *step) removeTransfer(x *transferEntry) {
	st.dropBytes(x)
	st.transfers[x.name] = nil
	st.writeTransfers[x.name] = true
}

// careTransfer fails a transfer that has stalled and removes one that is long over.
func (st *step) careTransfer(x *transferEntry) {
	age := st.now.Sub(x.endedAt)
	switch {
	case x.state == Running && st.now.Sub(x.movedAt) >= stalledAfter:
		st.failTransfer(x, port.CodeTransferStalled, false)
	case x.state == Running:
	case x.receivedBytes() > 0 && age >= keepReceived, x.receivedBytes() == 0 && age >= keepPast:
		st.removeTransfer(x)
	}
}
