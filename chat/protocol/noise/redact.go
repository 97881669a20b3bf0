package noise

import "fmt"

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (k PrivateKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (k PrivateKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "[redacted]" for every verb.
func (h Handshake) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]". Marshal is for storing.
func (h Handshake) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "[redacted]" for every verb.
func (t Transport) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]". Marshal is for storing.
func (t Transport) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "[redacted]" for every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]".
func (c Config) MarshalText() ([]byte, error) { return []byte(redacted), nil }
