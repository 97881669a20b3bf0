package chat

import (
	"encoding/binary"
	"strings"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

func attemptKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

func (at *attempt) record() *wire.AttemptRecord {
	r := &wire.AttemptRecord{
		Id: at.id, Peer: at.peer.Compressed(), ContentTopic: strings.Clone(at.contentTopic), Payload: at.payload,
	}
	for _, id := range at.rows {
		r.MvdsIds = append(r.MvdsIds, id[:])
	}
	return r
}

func attemptFromRecord(b []byte) (*attempt, error) {
	var r wire.AttemptRecord
	if err := decodeRecord(tableAttempts, b, &r); err != nil {
		return nil, err
	}
	peer, err := key.ParsePublic(r.GetPeer())
	if err != nil {
		return nil, Errorf(CodeStoreCorrupt, "", "an attempt does not read back")
	}
	at := &attempt{id: r.GetId(), peer: peer, contentTopic: r.GetContentTopic(), payload: r.GetPayload()}
	for _, id := range r.GetMvdsIds() {
		if len(id) != 32 {
			return nil, Errorf(CodeStoreCorrupt, "", "an attempt does not read back")
		}
		at.rows = append(at.rows, [32]byte(id))
	}
	return at, nil
}
