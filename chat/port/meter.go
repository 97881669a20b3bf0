package port

// Meter is implemented by a Transport that counts what it costs a phone.
type Meter interface {
	// Traffic returns counters over all starts of the transport.
	Traffic() Traffic
}

// Traffic counts bytes on the wire, and wake-ups: how often something arrived, was sent or
// was due after the transport had been idle, which wakes a phone's processor and radio.
type Traffic struct {
	BytesIn  uint64 `json:"bytes_in"`
	BytesOut uint64 `json:"bytes_out"`
	Wakeups  uint64 `json:"wakeups"`
}
