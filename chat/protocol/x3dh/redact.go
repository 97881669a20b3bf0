package x3dh

import "fmt"

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (k PreKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (k PreKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "[redacted]" for every verb.
func (p PreKeys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too. Marshal is
// for storing.
func (p PreKeys) MarshalText() ([]byte, error) { return []byte(redacted), nil }
