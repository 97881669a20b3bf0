package waku

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	filterpb "github.com/waku-org/go-waku/waku/v2/protocol/filter/pb"
	storepb "github.com/waku-org/go-waku/waku/v2/protocol/store/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// The budget of an idle hour in light mode.
const (
	hourBytes   = 200 * 1000
	hourWakeups = 60
)

// An idle hour with two service nodes, with all its intervals as they are, in no time: the
// clock is synctest's, and the connections are pipes. Service nodes do as those of the
// Status fleet: they send nothing on their own.
func TestLightIdleHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := &links{listening: map[string]*pipeListener{}}
		c := Config{Mode: ModeLight}
		for i := range 2 {
			c.Peers = append(c.Peers, links.serve(t, fmt.Sprintf("/ip4/10.0.0.%d/tcp/1", i+1)))
		}
		s := prepare(t, c)
		s.settings.link = links.transport
		topics := make([]string, 60)
		for i := range topics {
			topics[i] = fmt.Sprintf("/waku/1/0x%08x/rfc26", i)
		}
		if err := s.Subscribe(topics...); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context(), s.hooks()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute) // it has found its peers and tested them
		if status := s.Status(); status.State != port.NetworkOnline || len(status.Subscriptions) != 2 {
			t.Errorf("%+v", status)
		}
		before := s.Traffic()
		time.Sleep(time.Hour)
		after := s.Traffic()
		bytes, wakeups := after.BytesIn+after.BytesOut-before.BytesIn-before.BytesOut, after.Wakeups-before.Wakeups
		t.Logf("%d bytes, %d wake-ups in an hour; the start: %+v", bytes, wakeups, before)
		if bytes > hourBytes || wakeups > hourWakeups-loopWakeups {
			t.Errorf("%d bytes, %d wake-ups in an idle hour", bytes, wakeups)
		}
		if status := s.Status(); status.State != port.NetworkOnline || len(status.Subscriptions) != 2 {
			t.Errorf("%+v", status)
		}
		if got := s.allReceived(); len(got) != 0 {
			t.Errorf("received %+v", got)
		}
		if strings.Contains(strings.Join(s.logged, " "), "has not published") {
			t.Errorf("probes did not go out: %q", s.logged)
		}
		s.stop(t)
		links.stop(t)
	})
}

// The same for the whole client: with the engine's loop, its looks at store nodes, and
// twenty people in the address book.
func TestLightIdleHourOfAClient(t *testing.T) {
	today := time.Now().Round(0)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today)) // synctest begins in 2000
		links := &links{listening: map[string]*pipeListener{}}
		c := Config{Mode: ModeLight}
		for i := range 2 {
			c.Peers = append(c.Peers, links.serve(t, fmt.Sprintf("/ip4/10.0.0.%d/tcp/1", i+1)))
		}
		n, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		n.settings.link = links.transport
		client, err := chat.Open(t.Context(), chat.Options{Store: store.Memory(), Transport: n})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := client.CreateIdentity(t.Context(), 12, "alice"); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, err := client.AddContact(newKey(t).Public(), "somebody"); err != nil {
				t.Fatal(err)
			}
		}
		look := func() chat.Diagnostics {
			d, err := client.Diagnostics()
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		time.Sleep(15 * time.Minute)
		before := look()
		const hours = 7 // some have a contact code in them
		time.Sleep(hours * time.Hour)
		after := look()
		bytes := (after.Traffic.BytesIn + after.Traffic.BytesOut - before.Traffic.BytesIn - before.Traffic.BytesOut) / hours
		node := float64(after.Traffic.Wakeups-before.Traffic.Wakeups) / hours
		loop := float64(after.LoopWakeups-before.LoopWakeups) / hours
		t.Logf("%d bytes, %.1f wake-ups of the node, %.1f of the loop in an hour; the start: %+v", bytes, node, loop, *before.Traffic)
		if bytes > hourBytes || node+loop > hourWakeups {
			t.Errorf("%d bytes, %.1f wake-ups in an idle hour", bytes, node+loop)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		links.stop(t)
	})
}

// loopWakeups is the share of the engine's loop in the budget: chat's TestIdleLoopIsQuiet.
const loopWakeups = 10

// links are connections in memory, by address.
type links struct {
	mu        sync.Mutex
	listening map[string]*pipeListener
	hosts     []*baseHost
}

func (l *links) transport(u transport.Upgrader) transport.Transport { return &pipeTransport{l, u} }

