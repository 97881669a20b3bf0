package chat

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// What the loop does for transfers: it takes their frames, seals what is due, and when
// nothing comes it says again what may be lost.

// frame gives a frame to the transfer it is about.
func (p *noisePass) frame(e *pairingEntry, f pairing.Frame) error {
	if !f.IsOffer() {
		if t := p.transfer(transferName{e.id, true, f.ID}); t != nil {
			if err := p.toSender(t, f); !errors.Is(err, pairing.ErrFrame) {
				return err
			}
		}
	}
	if t := p.transfer(transferName{e.id, false, f.ID}); t != nil {
		return p.toReceiver(t, f)
	}
	if f.IsOffer() {
		return p.offered(e, f)
	}
	return dropped("transfer")
}

// toSender takes what the receiver of an outgoing transfer says.
func (p *noisePass) toSender(t *transferEntry, f pairing.Frame) error {
	before, total := t.sender.Progress()
	next, err := t.sender.Receive(f)
	switch {
	case errors.Is(err, pairing.ErrTransferState):
		p.cancelAgain(t, f, t.sender.CancelFrame())
		return nil
	case errors.Is(err, pairing.ErrTransferCancelled):
		t.sender = next
		p.failTransfer(t, transferCode(next.Cause()), true)
		return nil
	case err != nil:
		return err
	}
	t.sender = next
	p.moved(t, before, total)
	if next.Done() {
		p.finish(t)
	}
	return nil
}

// toReceiver takes what the sender of an incoming transfer says.
func (p *noisePass) toReceiver(t *transferEntry, f pairing.Frame) error {
	before, total := t.receiver.Progress()
	next, got, err := t.receiver.Receive(f)
	switch {
	case errors.Is(err, pairing.ErrTransferRepeat):
		if offset, chunk := f.Chunk(); chunk && offset > before {
			if p.c.loop.noise.early.hold(t.name, offset, f) < toldOfGap {
				e := p.pairing(t.name.pairing)
				e.next = p.now.Add(gapPatience)
				p.note(e)
				return nil
			}
		}
		p.answers[t.name] = got.Answer
		return nil
	case errors.Is(err, pairing.ErrTransferState):
		p.cancelAgain(t, f, t.receiver.CancelFrame())
		return nil
	case errors.Is(err, pairing.ErrTransferCancelled):
		t.receiver = next
		p.failTransfer(t, transferCode(next.Cause()), true)
		return nil
	case errors.Is(err, pairing.ErrTransferHash):
		t.receiver = next
		p.failTransfer(t, CodeTransferDamaged, false)
		p.answers[t.name] = got.Answer
		return nil
	case err != nil:
		return dropped("transfer")
	}
	// Only full pieces, but for the last: a sender of bytes one by one would fill the
	// store with records.
	if have, _ := next.Progress(); len(got.Data) != pairing.ChunkSize && have != total {
		return dropped("transfer")
	}
	t.receiver = next
	p.answers[t.name] = got.Answer
	p.storeBytes(t.name, before, got.Data)
	p.moved(t, before, total)
	if got.Done {
		p.finish(t)
		return nil
	}
	have, _ := next.Progress()
	if held, found := p.c.loop.noise.early.take(t.name, have); found {
		return p.toReceiver(t, held)
	}
	return nil
}

// offered takes an offer, or refuses one that is too much.
func (p *noisePass) offered(e *pairingEntry, f pairing.Frame) error {
	all, ofDevice := p.received(e.id)
	limit := min(MaxTransferBytes, MaxReceivedBytes-min(all, MaxReceivedBytes), MaxReceivedOfDevice-min(ofDevice, MaxReceivedOfDevice))
	if p.unfinished(e.id, false) >= MaxIncoming || !p.makeRoom(e.id) {
		if f.Offer.Total == 0 {
			return dropped("transfer") // no limit refuses it; it is offered again
		}
		limit = 0
	}
	r, got, err := pairing.Accept(f, limit)
	if err != nil && !errors.Is(err, pairing.ErrTransferSize) {
		return err
	}
	t := &transferEntry{name: transferName{e.id, false, f.ID}, receiver: r, createdAt: p.now, movedAt: p.now}
	p.answers[t.name] = got.Answer
	if !p.makeRoom(e.id) { // refused, and not even listed
		return nil
	}
	p.keepTransfer(t)
	p.emit(event.TransferOffered{Transfer: t.describe()})
	switch {
	case err != nil:
		p.failTransfer(t, CodeTransferTooLarge, false)
	case got.Done:
		p.finish(t)
	}
	return nil
}

