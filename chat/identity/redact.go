package identity

import "fmt"

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (p Phrase) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (p Phrase) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "[redacted]" for every verb.
func (m Master) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (m Master) MarshalText() ([]byte, error) { return []byte(redacted), nil }
