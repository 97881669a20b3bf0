package datasync

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// Limits of a payload we look at. What fits the network's 1 MiB never reaches
// them: an id takes 36 bytes on the wire, a message with its signature above 128.
const (
	// MaxIDs bounds acks, offers and requests, each.
	MaxIDs = 32768
	// MaxMessages bounds messages.
	MaxMessages = 8192
	// AckSize is an acknowledgement on the wire, and MessageOverhead at most what a
	// message takes there besides its body, in bytes.
	AckSize         = 36
	MessageOverhead = 64
)

// What encoding and decoding can fail with.
var (
	// ErrNotMVDS: no field of a payload is there. A bare application message is
	// like that: pass the bytes on to message.Unwrap.
	ErrNotMVDS = errors.New("datasync: not an MVDS payload")
	// ErrMalformed: not protobuf, or an id or group id that is not 32 bytes.
	ErrMalformed = errors.New("datasync: malformed MVDS payload")
	// ErrEmpty: nothing to encode; nobody could tell it from another message.
	ErrEmpty = errors.New("datasync: empty MVDS payload")
	// ErrTooMany: above MaxIDs or MaxMessages.
	ErrTooMany = errors.New("datasync: too many entries in an MVDS payload")
)

// Payload is one synchronisation step with one peer. Batch mode needs Acks and
// Messages only; a peer in interactive mode offers and requests.
type Payload struct {
	// Acks are the ids of messages the sender has.
	Acks [][32]byte
	// Offers are the ids of messages the sender could send, with or without
	// their group named.
	Offers [][32]byte
	// Requests are the ids of messages the sender asks for.
	Requests [][32]byte
	Messages []Message
}

// IsEmpty reports whether there is nothing to send.
func (p Payload) IsEmpty() bool {
	return len(p.Acks)+len(p.Offers)+len(p.Requests)+len(p.Messages) == 0
}

// Encode is the payload on the wire. Errors: ErrEmpty, ErrTooMany.
// Spec: 2/MVDS, "Payloads".
func Encode(p Payload) ([]byte, error) {
	if p.IsEmpty() {
		return nil, ErrEmpty
	}
	if max(len(p.Acks), len(p.Offers), len(p.Requests)) > MaxIDs || len(p.Messages) > MaxMessages {
		return nil, ErrTooMany
	}
	out := &wire.MVDSPayload{
		Acks:     idSlices(p.Acks),
		Offers:   idSlices(p.Offers),
		Requests: idSlices(p.Requests),
	}
	for _, m := range p.Messages {
		out.Messages = append(out.Messages, &wire.MVDSMessage{
			GroupId:   m.GroupID[:],
			Timestamp: m.Timestamp,
			Body:      m.Body,
		})
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(out)
}

// Decode reads a payload. Unknown fields are skipped; offers by group join
// Offers. Errors: ErrNotMVDS, ErrMalformed, ErrTooMany.
// Spec: 2/MVDS, "Payloads".
func Decode(b []byte) (Payload, error) {
	if err := checkCounts(b); err != nil {
		return Payload{}, err
	}
	var in wire.MVDSPayload
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, &in); err != nil {
		return Payload{}, ErrMalformed
	}
	return fromWire(&in)
}

// fromWire checks the lengths of everything and the number of offers.
func fromWire(in *wire.MVDSPayload) (Payload, error) {
	var p Payload
	var err error
	if p.Acks, err = appendIDs(nil, in.GetAcks()); err != nil {
		return Payload{}, err
	}
	if p.Offers, err = appendIDs(nil, in.GetOffers()); err != nil {
		return Payload{}, err
	}
	for _, g := range in.GetGroupOffers() {
		if p.Offers, err = appendIDs(p.Offers, g.GetMessageIds()); err != nil {
			return Payload{}, err
		}
	}
	if p.Requests, err = appendIDs(nil, in.GetRequests()); err != nil {
		return Payload{}, err
	}
	for _, m := range in.GetMessages() {
		group, ok := id(m.GetGroupId())
		if !ok {
			return Payload{}, ErrMalformed
		}
		p.Messages = append(p.Messages, Message{GroupID: group, Timestamp: m.GetTimestamp(), Body: m.GetBody()})
	}
	return p, nil
}

// checkCounts walks the top-level fields before anything is allocated for them:
// a hostile payload may hold a quarter of a million empty messages.
func checkCounts(b []byte) error {
	var counts [knownFields]int
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeField(b)
		if n < 0 {
			return ErrMalformed
		}
		if i := number - firstField; typ == protowire.BytesType && i >= 0 && i < knownFields {
			counts[i]++
		}
		b = b[n:]
	}
	if counts == [knownFields]int{} {
		return ErrNotMVDS
	}
	for i, n := range counts {
		if n > MaxIDs || firstField+protowire.Number(i) == messagesField && n > MaxMessages {
			return ErrTooMany
		}
	}
	return nil
}

// Field numbers of the payload, as in datasync.proto: acks, offers, requests,
// messages and group offers follow each other.
const (
	firstField    protowire.Number = 5001
	messagesField protowire.Number = 5004
	knownFields                    = 5
)

func appendIDs(to [][32]byte, in [][]byte) ([][32]byte, error) {
	if len(to)+len(in) > MaxIDs {
		return nil, ErrTooMany
	}
	for _, b := range in {
		v, ok := id(b)
		if !ok {
			return nil, ErrMalformed
		}
		to = append(to, v)
	}
	return to, nil
}

func id(b []byte) ([32]byte, bool) {
	if len(b) != 32 {
		return [32]byte{}, false
	}
	return [32]byte(b), true
}

func idSlices(ids [][32]byte) [][]byte {
	out := make([][]byte, len(ids))
	for i := range ids {
		out[i] = ids[i][:]
	}
	return out
}
