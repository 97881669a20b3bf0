package topic

import (
	"fmt"
	"io"
)

// Format prints the content topic for every verb, never the name.
func (t Topic) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.ContentTopic()) }

// MarshalText gives the content topic, so that JSON and log encoders do too.
func (t Topic) MarshalText() ([]byte, error) { return []byte(t.ContentTopic()), nil }
