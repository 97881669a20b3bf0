package key

import "fmt"

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (k Private) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (k Private) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
