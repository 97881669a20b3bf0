package ledger

import (
	"encoding/binary"
	"time"

	"libstatus1to1/chat/port"
)

// NumberSize is the size of the names of a numbered table.
const NumberSize = 8

// NumberKey is the name of a record of a numbered table: port.Table.Numbered.
func NumberKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, NumberSize), number)
}

// IDs reads ids of 32 bytes as records hold them; others are CodeStoreCorrupt.
func IDs(in [][]byte) ([][32]byte, error) {
	ids := make([][32]byte, 0, len(in))
	for _, id := range in {
		if len(id) != 32 {
			return nil, port.Errorf(port.CodeStoreCorrupt, "", "an id is not 32 bytes")
		}
		ids = append(ids, [32]byte(id))
	}
	return ids, nil
}

// Milli is t in ms since 1970, as records hold times; 0 for the zero time.
func Milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// TimeOf reads what Milli wrote.
func TimeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
