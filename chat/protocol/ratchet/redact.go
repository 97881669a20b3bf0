package ratchet

import "fmt"

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (s State) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too. Marshal is
// for storing.
func (s State) MarshalText() ([]byte, error) { return []byte(redacted), nil }
