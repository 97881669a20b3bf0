package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/cputime"
	"libstatus1to1/store"
)

// scaleVariable names the environment variable with the number of messages of the
// largest store: 1,000,000 if it is not set. 10,000,000 take 7 GB, and a copy as much.
const scaleVariable = "SCALE"

// growthChild, in the environment, makes this program the process whose memory is
// measured: its value is the path of the store.
const growthChild = "STATUS1TO1_BENCH_GROWTH"

// sizes are the stores that are compared, up to the largest wanted.
func sizes(b *testing.B) (all []size) {
	b.Helper()
	largest := large.messages
	if text := os.Getenv(scaleVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(scaleVariable, err)
		}
		largest = n
	}
	for messages := small.messages; messages <= largest; messages *= 10 {
		all = append(all, size{contacts: min(messages/100, large.contacts), messages: messages})
	}
	return all
}

// The columns of the table: times in microseconds, but for the first three, which are in
// milliseconds, and memory in MiB.
const (
	openStoreColumn = iota
	openEngineColumn
	firstWriteColumn
	firstPageColumn
	oldPageColumn
	sendColumn
	batchColumn
	receiveColumn
	openedAnonColumn
	usedAnonColumn
	heapColumn
	mostFileColumn
	usedFileColumn
	columns
)

var columnNames = [columns]string{"open the store, ms", "open the engine, ms", "first message after that, ms", "page, newest, us", "page, old, us",
	"send one, us", "send 64, us each", "receive one, us", "anonymous MiB, open", "anonymous MiB, most", "heap MiB, used", "file MiB, most", "file MiB, after the walk"}

// grown is the row of one size.
type grown struct {
	size   size
	path   string // of a copy that may be changed
	values [columns]float64
	person *person
	bob    *person
}

// least keeps the smallest of the rounds.
func (g *grown) least(column int, value float64) {
	if old := g.values[column]; old == 0 || value < old {
		g.values[column] = value
	}
}

// timed keeps the time of one of n operations, in units.
func (g *grown) timed(column int, unit time.Duration, n int, f func()) {
	start := time.Now()
	f()
	g.least(column, float64(time.Since(start))/float64(n)/float64(unit))
}

// How often is measured: the least of some rounds counts, and a round goes over all sizes,
// so that what else the machine does meets all of them.
const (
	openRounds = 5
	useRounds  = 10
	perRound   = 20
)

var growthDone bool

// BenchmarkGrowth compares stores by powers of ten and prints the table. It does not
// sync: what a disk takes does not depend on the size.
func BenchmarkGrowth(b *testing.B) {
	if b.N > 1 || growthDone {
		return // once is enough: it has rounds of its own
	}
	dir := benchDir(b)
	var rows []*grown
	for _, s := range sizes(b) {
		g := &grown{size: s, path: filepath.Join(dir, fmt.Sprintf("%d.db", s.messages))}
		if err := copyPages(g.path, s.built(b)); err != nil {
			b.Fatal(err)
		}
		rows = append(rows, g)
	}
	start := cputime.Used()
	measureOpening(b, rows)
	measureUse(b, rows)
	measureReceiving(b, rows)
	if runtime.GOOS == "linux" {
		for _, g := range rows {
			g.measureMemory(b)
		}
	}
	b.ReportMetric((cputime.Used() - start).Seconds(), "cpu-s")
	printGrowth(rows)
	growthDone = true
}

// measureOpening opens stores and engines, and sends a message at once.
func measureOpening(b *testing.B, rows []*grown) {
	for round := range openRounds {
		for _, g := range rows {
			g.timed(openStoreColumn, time.Millisecond, 1, func() {
				st, err := store.Open(store.Options{Path: g.path, Key: masterKey, NoSync: true})
				if err != nil {
					b.Fatal(err)
				}
				_ = st.Close()
			})
			g.open(b, false)
			g.timed(firstWriteColumn, time.Millisecond, 1, func() { g.person.say(keyNumber(0), round) })
			g.close()
		}
	}
}

