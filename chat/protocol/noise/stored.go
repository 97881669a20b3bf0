package noise

import (
	"encoding/binary"

	"libstatus1to1/chat/protocol/key"
)

// handshakeVersion is the version of a stored handshake: its configuration and the messages
// so far, which are replayed when it is read. Numbers are big-endian. All of it is secret:
// encrypt it before it touches a disk.
const handshakeVersion = 1

// Marshal is the handshake for storing: secret bytes.
func (h Handshake) Marshal() []byte {
	c := h.config
	b := AppendFlag([]byte{handshakeVersion, byte(c.Pattern.ProtocolID())}, c.Initiator)
	b = append(b, c.Static.scalar[:]...)
	b = append(b, c.Ephemeral.scalar[:]...)
	b = append(b, c.RemoteStatic[:]...)
	b = append(b, c.RemoteEphemeral[:]...)
	b = append(b, c.PSK[:]...)
	b = append(b, c.Nametag[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.Prologue)))
	b = append(b, c.Prologue...)
	b = append(b, byte(len(h.log)))
	for _, m := range h.log {
		b = AppendBytes(b, m)
	}
	return b
}

// UnmarshalHandshake reads what Marshal wrote and replays the messages. Error: ErrStored.
func UnmarshalHandshake(b []byte) (Handshake, error) {
	r := NewReader(b)
	if r.Byte() != handshakeVersion {
		return Handshake{}, ErrStored
	}
	c := Config{Pattern: byID(ProtocolID(r.Byte()))}
	c.Initiator = r.Flag()
	c.Static, c.Ephemeral = r.Key(), r.Key()
	copy(c.RemoteStatic[:], r.Take(KeySize))
	copy(c.RemoteEphemeral[:], r.Take(KeySize))
	copy(c.PSK[:], r.Take(len(key.Secret{})))
	copy(c.Nametag[:], r.Take(NametagSize))
	c.Prologue = r.Take(int(r.Uint16()))
	messages := int(r.Byte())
	if r.Failed() {
		return Handshake{}, ErrStored
	}
	h, err := New(c)
	if err != nil || messages > c.Pattern.Messages() {
		return Handshake{}, ErrStored
	}
	for range messages {
		own := h.Turn() == TurnWrite
		if h, _, err = h.read(r.Bytes(), own); err != nil {
			return Handshake{}, ErrStored
		}
	}
	if !r.Done() {
		return Handshake{}, ErrStored
	}
	return h, nil
}

// byID is the pattern with this protocol id, or the zero value.
func byID(id ProtocolID) Pattern {
	for i := range tables {
		if tables[i].id == id {
			return Pattern{&tables[i]}
		}
	}
	return Pattern{}
}
