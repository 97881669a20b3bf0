// Package ratelimit bounds how often something may happen: a token bucket that counts the
// tokens that were taken, for one or for each of many.
//
// A clock that is set back refills nothing and holds nothing up: from then on a bucket
// fills by the new time. golang.org/x/time/rate differs in that, and cannot tell apart
// looking for a token and taking it.
package ratelimit

import "time"

// Rate is the size of a bucket, and the time after which one token comes back.
type Rate struct {
	AtOnce int
	Every  time.Duration
}

// Bucket holds tokens. The zero value is full.
type Bucket struct {
	used  int
	since time.Time // when the last token came back
}

// Refill gives back the tokens that time has brought, one each every.
func (b *Bucket) Refill(now time.Time, every time.Duration) {
	if back := int(now.Sub(b.since) / every); back > 0 || now.Before(b.since) {
		b.used, b.since = max(0, b.used-max(back, 0)), now
	}
}

// Used returns the number of tokens taken.
func (b *Bucket) Used() int { return b.used }

// Has reports whether a bucket of size tokens has one.
func (b *Bucket) Has(size int) bool { return b.used < size }

// Take takes a token, if a bucket of size tokens has one.
func (b *Bucket) Take(size int) bool {
	if !b.Has(size) {
		return false
	}
	b.used++
	return true
}

// Return gives one token back.
func (b *Bucket) Return() { b.used = max(0, b.used-1) }

// Allow refills the bucket and takes a token, if there is one.
func (b *Bucket) Allow(now time.Time, r Rate) bool {
	b.Refill(now, r.Every)
	return b.Take(r.AtOnce)
}

// Next returns the time of the next token: the zero time if there is one already.
func (b *Bucket) Next(r Rate) time.Time {
	if b.Has(r.AtOnce) {
		return time.Time{}
	}
	return b.since.Add(r.Every)
}

// SetBack follows a clock that was set back by a negative duration.
func (b *Bucket) SetBack(by time.Duration) {
	if !b.since.IsZero() {
		b.since = b.since.Add(by)
	}
}
