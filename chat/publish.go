package chat

import "context"

// publish sends b with a fresh timestamp: gossipsub swallows an envelope it has
// seen in the last two minutes, and a republished attempt must not be.
func (c *Client) publish(contentTopic string, b []byte) (Evidence, error) {
	return c.publishEnvelope(Envelope{ContentTopic: contentTopic, Payload: b, Version: 1})
}

// publishEnvelope publishes e on our pubsub topic with a fresh timestamp.
func (c *Client) publishEnvelope(e Envelope) (Evidence, error) {
	ctx, cancel := context.WithTimeout(c.ctx, publishTimeout)
	defer cancel()
	e.PubsubTopic, e.Timestamp = c.net.PubsubTopic(), c.now().UnixNano()
	return c.net.Publish(ctx, e)
}
