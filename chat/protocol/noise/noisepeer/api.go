package noisepeer

import (
	"io"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/wire"
)

// Self is our side: the static key of this installation with the certificate that ties it to
// the identity.
type Self struct {
	Static      noise.PrivateKey
	Certificate noise.Certificate
}

// Peer is all that Noise chats need to know of one identity. The zero value with an Identity
// is somebody we know nothing of. It is secret and redacts itself.
type Peer struct {
	Identity key.Public
}

// SecretKind is where a shared secret comes from. The numbers are sent and stored.
type SecretKind byte

// The kinds of shared secrets.
const (
	CardSecret    SecretKind = 1 // of a contact card, by the id of the secret in the card
	SessionSecret SecretKind = 2 // of an X3DH session (noisesession.PSK); the id names the session
)

// SecretID names a secret that both sides have. ID is 1 to MaxSecretID bytes.
type SecretID struct {
	Kind SecretKind
	ID   string
}

// MaxSecretID is the length of the longest id of a secret.
const MaxSecretID = 32

// Frame is a handshake message for a device of the identity. It goes in a payload (26) that is
// signed and sealed for the identity: whoever receives it knows whose it is.
type Frame struct {
	Installation string // the device it is for
	Bytes        []byte
}

// Outgoing is a version-2 payload, to be published on the topic of a session.
type Outgoing struct {
	Installation string // the device at the other end
	Topic        string
	Payload      []byte
}

// Device is what is known of a device of the identity.
type Device struct {
	Installation string
	// Ready: messages can be sealed for it now.
	Ready bool
	// Pending: a handshake with it is under way.
	Pending bool
	// Confirmed: it has been heard in the session that messages are sealed in.
	Confirmed bool
	// Away: the session is with another device of ours (HandOver).
	Away bool
	// Pattern is that of the handshake of the session, or of the one under way.
	Pattern string
	// Session is the ct-id of the session, empty without one; Since is when it was
	// established, Heard when the device was last heard in it, Expires when the device's
	// certificate runs out.
	Session               string
	Since, Heard, Expires time.Time
	Sent, Received        uint64
}

// Received is what came of a frame.
type Received struct {
	// Installation is the device that sent it.
	Installation string
	// Frames go back to it, and Outgoing on the topics of its sessions.
	Frames   []Frame
	Outgoing []Outgoing
	// Established: a session was made, in which messages can be sealed now. The device has
	// proven who it is, by the certificate of the identity.
	Established bool
}

// Opened is the content of a payload of a session.
type Opened struct {
	Installation string // who sent it
	Kind         Kind
	Plaintext    []byte                // of Data
	Handover     noisesession.Handover // of Handed
	// Confirmed: this is the first message in the session. It has replaced the former ones
	// with the device.
	Confirmed bool
}

// Kind is the kind of what is in a payload. The numbers are sent.
type Kind byte

// The kinds.
const (
	Data         Kind = iota + 1 // a message
	Confirmation                 // nothing: the device has the session
	Termination                  // the device has ended the session
	Handed                       // a session with somebody, from another device of ours (Adopt)
	Unsupported                  // a kind that this version does not know
)

// Knowledge of the devices.

// LearnCertificate takes the certificate of a device, from a card or a bundle: its static key
// is known from now on (XK1). An older certificate than the one known changes nothing.
// Errors: ErrCertificate, ErrTooMany.
func (p Peer) LearnCertificate(c noise.Certificate, now time.Time) (Peer, error) {
	panic("its body follows")
}

// LearnSecret takes a secret that is shared with a device, for handshakes in either direction
// (XXpsk0). One of the same kind is replaced. It is of no use after expires; the zero time is
// never. Errors: ErrSecret, ErrTooMany.
func (p Peer) LearnSecret(installation string, id SecretID, secret key.Secret, expires time.Time) (Peer, error) {
	panic("its body follows")
}

// Forget drops all that is known of a device: sessions, handshakes, certificate, secrets.
func (p Peer) Forget(installation string) Peer {
	panic("its body follows")
}

// Devices are the known devices, by installation id.
func (p Peer) Devices() []Device {
	panic("its body follows")
}

// Device is what is known of one device.
func (p Peer) Device(installation string) (Device, bool) {
	panic("its body follows")
}

// Topics are the content topics to listen to: those of all sessions that can still open
// something.
func (p Peer) Topics() []string {
	panic("its body follows")
}

// Handshakes.