// cancelAgain says again that we gave up, to who goes on.
func (p *noisePass) cancelAgain(t *transferEntry, f pairing.Frame, frame []byte) {
	if frame != nil && !t.remote && !f.IsCancel() {
		p.answers[t.name] = frame
	}
}

// transferCodes are the codes of what the other side gives a transfer up for.
var transferCodes = map[pairing.Cause]Code{
	pairing.CauseUser: CodeTransferCancelled, pairing.CauseSize: CodeTransferTooLarge, pairing.CauseHash: CodeTransferDamaged,
}

func transferCode(c pairing.Cause) Code { return transferCodes[c] }

// moved notes how far a transfer has come.
func (p *noisePass) moved(t *transferEntry, before, total uint64) {
	p.keepTransfer(t)
	now, _ := t.progress()
	if now == before {
		return
	}
	t.movedAt = p.now
	if before*progressSteps/total == now*progressSteps/total {
		return
	}
	p.emit(event.TransferProgress{
		TransferID: t.idText(), PairingID: t.name.pairing.String(), Outgoing: t.name.outgoing, Moved: int64(now), Size: int64(total),
	})
}

// finish notes that a transfer is done. What was sent is not needed any more.
func (p *noisePass) finish(t *transferEntry) {
	t.endedAt = p.now
	if t.name.outgoing {
		p.dropBytes(t)
	}
	p.emit(event.TransferDone{Transfer: t.describe()})
	p.keepTransfer(t)
}

// failTransfer ends a transfer that is not done. Its bytes are of no use.
func (p *noisePass) failTransfer(t *transferEntry, cause Code, remote bool) {
	t.endedAt, t.cause, t.remote = p.now, cause, remote
	p.dropBytes(t)
	p.emit(event.TransferFailed{Transfer: t.describe()})
	p.keepTransfer(t)
}

// answer seals the frames that answer what came, the latest of each transfer: they say
// all that the earlier ones did.
func (p *noisePass) answer() {
	for _, name := range slices.SortedFunc(maps.Keys(p.answers), func(a, b transferName) int { return bytes.Compare(a.key(), b.key()) }) {
		e := p.pairing(name.pairing)
		if e == nil || e.state != pairingPaired {
			continue
		}
		if p.ahead(e) >= answersAhead || !p.maySeal(e) {
			p.repeat(e)
			continue
		}
		if err := p.seal(e, p.answers[name]); err != nil {
			p.c.log.Log("warn", "an answer was not sealed", "error", err.Error())
		}
	}
	clear(p.answers)
}

// pump seals what is due of the first outgoing transfer to each device.
func (p *noisePass) pump() {
	for _, e := range p.all() {
		if t := p.current(e); t != nil {
			if err := p.pumpTransfer(e, t); err != nil {
				p.c.log.Log("warn", "a transfer does not go on", "code", string(CodeOf(err)))
			}
		}
	}
}

// current is the outgoing transfer whose turn it is, nil if there is none.
func (p *noisePass) current(e *pairingEntry) *transferEntry {
	if e.state != pairingPaired {
		return nil
	}
	for _, t := range p.transfersOf(e.id) {
		if t.name.outgoing && t.running() {
			return t
		}
	}
	return nil
}

