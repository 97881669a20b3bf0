package ledger

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// StoredEvent is an event as QueueEvents holds it.
type StoredEvent struct {
	Type string          `json:"type"`
	At   int64           `json:"at"` // ms since 1970
	Data json.RawMessage `json:"data"`
}

// encodeEvent is the JSON of a StoredEvent, without reading data once more.
func encodeEvent(kind string, at int64, data []byte) []byte {
	b := make([]byte, 0, len(data)+len(kind)+64)
	b = append(strconv.AppendQuote(append(b, `{"type":`...), kind), `,"at":`...)
	b = append(strconv.AppendInt(b, at, 10), `,"data":`...)
	return append(append(b, data...), '}')
}

// decodeEvent reads what encodeEvent made, without looking at the data. ok is false
// when it is anything else.
func decodeEvent(b []byte) (e StoredEvent, ok bool) {
	rest, ok := bytes.CutPrefix(b, []byte(`{"type":"`))
	kind, rest, ok2 := bytes.Cut(rest, []byte(`","at":`))
	at, data, ok3 := bytes.Cut(rest, []byte(`,"data":{`))
	if !ok || !ok2 || !ok3 || bytes.ContainsAny(kind, `"\\`) || !bytes.HasSuffix(data, []byte("}}")) {
		return e, false
	}
	e.Type, e.Data = string(kind), rest[len(rest)-len(data)-1:len(rest)-1]
	var err error
	e.At, err = strconv.ParseInt(string(at), 10, 64)
	return e, err == nil
}
