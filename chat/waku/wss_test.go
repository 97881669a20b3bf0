package waku

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/p2p/enr"
)

// secureProxy passes on what comes over TLS on a port of 127.0.0.1 to another address. A
// fleet has its WebSockets behind one too. roots certify it as name.
func secureProxy(t *testing.T, name, to string) (port int, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(certificate)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go forward(in, to)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, roots
}

// forward copies between a connection and an address, both ways.
func forward(in net.Conn, to string) {
	defer in.Close()
	out, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	go func() {
		defer out.Close()
		_, _ = io.Copy(out, in)
	}()
	_, _ = io.Copy(in, out)
}

// webSocketStation is a station that listens on a WebSocket, as nodes of a fleet do; ours
// only dial them.
func webSocketStation(t *testing.T) *station {
	t.Helper()
	s := prepare(t, Config{})
	s.Node.settings.listen = mustListen(t, "/ip4/127.0.0.1/tcp/0/ws")
	s.start(t)
	return s
}

// A node of a tree that can be reached by a name and a secure WebSocket only, and whoever
// presents another certificate cannot be.
func TestBootstrapSecureWebSocket(t *testing.T) {
	const name = "node.example.org"
	for _, trusted := range []bool{true, false} {
		fleet := webSocketStation(t)
		webPort, roots := secureProxy(t, name, hostPort(t, strings.Replace(fleet.address(t), "/ws", "", 1)))
		record := signedRecord(t, fleet.key, relays, shardList(16, 32), addressList(fmt.Sprintf("/dns4/%s/tcp/%d/wss", name, webPort)), enr.UDP(1))
		names := startNameserver(t)
		names.host(name, "127.0.0.1")
		url, texts := tree(t, newKey(t), record)
		names.serve(texts)
		s := prepare(t, finding(url, names.address))
		if trusted {
			s.settings.roots = roots
		}
		s.start(t)
		if trusted {
			s.untilPeers(t, 1)
			fleet.untilOnline(t)
			fleet.publish(t, envelope([]byte("over TLS")))
			s.untilReceived(t, []byte("over TLS"))
			continue
		}
		s.until(t, "the refusal", func() bool { return strings.Contains(strings.Join(s.logged, " "), "certificate") })
		if peers := s.Status().Peers; len(peers) > 0 {
			t.Errorf("%+v", peers)
		}
	}
}

// Static peers are dialled at names and by IPv6 too.
func TestBootstrapStaticAddresses(t *testing.T) {
	six := start(t, Config{Listen: []string{"/ip6/::1/tcp/0"}})
	four := start(t, Config{})
	names := startNameserver(t)
	names.host("four.example.org", "127.0.0.1")
	s := start(t, Config{Listen: []string{}, Nameserver: names.address, Peers: []string{six.address(t),
		strings.Replace(four.address(t), "/ip4/127.0.0.1", "/dns4/four.example.org", 1)}})
	s.untilPeers(t, 2)
}