func (p *noisePass) pumpTransfer(e *pairingEntry, t *transferEntry) error {
	if p.ahead(e) >= pairing.MaxAhead || !p.maySeal(e) {
		return nil
	}
	if _, n := t.sender.Rewind().Next(); n == 0 { // the offer is not answered
		if t.offered {
			return nil
		}
		t.offered = true
		p.transfers[t.name] = t
		return p.seal(e, t.sender.OfferFrame())
	}
	for p.ahead(e) < pairing.MaxAhead {
		offset, n := t.sender.Next()
		if n == 0 {
			return nil
		}
		data, err := p.c.readBytes(t.name, offset, n)
		if err != nil {
			return err
		}
		next, frame, err := t.sender.Chunk(data)
		if err != nil {
			return err
		}
		t.sender = next
		p.transfers[t.name] = t
		if err := p.seal(e, frame); err != nil {
			return err
		}
	}
	return nil
}

// silence says something where a transfer does not come further. If something new has come
// since we sealed last, the transfer is taken up where the other side is known to be;
// otherwise it may not have heard us, and hears the same again.
func (p *noisePass) silence() {
	for _, e := range p.all() {
		if e.state != pairingPaired || e.next.IsZero() || p.now.Before(e.next) {
			continue
		}
		out, in := p.current(e), p.awaited(e)
		switch {
		case out == nil && in == nil:
			e.next = time.Time{}
			p.note(e)
			continue
		case !e.fresh || p.ahead(e) >= pairing.MaxAhead || !p.maySeal(e):
			p.repeat(e)
		case out != nil:
			out.sender, out.offered = out.sender.Rewind(), false
			p.transfers[out.name] = out
			if err := p.pumpTransfer(e, out); err != nil {
				p.c.log.Log("warn", "a transfer does not go on", "code", string(CodeOf(err)))
			}
		default:
			if err := p.seal(e, in.receiver.HaveFrame()); err != nil {
				p.c.log.Log("warn", "a transfer does not go on", "error", err.Error())
			}
		}
		e.said++
		e.next = p.now.Add(p.patience(e))
		p.note(e)
	}
}

// awaited is a running incoming transfer, nil if there is none.
func (p *noisePass) awaited(e *pairingEntry) *transferEntry {
	for _, t := range p.transfersOf(e.id) {
		if !t.name.outgoing && t.running() {
			return t
		}
	}
	return nil
}

// unfinished counts the transfers with a device one way.
func (p *noisePass) unfinished(id PairingID, outgoing bool) (n int) {
	for _, t := range p.transfersOf(id) {
		if t.running() && t.name.outgoing == outgoing {
			n++
		}
	}
	return n
}

// received is how many bytes of incoming transfers are, or will be, in the store: of all
// devices, and of one.
func (p *noisePass) received(id PairingID) (all, ofDevice uint64) {
	for _, e := range p.all() {
		for _, t := range p.transfersOf(e.id) {
			all += t.holds()
			if e.id == id {
				ofDevice += t.holds()
			}
		}
	}
	return all, ofDevice
}

// makeRoom takes the oldest transfers with a device off the list that are over and hold
// nothing, and reports whether there is room for one more.
func (p *noisePass) makeRoom(id PairingID) bool {
	all := p.transfersOf(id)
	spare := len(all) + 1 - maxTransfers
	for _, t := range all {
		if spare > 0 && !t.running() && t.holds() == 0 {
			p.removeTransfer(t)
			spare--
		}
	}
	return spare <= 0
}

func (p *noisePass) removeTransfer(t *transferEntry) {
	p.dropBytes(t)
	p.transfers[t.name] = nil
	p.stored[t.name] = true
}

// careTransfer gives up what has stalled and forgets what is old.
func (p *noisePass) careTransfer(t *transferEntry) {
	age := p.now.Sub(t.endedAt)
	switch {
	case t.running() && p.now.Sub(t.movedAt) >= stalledAfter:
		p.failTransfer(t, CodeTransferStalled, false)
	case t.running():
	case t.holds() > 0 && age >= keepReceived, t.holds() == 0 && age >= keepPast:
		p.removeTransfer(t)
	}
}
