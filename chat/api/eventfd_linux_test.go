package api

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// isReadable asks the kernel whether a descriptor is readable.
func isReadable(t *testing.T, fd int) bool {
	t.Helper()
	var set syscall.FdSet
	set.Bits[fd/64] |= 1 << (fd % 64)
	n, err := syscall.Select(fd+1, &set, nil, nil, &syscall.Timeval{})
	if err != nil {
		t.Fatal(err)
	}
	return n == 1
}

func TestEventFD(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	fd := r.EventFD(h)
	if fd < 0 || r.EventFD(h) != fd {
		t.Fatalf("descriptor %d, then %d", fd, r.EventFD(h))
	}
	other := openTest(t, r, memoryConfig)
	nextOf(t, r, h, "peer_changed")
	for string(must(t, r.NextEvent(h, 200))) != "null" {
	}
	if isReadable(t, fd) {
		t.Error("readable although no event waits")
	}
	must(t, r.Close(other, false))
	for deadline := time.Now().Add(patience); !isReadable(t, fd) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	for range 2 { // a level: asking does not change it
		if !isReadable(t, fd) {
			t.Error("not readable although events wait")
		}
	}
	must(t, r.Close(h, false))
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err == nil && stat.Mode&syscall.S_IFMT == syscall.S_IFIFO {
		t.Error("the descriptor is open after close")
	}
}

// Events that cannot be read are not announced: a loop over the descriptor would spin.
func TestSuspendedStoreIsNotReadable(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, quietConfig)
	must(t, r.Call(h, "identity.create", ""))
	must(t, r.Call(h, "contacts.add", `{"key":"`+aKey+`"}`))
	fd := r.EventFD(h)
	for _, step := range []struct {
		method   string
		readable bool
	}{{"identity.get", true}, {"store.suspend", false}, {"store.resume", true}} {
		must(t, r.Call(h, step.method, ""))
		if isReadable(t, fd) != step.readable {
			t.Errorf("after %s, readable: %v", step.method, !step.readable)
		}
	}
}

func TestSignalIsALevel(t *testing.T) {
	s, err := newSignal()
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		source  int
		waiting bool
		want    bool
	}{
		{engineEvents, false, false}, {engineEvents, true, true}, {engineEvents, true, true}, {logEvents, true, true},
		{engineEvents, false, true}, {logEvents, false, false}, {logEvents, false, false}, {logEvents, true, true},
	}
	for i, step := range steps {
		s.set(step.source, step.waiting)
		if got := isReadable(t, s.descriptor()); got != step.want {
			t.Errorf("step %d: readable is %v", i, got)
		}
	}
	s.close()
	s.close()
	s.set(engineEvents, true)
}

// Log events wait in the stream as the engine's do.
func TestLogEventsAreReadable(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, strings.TrimSuffix(memoryConfig, "}")+`,"log":{"level":"error","events":true}}`)
	fd := r.EventFD(h)
	if isReadable(t, fd) {
		t.Error("readable although no event waits")
	}
	r.find(h).log.Log("error", "look")
	if !isReadable(t, fd) {
		t.Error("not readable although a log event waits")
	}
	nextOf(t, r, h, "log")
	if isReadable(t, fd) {
		t.Error("readable after the event was taken")
	}
}

// A host that closes the descriptor, against the rules, has the number given to
// something else: that is not read, not written and not closed.
func TestDescriptorOfSomebodyElse(t *testing.T) {
	for _, end := range []string{"the host's end", "the library's end"} {
		t.Run(end, func(t *testing.T) {
			r := newTestRegistry()
			h := openTest(t, r, quietConfig)
			must(t, r.Call(h, "identity.create", ""))
			fd := r.EventFD(h)
			if end != "the host's end" { // as a daemon that closes all it has
				fd = r.find(h).signal.ready.write
			}
			var foreign [2]int
			if err := syscall.Pipe(foreign[:]); err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = syscall.Close(foreign[0]), syscall.Close(foreign[1]) }()
			if _, err := syscall.Write(foreign[1], []byte("x")); err != nil {
				t.Fatal(err)
			}
			taken := foreign[0]
			if end != "the host's end" {
				taken = foreign[1]
			}
			if err := syscall.Dup3(taken, fd, syscall.O_CLOEXEC); err != nil { // closes the library's
				t.Fatal(err)
			}
			defer func() { _ = syscall.Close(fd) }()
			for range 3 {
				must(t, r.Call(h, "contacts.add", `{"key":"`+aKey+`"}`))
				must(t, r.Call(h, "contacts.remove", `{"key":"`+aKey+`"}`))
				for string(must(t, r.NextEvent(h, 0))) != "null" {
				}
			}
			must(t, r.Close(h, false))
			if is, err := identityOf(fd); err != nil {
				t.Errorf("the foreign descriptor was closed: %v", err)
			} else if want, _ := identityOf(taken); is != want {
				t.Error("the descriptor is another file now")
			}
			b := make([]byte, 16)
			_ = syscall.SetNonblock(foreign[0], true)
			if n, err := syscall.Read(foreign[0], b); err != nil || string(b[:n]) != "x" {
				t.Errorf("the foreign pipe holds %q, %v", b[:max(n, 0)], err)
			}
		})
	}
}
