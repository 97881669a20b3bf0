package chat

import (
	"context"
	"errors"
	"time"
)

// publishTimeout bounds one hand-over to the network.
const publishTimeout = 10 * time.Second

// publishAll hands stored attempts to the network, oldest first, and reports
// whether all are out.
func (c *Client) publishAll() bool {
	for len(c.loop.unpublished) > 0 {
		at := c.loop.unpublished[0]
		evidence, err := c.publish(at.contentTopic, at.payload, c.outbox.latestClock(at.rows))
		switch {
		case errors.Is(err, ErrTooLarge):
			at.failure = CodeTooLarge
		case err != nil:
			c.log.Log("info", "publishing failed", "error", err.Error())
			at.tried = at.tried || !errors.Is(err, ErrNoPeers)
			c.loop.networkPause.failed(c.now())
			return false
		}
		c.loop.networkPause.wentWell()
		c.probe(ProbeBeforeMark)
		at.evidence = evidence
		c.counters.published(at)
		c.loop.unpublished = c.loop.unpublished[1:]
		c.loop.published = append(c.loop.published, at)
	}
	return true
}

// publish sends b with a fresh timestamp: gossipsub swallows an envelope it has
// seen in the last two minutes, and a republished attempt must not be. clock is the
// latest clock of a message in it, or 0.
func (c *Client) publish(contentTopic string, b []byte, clock uint64) (Evidence, error) {
	return c.publishEnvelope(Envelope{
		ContentTopic: contentTopic, Payload: b, Version: 1, Timestamp: envelopeTime(c.now(), clock).UnixNano(),
	})
}

// publishEnvelope publishes e on our pubsub topic, with a fresh timestamp if it has
// none.
func (c *Client) publishEnvelope(e Envelope) (Evidence, error) {
	ctx, cancel := context.WithTimeout(c.life.ctx, publishTimeout)
	defer cancel()
	e.PubsubTopic = c.net.PubsubTopic()
	if e.Timestamp == 0 {
		e.Timestamp = c.now().UnixNano()
	}
	return c.net.Publish(ctx, e)
}
