package bench

import (
	"encoding/binary"
	"os"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/internal/cputime"
)

// What a message costs a phone, counted: commits, wake-ups, envelopes and bytes, with the
// settings that programs have if they choose none. Only the processor time is a time.

const (
	// phoneMessages are sent one at a time, each when the receipt of the one before is there.
	phoneMessages = 20
	// phoneIdle is how long both are idle, of which a minute is shown.
	phoneIdle = 12 * time.Second
	// phoneRests is the time after a message in which what follows it is done: the receipt waits
	// for 300 ms.
	phoneRests = 600 * time.Millisecond
)

// BenchmarkPhone counts what one person pays for a message sent, with its receipt, for one
// received, and for a minute in which nobody writes; on each side the program takes and
// acknowledges each event. cpu_ns is of both sides together, and the nodes of both.
func BenchmarkPhone(b *testing.B) {
	for _, n := range []network{relayed, light} {
		b.Run(n.name, func(b *testing.B) {
			name := "phone/" + n.name
			if b.N > 1 || recorded(name+"/idle-minute") {
				return // once is enough: it takes half a minute, and counts
			}
			alice, bob := n.pair(b, false, chat.Settings{})
			time.Sleep(phoneRests)
			before, cpu := tally(alice, bob), cputime.Used()
			for i := range phoneMessages {
				alice.sayText(bob.key, longText(i))
				bob.hearOne()
				alice.acknowledged()
				time.Sleep(phoneRests)
				settle(alice, bob)
			}
			used, after := cputime.Used()-cpu, tally(alice, bob)
			for i, what := range []string{"/sent", "/received"} {
				record(after[i].since(before[i]).row(name+what, used, phoneMessages))
			}
			before, cpu = tally(alice), cputime.Used()
			time.Sleep(phoneIdle)
			used = cputime.Used() - cpu
			record(tally(alice)[0].since(before[0]).row(name+"/idle-minute", used, phoneIdle.Minutes()))
		})
	}
}

// tallied is what somebody has paid so far.
type tallied struct {
	commits, wakeups, nodeWakeups, envelopes, bytes float64
}

func tally(all ...*person) (sums []tallied) {
	for _, p := range all {
		d, err := p.Diagnostics()
		if err != nil {
			p.b.Fatal(err)
		}
		sums = append(sums, tallied{
			commits: p.commits(), wakeups: float64(d.LoopWakeups), nodeWakeups: float64(d.Traffic.Wakeups),
			envelopes: float64(p.node.envelopes.Load()), bytes: float64(d.Traffic.BytesIn + d.Traffic.BytesOut),
		})
	}
	return sums
}

func (t tallied) since(o tallied) tallied {
	return tallied{t.commits - o.commits, t.wakeups - o.wakeups, t.nodeWakeups - o.nodeWakeups, t.envelopes - o.envelopes, t.bytes - o.bytes}
}

// fsyncsPerCommit: bbolt syncs the pages, and then the page that makes them valid.
const fsyncsPerCommit = 2

func (t tallied) row(name string, used time.Duration, n float64) row {
	return row{Name: name, CPUNs: float64(used) / n, Commits: t.commits / n, Fsyncs: fsyncsPerCommit * t.commits / n, Wakeups: t.wakeups / n,
		NodeWakeups: t.nodeWakeups / n, Envelopes: t.envelopes / n, Bytes: t.bytes / n}
}

// Where bbolt's file has the number of its last transaction: in one of two pages of meta, behind
// the header of the page.
const (
	metaTxid  = 16 + 48
	metaPages = 2
	metaSize  = 4096
)

// commits returns the number of commits to the store of the person so far, by bbolt's own count.
func (p *person) commits() float64 {
	p.b.Helper()
	f, err := os.Open(p.path)
	if err != nil {
		p.b.Fatal(err)
	}
	defer f.Close()
	last := uint64(0)
	for page := range metaPages {
		var b [8]byte
		if _, err := f.ReadAt(b[:], int64(page*metaSize+metaTxid)); err != nil {
			p.b.Fatal(err)
		}
		last = max(last, binary.LittleEndian.Uint64(b[:]))
	}
	return float64(last)
}
