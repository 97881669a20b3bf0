package soak

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// written returns the books of alice, with messages 1 to n accepted and received, and the
// history that follows from it, newest first.
func written(n int) (*books, []entry) {
	b := &books{sender: "alice"}
	var p presence
	var history []entry
	for i := 1; i <= n; i++ {
		id := fmt.Sprint("id ", i)
		b.accept(i, id, 0, &p)
		b.receive(b.text(i), id, time.Second, &p)
		b.changed(b.ref(i), "delivered", "")
		history = append([]entry{{id, b.text(i), "delivered"}, {"other", fmt.Sprint("bob ", i), "received"}}, history...)
	}
	return b, history
}

func TestBooksFindFaults(t *testing.T) {
	var p presence
	for name, c := range map[string]struct {
		wrong func(b *books, h []entry) []entry
		fault string
	}{
		"nothing":           {func(_ *books, h []entry) []entry { return h }, ""},
		"lost":              {func(_ *books, h []entry) []entry { return append(h[:2:2], h[4:]...) }, "has number 3 where 4 was to be"},
		"the first lost":    {func(_ *books, h []entry) []entry { return h[:8] }, "lacks number 1 and 0 before it"},
		"doubled":           {func(_ *books, h []entry) []entry { return append(h[:1:1], h...) }, "has number 5 where 4 was to be"},
		"another order":     {func(_ *books, h []entry) []entry { h[0], h[2] = h[2], h[0]; return h }, "has number 4 where 5 was to be"},
		"another id":        {func(_ *books, h []entry) []entry { h[0].ID = "x"; return h }, "number 5 as x; it was accepted as id 5"},
		"still sent":        {func(_ *books, h []entry) []entry { h[4].State = "sent"; return h }, "number 3 is sent in the end"},
		"failed, and there": {func(_ *books, h []entry) []entry { h[4].State = "failed"; return h }, "number 3 arrived, and its sender was told that it failed"},
		"received twice": {func(b *books, h []entry) []entry { b.receive(b.text(2), "id 2", 0, &p); return h },
			"number 2 was received twice"},
		"received as another": {func(b *books, h []entry) []entry { b.receive(b.text(2), "id 7", 0, &p); return h },
			"number 2 was received as id 7"},
		"accepted twice": {func(b *books, h []entry) []entry { b.accept(2, "id 9", 0, &p); return h }, "number 2 was accepted as id 2 and as id 9"},
		"accepted early": {func(b *books, h []entry) []entry { b.accept(7, "id 7", 0, &p); return h }, "number 7 was accepted after number 5"},
		"nonsense":       {func(b *books, h []entry) []entry { b.receive("alice 02", "id 2", 0, &p); return h }, `"alice 02" was received`},
		"back":           {func(b *books, h []entry) []entry { b.changed(b.ref(2), "sent", ""); return h }, "number 2 went from delivered to sent"},
	} {
		b, history := written(5)
		history = c.wrong(b, history)
		b.compare("bob", history, 5)
		b.ended(history)
		switch all := strings.Join(b.faults, "; "); {
		case c.fault == "" && all != "":
			t.Errorf("%s: %s", name, all)
		case !strings.Contains(all, c.fault):
			t.Errorf("%s: %q is not in %q", name, c.fault, all)
		}
	}
}

// What failed and whose sender was told need not be there.
func TestBooksFailed(t *testing.T) {
	b, history := written(5)
	b.messages[2].received, b.messages[2].state = false, "failed"
	b.messages[0].received, b.messages[0].state = false, "failed"
	history = append(history[:4:4], history[6:8]...)
	b.compare("bob", history, 5)
	if len(b.faults) > 0 || b.failed() != 2 || !b.done(5) {
		t.Fatalf("%q, %d failed, done %t", b.faults, b.failed(), b.done(5))
	}
	b.messages[1].received = false
	if b.done(5) {
		t.Fatal("done, with one that is neither there nor failed")
	}
}

// A message may arrive before its sender, which was killed, could say that it was accepted.
func TestBooksReceivedFirst(t *testing.T) {
	b := &books{sender: "alice"}
	var p presence
	b.receive(b.text(1), "id 1", time.Second, &p)
	b.accept(1, "id 1", 2*time.Second, &p)
	if len(b.faults) > 0 || !b.done(1) {
		t.Fatalf("%q", b.faults)
	}
}

func TestPresence(t *testing.T) {
	var p presence
	p.set(1, true)
	p.set(2, true)
	p.set(4, false)
	p.set(7, false)
	p.set(10, true)
	if got := p.total(15); got != 8 {
		t.Fatalf("%d, not 3 and 5", got)
	}
}

func TestDescribe(t *testing.T) {
	var all []time.Duration
	for i := 1; i <= 100; i++ {
		all = append(all, time.Duration(i)*time.Second)
	}
	d := describe(all)
	if d.P50MS != 50_000 || d.P99MS != 99_000 || d.P9999MS != 100_000 || d.MaximumMS != 100_000 || d.Within30s != 0.3 {
		t.Fatalf("%+v", d)
	}
	sum := 0
	for _, c := range d.Columns {
		sum += c.Messages
	}
	if sum != len(all) || d.Columns[len(d.Columns)-1].Messages != 40 {
		t.Fatalf("%+v", d.Columns)
	}
	var b bytes.Buffer
	describe(nil).print(&b, "nothing")
	if !strings.Contains(b.String(), "100.0000 % within 30 s") {
		t.Fatal(b.String())
	}
}

func TestPlan(t *testing.T) {
	o := Options{Duration: time.Minute, Kills: 100}
	draw := func(seed uint64) []fault { return plan(o, rand.New(rand.NewPCG(seed, 0))) }
	if !reflect.DeepEqual(draw(1), draw(1)) || reflect.DeepEqual(draw(1), draw(2)) {
		t.Fatal("the seed does not decide")
	}
	kills, kinds, before := 0, map[string]bool{}, time.Duration(0)
	for _, f := range draw(3) {
		kills += f.kills()
		kinds[f.Kind] = true
		if f.At < before || f.At > o.Duration || f.For < 0 {
			t.Fatalf("%+v after %s", f, before)
		}
		before = f.At
	}
	if kills < o.Kills || len(kinds) != len(deadly)+len(harmless) {
		t.Fatalf("%d kills, kinds %v", kills, kinds)
	}
}

// A client that was killed may still be heard, and the other one may open meanwhile: it
// must not count as up again, and its end is no surprise.
func TestKilledClientStaysDown(t *testing.T) {
	r := &run{nodes: [nodes]*station{{}, {}}}
	for i := range r.sides {
		r.sides[i] = &side{number: i, process: &process{}, key: "a key", ready: true, befriended: true}
	}
	alice, bob := r.sides[0], r.sides[1]
	r.killed(alice)
	r.befriend()
	if alice.up() || !bob.up() {
		t.Fatalf("alice is up: %t, bob: %t", alice.up(), bob.up())
	}
	if r.died(alice, ""); r.err != nil {
		t.Fatal(r.err)
	}
	if r.died(bob, ""); r.err == nil {
		t.Fatal("the end of a client that nobody killed went unnoticed")
	}
}
