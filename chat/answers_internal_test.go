package chat

import (
	"testing"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Repairs stay rare however long the waits are and however many were in a row.
func TestAnswersStayRare(t *testing.T) {
	const day = 24 * time.Hour
	c := &Client{settings: Settings{ResendBase: day, AdvertiseEvery: 7 * day}}
	c.loop.answered, _ = lru.New[answer, lastAnswer](8)
	w, now := answer{installation: "theirs", restart: true}, time.Unix(1_800_000_000, 0)
	for i := range 40 {
		now = now.Add(7 * day)
		if !c.mayAnswer(w, now) {
			t.Fatalf("answer %d is refused", i)
		}
		if c.mayAnswer(w, now.Add(time.Hour)) {
			t.Fatalf("answer %d again within the hour", i)
		}
	}
}
