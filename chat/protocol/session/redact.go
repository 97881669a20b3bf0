package session

import "fmt"

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (o Order) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (o Order) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "[redacted]" for every verb.
func (c SkippedChange) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (c SkippedChange) MarshalText() ([]byte, error) { return []byte(redacted), nil }
