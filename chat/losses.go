package chat

import (
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// A message that is authentic, is for this installation and does not open may mean that one
// side has lost something of the session: its store, or the newest state of it. But what a
// signature of 26/WAKU2-PAYLOAD covers names no recipient. Anybody can announce our
// installation id, and even our pre-key, as their own, and pass on to us what they are
// answered. Nothing in the message shows which it is, and an id that this store does not
// know may be one it knew before an older copy of it was put back. So we look whether the
// sender answers in the existing session:
//
//  1. and 2. They are probed in it, twice at most, with something that every receiver
//     acknowledges. All goes on in that session.
//  3. They have signed a message after the first probe, so they are there, and were not
//     heard in the session since: it is lost. A new one is begun from their pre-key, ours
//     is replaced, so that a client which holds on to one session a pre-key begins a new
//     one too, and what was not acknowledged is sent again.
//  4. That did not help either. There is no other session from that pre-key: until they
//     have another one they are written to without a session, which they can always
//     open; see session.Peer.SendWithoutSession.
//
// The one that is heard in the session meanwhile has lost nothing, and is not probed
// again for a while, twice as long each time.
// Spec: 54, "Re-keying".

// suspicion holds what points to a loss between us and an installation, and how far the
// steps above have come.
type suspicion struct {
	cause enum.SessionFault
	since time.Time  // the first probe; whole milliseconds, as sessions are stored
	last  time.Time  // the last step
	steps int        // taken since then without an answer; 0: there was one
	times int        // how many suspicions there were in a row
	begun key.Public // their pre-key from which a session was begun anew
}

// suspicions holds the suspicions about the installations that were last in doubt.
type suspicions = *lru.Cache[installationOf, suspicion]

// newSuspicions returns the memory of a client that suspects nothing.
func newSuspicions() suspicions {
	s, _ := lru.New[installationOf, suspicion](answersRemembered) // fails only for a size below 1
	return s
}

// installationOf names an installation of an identity.
type installationOf struct {
	peer         key.Public
	installation string
}

const (
	// maxSuspectProbes is the number of unanswered probes after which a session counts as
	// lost. One may get lost on its way, or its answer.
	maxSuspectProbes = 2
	// signedTolerance is the age, before the first probe, up to which the bundle of a
	// message shows its sender to be online now: bundles are used for bundleFresh, and
	// clocks differ by as much as message.MaxClockAhead allows for.
	signedTolerance = 2 * time.Minute
	// maxAnswerDoublings bounds the shift of the pause: a day, the longest ResendBase,
	// does not overflow by it.
	maxAnswerDoublings = 16
)

// pause returns the time until the next step may follow.
func (s suspicion) pause(set Settings) time.Duration {
	n := max(s.steps, s.times, 1)
	return min(set.AdvertiseEvery, set.ResendBase<<min(n-1, maxAnswerDoublings))
}

// unreadable decides what to do about a message that is for us and did not open: nothing, or
// the next step of the suspicion that it supports.
func (p *pass) unreadable(m *inbound, peer session.Peer, failure error) {
	cause := causeOf(failure)
	sealed := m.message.GetEncryptedMessage()[p.a.self.InstallationID]
	if cause == "" || sealed.GetDRHeader() == nil || !p.answerable(m) {
		return
	}
	// The answer goes to the pre-key in the bundle beside the message, so that is learnt first.
	next, err := peer.LearnMessage(p.a.self, m.message, p.now)
	if err != nil {
		return
	}
	from, known := next.Find(m.message.GetInstallationId())
	if !known || m.sender == p.a.public && from.Disabled { // nothing is sent to a disabled device of ours
		return
	}
	who := installationOf{m.sender, from.ID}
	s, ok := p.suspect(who, cause, m.signedAt())
	if !ok {
		return
	}
	// Which of the four steps above this is.
	w := answer{peer: m.sender, installation: from.ID, kind: probe}
	switch {
	case s.steps <= maxSuspectProbes:
	case s.begun != from.PreKey:
		s.begun, w.kind = from.PreKey, restart
	default:
		next, w.kind = next.SendWithoutSession(from.ID), advertise
	}
	if !p.c.mayAnswer(w, 0, p.now) {
		return
	}
	p.c.sessions.suspicions.Add(who, s)
	p.setPeer(peer, next)
	p.do(func(t *txn) error { t.After(func() { t.c.answerLoss(w) }); return nil })
}

// answerLoss sends the answer of a step. A probe is all of the first steps; the later ones
// begin anew.
func (c *Client) answerLoss(w answer) {
	if w.kind == probe {
		c.sessions.answers.due[w] = true
		return
	}
	c.startOver(w, 0)
}

// startOver begins a new session with an installation, with a new pre-key of ours of at
// least a version, and sends again what it has not acknowledged. The caller holds the
// engine's lock.
func (c *Client) startOver(w answer, version uint32) {
	c.sessions.answers.due[w] = true
	c.wantNewPreKey(version)
	c.outbox.Resend(outbox.Device{Peer: w.peer, Installation: w.installation})
}

// suspect returns the next step of a suspicion, if one is due. signedAt is the time at
// which the sender signed the message that supports it, ns: a message from before the
// probes says nothing of whether they were answered.
func (p *pass) suspect(who installationOf, cause enum.SessionFault, signedAt int64) (suspicion, bool) {
	s, before := p.c.sessions.suspicions.Get(who)
	if before && p.now.Sub(s.last) < s.pause(p.c.settings) {
		return s, false
	}
	switch {
	case s.steps == 0:
		s = suspicion{cause: cause, since: p.now.Truncate(time.Millisecond), times: s.times + 1, begun: s.begun}
	case s.steps >= maxSuspectProbes && signedAt < s.since.Add(-signedTolerance).UnixNano():
		return s, false
	}
	s.steps, s.last = s.steps+1, p.now
	return s, true
}

// answeredInSession ends a suspicion about the installation that m came from in a session.
// If the session was there before, nothing is lost. If it is a new one, the repair is
// reported once it carries what was missed: a message made before the first probe.
func (p *pass) answeredInSession(m *inbound, in session.Session) {
	who := installationOf{m.sender, m.in.InstallationID}
	s, suspected := p.c.sessions.suspicions.Get(who)
	if !suspected || s.cause == "" {
		return
	}
	replaced := !in.CreatedAt.Before(s.since)
	repaired := replaced && (s.steps > maxSuspectProbes || cameAgain(m.in.Plaintext, s.since))
	cause := s.cause
	switch s.steps = 0; {
	case repaired:
		s = suspicion{last: s.last}
	case !replaced:
		s.cause, s.begun = "", key.Public{}
	}
	p.c.sessions.suspicions.Add(who, s)
	if !repaired || m.silent {
		return
	}
	p.do(func(t *txn) error {
		return t.Emit(event.SessionRepaired{PublicKey: m.sender.Hex(), Installation: who.installation, Cause: cause})
	})
}

// cameAgain reports whether an MVDS payload carries a message from before a time: resends
// keep the timestamp of the first attempt.
func cameAgain(plaintext []byte, before time.Time) bool {
	sync, err := datasync.Decode(plaintext)
	if err != nil {
		return false
	}
	for _, m := range sync.Messages {
		if !time.Unix(m.Timestamp, 0).After(before) {
			return true
		}
	}
	return false
}

// causeOf returns the cause, for event.SessionRepaired, that a message did not open; "" if
// that points to no loss.
func causeOf(err error) enum.SessionFault {
	switch {
	case errors.Is(err, session.ErrNoPreKey):
		return enum.FaultNoPreKey
	case errors.Is(err, session.ErrNoSession):
		return enum.FaultNoSession
	case errors.Is(err, session.ErrDecrypt):
		return enum.FaultUndecryptable
	}
	return ""
}

// probeMessage is an MVDS message whose receiver acknowledges it and does nothing else:
// an application message of no type that nobody signed.
// Spec: 2/MVDS, "Payloads".
func probeMessage(a *account, to key.Public, now time.Time) ([]byte, error) {
	body, err := proto.Marshal(&wire.ApplicationMetadataMessage{Payload: now.AppendFormat(nil, time.RFC3339Nano)})
	if err != nil {
		return nil, err
	}
	return datasync.Encode(datasync.Payload{Messages: []datasync.Message{
		{GroupID: datasync.GroupID(a.public, to), Timestamp: now.Unix(), Body: body},
	}})
}