// open opens the engine; most of the benchmarks do that with the network away.
func (g *grown) open(b *testing.B, online bool) {
	net := newCable()
	net.online = online
	st := openStore(b, g.path, false)
	g.timed(openEngineColumn, time.Millisecond, 1, func() { g.person = openPerson(b, st, net) })
}

func (g *grown) close() {
	_ = g.person.Close()
	g.person = nil
}

// measureUse pages and sends.
func measureUse(b *testing.B, rows []*grown) {
	for _, g := range rows {
		g.open(b, false)
		g.person.settled()
		for i := range small.contacts {
			g.person.say(keyNumber(i), -1-i)
		}
	}
	for range useRounds {
		for _, g := range rows {
			g.timed(firstPageColumn, time.Microsecond, perRound, func() { g.page("") })
			g.timed(oldPageColumn, time.Microsecond, perRound, func() { g.page(g.size.oldPage()) })
			g.timed(sendColumn, time.Microsecond, perRound, func() {
				for i := range perRound {
					g.person.say(keyNumber(i%small.contacts), i)
				}
			})
			g.timed(batchColumn, time.Microsecond, 64, func() { g.person.sayAll(keyNumber(1), 64, mode{n: 64, batch: true}) })
		}
	}
	for _, g := range rows {
		g.close()
	}
}

// page lists 50 messages of the friend, some times.
func (g *grown) page(cursor string) {
	for range perRound {
		page, err := g.person.Messages(g.size.friend(), chat.PageRequest{Limit: 50, Cursor: cursor})
		if err != nil || len(page.Items) != 50 {
			g.person.b.Fatal(len(page.Items), err)
		}
	}
}

// measureReceiving has somebody new write, each message in an envelope of its own.
func measureReceiving(b *testing.B, rows []*grown) {
	for _, g := range rows {
		g.open(b, true)
		id, err := g.person.Identity()
		if err != nil {
			b.Fatal(err)
		}
		raw, err := hex.DecodeString(strings.TrimPrefix(id.PublicKey, "0x"))
		if err != nil {
			b.Fatal(err)
		}
		if g.person.key, err = key.ParsePublic(raw); err != nil {
			b.Fatal(err)
		}
		g.bob = newPerson(b, "bob", false, true)
		g.person.net.plug(g.bob.net)
		g.bob.net.plug(g.person.net)
		for i := range 4 {
			g.bob.say(g.person.key, i)
			g.person.hear(1)
			g.person.say(g.bob.key, i)
			g.bob.hear(1)
		}
		g.bob.acknowledged()
	}
	for range useRounds {
		for _, g := range rows {
			g.receive()
		}
	}
	for _, g := range rows {
		g.close()
	}
}

// receive measures one round.
func (g *grown) receive() {
	g.bob.net.plug(nil)
	before := sentBy(g.bob)
	for i := range perRound {
		g.bob.say(g.person.key, i)
		g.bob.until("publishing", func(d chat.Diagnostics) bool { return d.Sent > before+uint64(i) })
	}
	g.timed(receiveColumn, time.Microsecond, perRound, func() {
		for _, e := range g.bob.net.take() {
			g.person.net.queue <- e
		}
		g.person.hear(perRound)
	})
	g.bob.net.plug(g.person.net)
	g.bob.acknowledged()
	g.bob.drain()
}

// occupied is what the child tells, in MiB: RssAnon and RssFile of /proc/self/status once the engine
// is open, and the most of them until it has paged and sent and the walk over the file is
// over. Heap is what Go has in use after it was collected, FileAfter RssFile at the end.
type occupied struct{ OpenAnon, Anon, Heap, File, FileAfter float64 }