// serve makes a service node that takes every subscription, and pushes what is published
// through any of them to all.
func (l *links) serve(t *testing.T, at string) string {
	t.Helper()
	s, err := Config{Mode: ModeLight}.check()
	if err != nil {
		t.Fatal(err)
	}
	s.link = l.transport
	h, err := newHost(newKey(t), s, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.SetStreamHandler(metadataProtocol, func(stream network.Stream) { finish(stream, s.answerMetadata(stream)) })
	h.SetStreamHandler(filterSubscribe, func(stream network.Stream) { finish(stream, serveFilter(stream)) })
	h.SetStreamHandler(storeProtocol, func(stream network.Stream) { finish(stream, serveStore(stream)) })
	h.SetStreamHandler(lightpush3, func(stream network.Stream) { finish(stream, l.servePush(stream)) })
	address, err := ma.NewMultiaddr(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.listen([]ma.Multiaddr{address}); err != nil {
		t.Fatal(err)
	}
	l.hosts = append(l.hosts, h)
	return at + "/p2p/" + h.ID().String()
}

func (l *links) stop(t *testing.T) {
	for _, h := range l.hosts {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

func serveFilter(stream network.Stream) error {
	request := new(filterpb.FilterSubscribeRequest)
	if err := pbio.NewDelimitedReader(stream, 1<<20).ReadMsg(request); err != nil {
		return err
	}
	return pbio.NewDelimitedWriter(stream).WriteMsg(&filterpb.FilterSubscribeResponse{
		RequestId: request.RequestId, StatusCode: statusOK, StatusDesc: proto.String("OK")})
}

// serveStore has nothing.
func serveStore(stream network.Stream) error {
	request := new(storepb.StoreQueryRequest)
	if err := pbio.NewDelimitedReader(stream, 1<<20).ReadMsg(request); err != nil {
		return err
	}
	return pbio.NewDelimitedWriter(stream).WriteMsg(&storepb.StoreQueryResponse{
		RequestId: request.RequestId, StatusCode: proto.Uint32(statusOK)})
}

func (l *links) servePush(stream network.Stream) error {
	request := new(wire.LightpushRequest)
	if err := pbio.NewDelimitedReader(stream, 1<<20).ReadMsg(request); err != nil {
		return err
	}
	push := new(filterpb.MessagePush)
	push.PubsubTopic = request.PubsubTopic
	if push.WakuMessage = wakuMessage(port.Envelope{}); proto.Unmarshal(request.Message, push.WakuMessage) != nil {
		return errBadPush
	}
	for _, h := range l.hosts {
		for _, id := range h.Network().Peers() {
			if err := pushOne(h, id, push); err != nil {
				return err
			}
		}
	}
	return pbio.NewDelimitedWriter(stream).WriteMsg(&wire.LightpushResponse{RequestId: request.RequestId,
		StatusCode: pushOK, RelayPeerCount: proto.Uint32(4)})
}

func pushOne(h *baseHost, id peer.ID, push *filterpb.MessagePush) error {
	stream, err := h.NewStream(context.Background(), id, filterPush)
	if err != nil {
		return err
	}
	defer stream.Close()
	return pbio.NewDelimitedWriter(stream).WriteMsg(push)
}

// pipeTransport is a transport of links.
type pipeTransport struct {
	links   *links
	upgrade transport.Upgrader
}

func (p *pipeTransport) CanDial(ma.Multiaddr) bool { return true }
func (p *pipeTransport) Protocols() []int          { return []int{ma.P_TCP} }
func (p *pipeTransport) Proxy() bool               { return false }

func (p *pipeTransport) Dial(ctx context.Context, to ma.Multiaddr, id peer.ID) (transport.CapableConn, error) {
	p.links.mu.Lock()
	l := p.links.listening[to.String()]
	p.links.mu.Unlock()
	if l == nil {
		return nil, errors.New("nobody listens")
	}
	ours, theirs := net.Pipe()
	l.incoming <- &pipeConn{theirs, to, to}
	return p.upgrade.Upgrade(ctx, p, &pipeConn{ours, to, to}, network.DirOutbound, id, &network.NullScope{})
}

func (p *pipeTransport) Listen(at ma.Multiaddr) (transport.Listener, error) {
	l := &pipeListener{at: at, incoming: make(chan manet.Conn), closed: make(chan struct{})}
	p.links.mu.Lock()
	defer p.links.mu.Unlock()
	p.links.listening[at.String()] = l
	return p.upgrade.UpgradeListener(p, l), nil
}

type pipeListener struct {
	at       ma.Multiaddr
	incoming chan manet.Conn
	closed   chan struct{}
	once     sync.Once
}

func (l *pipeListener) Accept() (manet.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Multiaddr() ma.Multiaddr { return l.at }

func (l *pipeListener) Addr() net.Addr {
	addr, _ := manet.ToNetAddr(l.at)
	return addr
}

type pipeConn struct {
	net.Conn
	local, remote ma.Multiaddr
}

func (c *pipeConn) LocalMultiaddr() ma.Multiaddr  { return c.local }
func (c *pipeConn) RemoteMultiaddr() ma.Multiaddr { return c.remote }
