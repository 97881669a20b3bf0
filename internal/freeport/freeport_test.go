package freeport

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestTake: ports that can be listened on, each another one.
func TestTake(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		port, err := Take()
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] {
			t.Fatalf("%d was given twice", port)
		}
		seen[port] = true
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
}

// TestNotForOutgoing: no connection that a program opens takes such a port.
func TestNotForOutgoing(t *testing.T) {
	raw, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip(err)
	}
	from, err := strconv.Atoi(strings.Fields(string(raw))[0])
	if err != nil {
		t.Fatal(err)
	}
	if from < first+many {
		t.Errorf("outgoing connections get ports from %d, and ports below %d are given here", from, first+many)
	}
}
