package linking

import (
	"io"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// Host connects linking with the engine around it.
type Host struct {
	Ledger *ledger.Ledger
	Topics Topics
	// Publish hands an envelope to the network on the engine's pubsub topic. After an
	// error the engine makes turns that are not Online until it may be tried again, except
	// after port.ErrTooLarge, which is about this envelope alone.
	Publish func(port.Envelope) error
	// Self is the identity of this installation, or what stands in for it while it has none
	// and is to be paired; otherwise the error for a caller without one.
	Self func() (Self, error)
	Rand io.Reader
	Log  port.Logger
	// Drop counts something without effect under a reason.
	Drop func(reason string)
	// Stored is called after a transaction that wrote something: the store works.
	Stored func()
	// Wake makes the loop look for work.
	Wake func()
}

// Topics is the part of the network that linking uses besides publishing. Both methods
// ignore what is so already.
type Topics interface {
	Subscribe(contentTopics ...string) error
	Unsubscribe(contentTopics ...string) error
	// MaxPayload is the length of the largest payload of an envelope, bytes.
	MaxPayload() int
}

// Self is this installation: its identity, which certifies the Noise key, and its id.
type Self struct {
	Identity       key.Private
	Public         key.Public
	InstallationID string
	// Provisional: there is no identity yet. Identity is a key made for the pairing.
	Provisional bool
}

// Linking is the engine's part for paired devices. Its methods take a *ledger.Turn, which
// only the holder of the engine's lock has; that lock guards all fields.
type Linking struct {
	host Host

	key       staticKey
	pairings  map[PairingID]pairingEntry
	transfers map[transferName]transferEntry
	sessions  noisesession.Set
	early     earlyChunks

	topics   map[string]bool // those we listen to
	relisten bool            // they may not be those to listen to
	queue    []outgoing      // stored, and to be published

	// pause follows a step that could not be stored although the store works, listenPause
	// a network that refused a topic.
	pause, listenPause ledger.Pause
}

// outgoing is a payload to publish.
type outgoing struct {
	topic   string
	payload []byte
}

// New makes the part without pairings; Load reads those of the store.
func New(host Host) *Linking {
	return &Linking{
		host: host, pairings: map[PairingID]pairingEntry{}, transfers: map[transferName]transferEntry{}, topics: map[string]bool{},
	}
}

// ShiftClock moves what is due by the time of day, after somebody has set the clock by by.
func (l *Linking) ShiftClock(_ *ledger.Turn, by time.Duration) {
	l.pause.Shift(by)
	l.listenPause.Shift(by)
	for id, e := range l.pairings {
		if !e.nextSend.IsZero() {
			e.nextSend = e.nextSend.Add(by)
			l.pairings[id] = e
		}
	}
}

// listen subscribes to the topics of pairings and sessions, and to no others. What fails is
// tried again, after a pause: the next turn may come at once.
func (l *Linking) listen(now time.Time) {
	if !l.relisten || l.listenPause.Lasts(now) {
		return
	}
	if err := l.subscribe(); err != nil {
		l.host.Log.Log("warn", "subscribing failed", "kind", "noise", "error", err.Error())
		l.listenPause.Failed(now)
		return
	}
	l.relisten = false
	l.listenPause.End()
}

func (l *Linking) subscribe() error {
	wanted := map[string]bool{}
	for _, e := range l.pairings {
		if e.proto != nil {
			wanted[e.proto.Topic()] = true
		}
	}
	for _, topic := range l.sessions.Topics() {
		wanted[topic] = true
	}
	for topic := range l.topics {
		if !wanted[topic] {
			if err := l.host.Topics.Unsubscribe(topic); err != nil {
				return err
			}
			delete(l.topics, topic)
		}
	}
	for topic := range wanted {
		if !l.topics[topic] {
			if err := l.host.Topics.Subscribe(topic); err != nil {
				return err
			}
			l.topics[topic] = true
		}
	}
	return nil
}