// Begin begins a handshake with a device that there is no session with, or that may have lost
// it. While one is under way, and while there is a session, it changes nothing and returns no
// frame (see Renew). Which pattern follows from what is known: K1K1 with the session before,
// XXpsk0 with a secret, XK1 with a certificate, else XX. Errors: ErrTooMany, ErrSelf, those of
// rand.
func (p Peer) Begin(self Self, installation string, now time.Time, rand io.Reader) (Peer, []Frame, error) {
	panic("its body follows")
}

// Renew begins a handshake as Begin does although there is a session, which goes on until the
// new one is confirmed.
func (p Peer) Renew(self Self, installation string, now time.Time, rand io.Reader) (Peer, []Frame, error) {
	panic("its body follows")
}

// Receive takes a frame that the caller knows to be of the identity. secrets gives secrets that
// the Peer was not told of, the one of our own card above all; it may be nil. What it returns is
// to be committed and sent also when Established is not set. Errors, after which the peer is as
// it was: ErrFrame, ErrHandshake, ErrAuth, ErrCertificate, ErrClock, ErrTooMany, ErrSelf, those
// of rand.
func (p Peer) Receive(self Self, frame []byte, secrets func(SecretID) (key.Secret, bool), now time.Time, rand io.Reader) (Peer, Received, error) {
	panic("its body follows")
}

// Addressee is the installation that a frame is for and the one it comes from, as it says.
// Error: ErrFrame.
func Addressee(frame []byte) (to, from string, err error) {
	panic("its body follows")
}

// Tick does what is due by the clock: handshake frames go out again, byte for byte, until they
// are answered; sessions are renewed by age, by count, before our certificate runs out in them,
// and when the device seems to have lost them; what is over ends. Changed reports whether the
// value differs. Errors: ErrSelf, those of rand.
func (p Peer) Tick(self Self, now time.Time, rand io.Reader) (next Peer, frames []Frame, changed bool, err error) {
	panic("its body follows")
}

// Due is when Tick has something to do next, the zero time for never.
func (p Peer) Due(self Self, now time.Time) time.Time {
	panic("its body follows")
}

// Messages.

// MaxPlaintext is the longest plaintext that Seal takes.
const MaxPlaintext = noisesession.MaxText - 41

// Seal seals a message for these devices, for each in its session. The devices that have none
// are returned as missing. What is sealed for one device is sent again as the same bytes, or
// sealed again. Errors: ErrTooLong, those of rand.
func (p Peer) Seal(plaintext []byte, installations []string, now time.Time, rand io.Reader) (next Peer, out []Outgoing, missing []string, err error) {
	panic("its body follows")
}

// Open opens a payload from the topic of a session. Errors, after which the peer is as it was:
// ErrNoSession, ErrOpen.
func (p Peer) Open(topic string, payload []byte, now time.Time) (Peer, Opened, error) {
	panic("its body follows")
}

// Terminate ends all sessions and handshakes and gives the payloads that tell the devices so.
func (p Peer) Terminate(now time.Time, rand io.Reader) (Peer, []Outgoing, error) {
	panic("its body follows")
}

// Hand-over of sessions among our own devices (N11M).

// HandOver gives the session with a device away: it can only open from now on. The hand-over
// goes to a device of ours by SealHandover. Error: ErrNoSession.
func (p Peer) HandOver(installation string, now time.Time) (Peer, noisesession.Handover, error) {
	panic("its body follows")
}

// SealHandover seals a hand-over for one of our own devices; p is the Peer of our own identity.
// Errors: ErrHandover for another identity, ErrNoSession.
func (p Peer) SealHandover(self Self, h noisesession.Handover, installation string, now time.Time, rand io.Reader) (Peer, Outgoing, error) {
	panic("its body follows")
}

// Adopt takes a session with this identity that a device of ours has handed over: own is the
// Peer of our identity and from the device. A session that we had given away is taken back.
// Errors: ErrHandover, ErrTooMany.
func (p Peer) Adopt(self Self, h noisesession.Handover, from string, now time.Time) (Peer, error) {
	panic("its body follows")
}

// Record is p in the form the store keeps. It is secret.
func (p Peer) Record() *wire.NoisePeerRecord {
	panic("its body follows")
}

// FromRecord reads what Record wrote. Error: ErrRecord.
func FromRecord(identity key.Public, r *wire.NoisePeerRecord) (Peer, error) {
	panic("its body follows")
}
