package event

// EnvelopeOutgoing is emitted, if network.kind is "external", for an envelope that the
// program is to publish: a WakuMessage (14/WAKU2-MESSAGE). Call network.published once that
// is done. An envelope that is not confirmed within a minute is asked for again, with the
// same envelope_id. The event is not stored: seq is 0, and what is not published before
// the client closes is asked for again after it has opened.
type EnvelopeOutgoing struct {
	// EnvelopeID names the envelope in network.published: 0x and 64 lower-case hex digits.
	// The same envelope has the same id each time.
	EnvelopeID   string `json:"envelope_id"`
	PubsubTopic  string `json:"pubsub_topic"`
	ContentTopic string `json:"content_topic"`
	Payload      []byte `json:"payload"` // encrypted, in base64
	Version      uint32 `json:"version"`
	// Timestamp is in ns since 1970, in decimal digits.
	Timestamp string `json:"timestamp"`
	// Ephemeral is true if store nodes need not keep the envelope.
	Ephemeral bool `json:"ephemeral"`
}

// ContentTopicsChanged is emitted, if network.kind is "external", when other content topics
// than before are listened to: see network.topics. It is not stored: seq is 0, and of
// several that wait only the latest is delivered.
type ContentTopicsChanged struct {
	Count int `json:"count"` // the number of content topics
}

func (EnvelopeOutgoing) Type() string     { return "envelope_outgoing" }
func (ContentTopicsChanged) Type() string { return "content_topics_changed" }