// measureMemory measures a process that has only this store.
func (g *grown) measureMemory(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), growthChild+"="+g.path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var most occupied
	if err := json.Unmarshal(out, &most); err != nil {
		b.Fatal(err)
	}
	g.values[openedAnonColumn], g.values[usedAnonColumn], g.values[heapColumn] = most.OpenAnon, most.Anon, most.Heap
	g.values[mostFileColumn], g.values[usedFileColumn] = most.File, most.FileAfter
}

// runGrowth is the child.
func runGrowth() int {
	most, err := occupy(os.Getenv(growthChild))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_ = json.NewEncoder(os.Stdout).Encode(most)
	return 0
}

// occupySettles is the time after which the walk over ten million messages, which follows the
// opening, is over, if the system has the file in memory.
const occupySettles = 5 * time.Second

// occupy opens a store, lists a page and sends a message.
func occupy(path string) (most occupied, err error) {
	stop, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				most.Anon, most.File = max(most.Anon, statusMiB("RssAnon:")), max(most.File, statusMiB("RssFile:"))
			}
		}
	}()
	st, err := store.Open(store.Options{Path: path, Key: masterKey, NoSync: true})
	if err != nil {
		return most, err
	}
	net := newCable()
	net.online = false
	c, err := chat.Open(context.Background(), chat.Options{Store: st, Transport: net, Settings: settings})
	if err != nil {
		return most, err
	}
	defer c.Close()
	opened := statusMiB("RssAnon:")
	if _, err := c.Messages(keyNumber(0), chat.PageRequest{Limit: 50}); err != nil {
		return most, err
	}
	if _, err := c.Send(context.Background(), chat.SendRequest{To: keyNumber(0), Text: text(0)}); err != nil {
		return most, err
	}
	time.Sleep(occupySettles)
	close(stop)
	<-over
	most.FileAfter = statusMiB("RssFile:")
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	most.OpenAnon, most.Heap = opened, float64(memory.HeapAlloc)/(1<<20)
	return most, nil
}

// statusMiB reads a line of /proc/self/status; 0 where there is none.
func statusMiB(line string) float64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kib float64
	if _, rest, ok := bytes.Cut(raw, []byte(line)); ok {
		_, _ = fmt.Sscan(string(rest), &kib)
	}
	return kib / 1024
}

// printGrowth prints the table in Markdown, with how often the last value is the first one, and
// the last but one.
func printGrowth(rows []*grown) {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	line := func(cells ...string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	head, under := []string{"Messages, contacts"}, []string{"---"}
	for _, g := range rows {
		head, under = append(head, fmt.Sprintf("%d, %d", g.size.messages, g.size.contacts)), append(under, "---")
	}
	line(append(head, "last / first", "last / one before")...)
	line(append(under, "---", "---")...)
	for c, name := range columnNames {
		cells := []string{name}
		for _, g := range rows {
			cells = append(cells, strconv.FormatFloat(g.values[c], 'f', 1, 64))
		}
		last := rows[len(rows)-1].values[c]
		line(append(cells, times(last, rows[0].values[c]), times(last, rows[max(0, len(rows)-2)].values[c]))...)
	}
}

func times(a, b float64) string {
	if b == 0 {
		return ""
	}
	return strconv.FormatFloat(a/b, 'f', 2, 64)
}

// copyPages copies a file page by page, as bbolt writes it. After one large write Linux
// keeps a file in pieces of up to 2 MiB, and each later write of 4 KiB goes over the
// whole list of blocks of its piece: 15 us in place of 1.
func copyPages(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	const atOnce, page = 1 << 20, 4096
	buf := make([]byte, atOnce)
	for {
		n, err := in.Read(buf)
		for part := range slices.Chunk(buf[:n], page) {
			if _, err := out.Write(part); err != nil {
				return errors.Join(err, out.Close())
			}
		}
		if err == io.EOF {
			return out.Close()
		}
		if err != nil {
			return errors.Join(err, out.Close())
		}
	}
}
