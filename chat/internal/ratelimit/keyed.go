package ratelimit

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Keyed is a bucket for each of many keys, of which those used last are remembered.
type Keyed[K comparable] struct {
	rate    Rate
	buckets *lru.Cache[K, Bucket]
}

// NewKeyed remembers as many keys as remembered says, which is at least 1.
func NewKeyed[K comparable](rate Rate, remembered int) *Keyed[K] {
	buckets, _ := lru.New[K, Bucket](remembered) // fails only for a size below 1
	return &Keyed[K]{rate, buckets}
}

// Allow takes a token of a key's bucket, if there is one.
func (k *Keyed[K]) Allow(of K, now time.Time) bool {
	b, _ := k.buckets.Get(of)
	allowed := b.Allow(now, k.rate)
	k.buckets.Add(of, b)
	return allowed
}

// Next returns the time of the next token of a key's bucket: the zero time if there is one
// already.
func (k *Keyed[K]) Next(of K, now time.Time) time.Time {
	b, _ := k.buckets.Peek(of)
	b.Refill(now, k.rate.Every)
	return b.Next(k.rate)
}
