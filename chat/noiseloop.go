package chat

import (
	"errors"
	"time"
)

// What the loop does for pairings, their sessions and transfers: it takes their envelopes,
// does what is due, and publishes what was stored.

// receiveNoise takes the envelopes of pairings and their sessions out of a batch and
// handles them in one transaction. It gives the others.
func (c *Client) receiveNoise(batch []Envelope) (rest []Envelope) {
	if c.self.Load() == nil || len(c.loop.noise.topics) == 0 || len(batch) == 0 {
		return batch
	}
	var ours []Envelope
	for _, e := range batch {
		if c.loop.noise.topics[e.ContentTopic] {
			ours = append(ours, e)
		} else {
			rest = append(rest, e)
		}
	}
	if len(ours) == 0 {
		return rest
	}
	done, err := len(ours), c.takeNoise(ours, c.online.is())
	if err != nil && !passing(err) {
		done, err = isolated(ours, func(some []Envelope) error { return c.takeNoise(some, false) }, func(_ Envelope, err error) {
			c.log.Log("error", "an envelope of a pairing cannot be stored", "code", string(CodeOf(err)))
			c.counters.drop("noise_" + unstorable(err))
		})
	} else if err != nil {
		done = 0
	}
	if err != nil {
		c.noiseFailed(err)
		c.loop.unstored = append(ours[done:], rest...)
		return nil
	}
	return rest
}

// takeNoise takes envelopes, and with pump what is due to be sent, in one transaction.
func (c *Client) takeNoise(envelopes []Envelope, pump bool) error {
	p := c.noisePass(c.self.Load())
	p.expire() // before anything of theirs is opened
	for _, e := range envelopes {
		if err := p.take(e); err != nil {
			c.counters.drop(reasonOf(err))
			c.log.Log("debug", "envelope dropped", "reason", reasonOf(err))
		}
	}
	p.answer()
	if pump {
		p.pump()
	}
	stores := p.toStore()
	if err := p.commit(); err != nil {
		return err
	}
	c.noiseWentWell(stores)
	return nil
}

// noiseFailed holds back the loop when the store cannot be written, and else only
// what it does for pairings.
func (c *Client) noiseFailed(err error) {
	c.log.Log("error", "storing a step of a pairing failed", "code", string(CodeOf(err)))
	if passing(err) {
		c.loop.storePause.failed(c.now())
		return
	}
	c.counters.drop("noise_" + unstorable(err))
	c.loop.noise.pause.failed(c.now())
}

func (c *Client) noiseWentWell(stored bool) {
	if stored {
		c.loop.storePause.wentWell()
		c.loop.noise.pause.wentWell()
	}
}

// noiseVersion is the version of a WakuMessage with a Noise payload.
// Spec: 35/WAKU2-NOISE, "Specification".
const noiseVersion = 2

func (p *noisePass) take(e Envelope) error {
	if e.Version != noiseVersion {
		return dropped("version")
	}
	if _, err := p.set.ByTopic(e.ContentTopic); err == nil {
		return p.onSessionTopic(e)
	}
	return p.onPairingTopic(e)
}

// workNoise does what is due, and publishes it.
func (c *Client) workNoise() {
	a := c.self.Load()
	for a != nil && c.ctx.Err() == nil && !c.noisePauses(c.now()) && c.publishPosts() {
		p := c.noisePass(a)
		p.tick()
		p.expire()
		if c.online.is() {
			p.resend()
			p.silence()
			p.pump()
		}
		if p.idle() && len(p.pairings) == 0 {
			return
		}
		stores := p.toStore()
		if err := p.commit(); err != nil {
			c.noiseFailed(err)
			return
		}
		c.noiseWentWell(stores)
	}
}

// noisePauses reports whether nothing is done for pairings for a while.
func (c *Client) noisePauses(now time.Time) bool {
	return c.loop.storePause.lasts(now) || c.loop.noise.pause.lasts(now)
}

// publishPosts hands what is stored to the network and reports whether to go on: not
// after the network has failed.
func (c *Client) publishPosts() bool {
	for len(c.loop.noise.posts) > 0 && c.online.is() {
		if c.loop.networkPause.lasts(c.now()) {
			return false
		}
		next := c.loop.noise.posts[0]
		// Ephemeral: it is repeated until it is answered, so nobody has to keep it.
		_, err := c.publishEnvelope(Envelope{ContentTopic: next.topic, Payload: next.payload, Version: noiseVersion, Ephemeral: true})
		if err != nil && !errors.Is(err, ErrTooLarge) {
			c.log.Log("info", "publishing failed", "error", err.Error())
			c.loop.networkPause.failed(c.now())
			return false
		}
		c.loop.noise.posts = c.loop.noise.posts[1:]
	}
	return true
}

// noiseDue tells when the loop has something to do here.
func (c *Client) noiseDue(now time.Time, earlier func(time.Time)) {
	if c.loop.noise.pause.lasts(now) {
		earlier(c.loop.noise.pause.until)
		return
	}
	online := c.online.is() && !c.loop.networkPause.lasts(now)
	if online && len(c.loop.noise.posts) > 0 {
		earlier(now)
	}
	for _, e := range c.loop.noise.pairings {
		if e.proto != nil {
			earlier(e.wake())
		}
		if online && !e.next.IsZero() {
			earlier(e.next)
		}
		if s, err := c.loop.noise.sessions.Get(e.session); err == nil && e.state == pairingPaired {
			earlier(s.Expires())
		}
	}
}

// careNoise forgets what is over, and ends what has been silent for too long.
func (c *Client) careNoise(now time.Time) {
	a := c.self.Load()
	if a == nil {
		return
	}
	p := c.noisePass(a)
	p.expire()
	set, changed := p.set.Tick(now)
	p.set = set
	for _, s := range changed {
		p.sessions[s.ID()] = true
		if e := p.bySession(s.ID()); e != nil {
			p.end(e, false, CodePairingEnded)
		}
	}
	for _, e := range p.all() {
		age := now.Sub(e.endedAt)
		if e.over() && (age >= keepPast || e.discarded && age >= keepFarewell) {
			p.remove(e)
			continue
		}
		for _, t := range p.transfersOf(e.id) {
			p.careTransfer(t)
		}
	}
	if err := p.commit(); err != nil {
		c.log.Log("warn", "forgetting old pairings failed", "code", string(CodeOf(err)))
	}
	if len(c.loop.noise.pairings) > 0 {
		if _, err := c.noiseKey(a, now); err != nil {
			c.log.Log("warn", "renewing the certificate failed", "code", string(CodeOf(err)))
		}
	}
}
