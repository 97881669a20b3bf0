package pairing

import "fmt"

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (c Config) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "[redacted]" for every verb.
func (p Pairing) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]". Marshal is for storing.
func (p Pairing) MarshalText() ([]byte, error) { return []byte(redacted), nil }
