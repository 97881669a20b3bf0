package bench

import (
	"fmt"
	"testing"

	"libstatus1to1/chat"
)

// BenchmarkNoise is a message each way and its receipt, everything acknowledged, by X3DH and by
// Noise: both sides of what a message costs. By Noise it is to cost no more.
func BenchmarkNoise(b *testing.B) {
	const x3dh, byNoise = "noise/x3dh", "noise/noise"
	comparesWith(byNoise, x3dh)
	for _, run := range []struct {
		name string
		by   chat.KeyExchange
	}{{x3dh, chat.KeyExchangeX3DH}, {byNoise, chat.KeyExchangeNoise}} {
		b.Run(string(run.by), func(b *testing.B) {
			w := newStopwatch(b)
			alice, bob := acquainted(b, false)
			if run.by == chat.KeyExchangeNoise {
				alice.overNoise(bob)
			}
			w.start()
			for i := range b.N {
				alice.say(bob.key, i)
				bob.hear(1)
				bob.say(alice.key, i)
				alice.hear(1)
			}
			w.stop()
			w.done(run.name, b.N)
		})
	}
}

// BenchmarkWholeNoise is BenchmarkWhole and BenchmarkWholeOne by Noise, against them.
func BenchmarkWholeNoise(b *testing.B) {
	const sync = false
	for _, how := range []mode{modes[0], modes[2]} {
		b.Run(how.String(), func(b *testing.B) {
			name, against := fmt.Sprintf("whole-noise/%s/%s", how, syncName(sync)), "whole"
			if how.n == 1 {
				against = "whole-one"
			}
			comparesWith(name, fmt.Sprintf("%s/%s/%s", against, how, syncName(sync)))
			alice, bob := relayed.pair(b, sync, wholeSettings())
			alice.overNoise(bob)
			if how.n == 1 {
				floorOfOne(b, name, relayed, sync)
				runOne(b, name, alice, bob)
				return
			}
			runWhole(b, name, alice, bob, how)
		})
	}
}

// overNoise has p and another person write to one another by Noise from now on.
func (p *person) overNoise(with *person) {
	p.b.Helper()
	if _, err := p.SetKeyExchange(with.key, chat.KeyExchangeNoise, ""); err != nil {
		p.b.Fatal(err)
	}
	p.say(with.key, 0)
	with.hear(1)
	with.say(p.key, 0)
	p.hear(1)
	for _, side := range []struct{ me, you *person }{{p, with}, {with, p}} {
		side.me.until("a Noise session", func(chat.Diagnostics) bool {
			c, err := side.me.Contact(side.you.key)
			return err == nil && c.KeyExchange == chat.KeyExchangeNoise
		})
		side.me.acknowledged()
		side.me.drain()
	}
}
