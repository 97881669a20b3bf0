package port

// Meter is implemented by a Transport that counts what it costs a phone.
type Meter interface {
	// Traffic returns counters over all starts of the transport.
	Traffic() Traffic
}

// Traffic counts bytes on the wire, and how often something arrived or was due while the
// transport was idle before: what wakes a processor and a radio.
type Traffic struct {
	BytesIn  uint64 `json:"bytes_in"`
	BytesOut uint64 `json:"bytes_out"`
	Wakeups  uint64 `json:"wakeups"`
}
