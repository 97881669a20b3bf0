package waku

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/p2p/dnsdisc"
	"github.com/ethereum/go-ethereum/p2p/enode"
)

// This file reads trees of node records that are published in the DNS. Spec: EIP-1459.
// The root of a tree is signed by the key in its enrtree:// address, and every other
// entry is named by its hash, so that neither a resolver nor who answers for the domain
// can put a node of theirs into it.

// Bounds of one reading of a tree. A fleet is some dozen nodes, with one entry each and
// one for each 13 of them; of a tree that is larger a random part is read. Trees may
// link to others, which count in.
const (
	treeNodes    = 64
	treeLookups  = 160
	treeErrors   = 3 // one after the other, and the reading ends
	treeWait     = 30 * time.Second
	treeLookup   = 5 * time.Second // one entry
	treeEachTime = 20              // entries a second, so that a resolver is not flooded
)

// maxTrees bounds Config.Trees.
const maxTrees = 8

// errTreeTooLarge ends the reading of a tree after treeLookups.
var errTreeTooLarge = fmt.Errorf("more than %d lookups for one tree", treeLookups)

// resolver asks for names: at the server of the configuration, or as the system does.
func (s settings) resolver() *net.Resolver {
	if s.nameserver == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		connection, err := new(net.Dialer).DialContext(ctx, network, s.nameserver)
		if err == nil {
			// Go's resolver waits for the deadline of a lookup also when that was cancelled.
			context.AfterFunc(ctx, func() { _ = connection.SetDeadline(time.Unix(1, 0)) })
		}
		return connection, err
	}}
}

// readTree reads up to treeNodes nodes of a tree. It fails when there is none: no root,
// a signature that is not of the key in the address, or nobody to ask.
func (s settings) readTree(ctx context.Context, url string) (nodes []*enode.Node, err error) {
	ctx, cancel := context.WithTimeout(ctx, treeWait)
	defer cancel()
	lookups := &treeResolver{resolver: s.resolver(), server: s.nameserver, ctx: ctx, cancel: cancel}
	faults := new(lastFault)
	client := dnsdisc.NewClient(dnsdisc.Config{Resolver: lookups, Timeout: treeLookup, CacheLimit: treeLookups,
		RateLimit: treeEachTime, RecheckInterval: time.Hour, Logger: log.NewLogger(faults)})
	iterator, err := client.NewIterator(url)
	if err != nil {
		return nil, err
	}
	defer iterator.Close()
	faults.give = cancel
	stop := context.AfterFunc(ctx, iterator.Close)
	defer stop()
	err = recovered(func() error {
		seen := map[enode.ID]bool{}
		for len(nodes) < treeNodes && iterator.Next() {
			node := iterator.Node()
			if seen[node.ID()] { // the iterator has begun again
				return nil
			}
			seen[node.ID()] = true
			nodes = append(nodes, node)
			faults.row.Store(0)
		}
		return nil
	})
	if len(nodes) > 0 || err != nil {
		return nodes, err
	}
	if err = faults.get(); err == nil {
		err = context.Cause(ctx)
	}
	return nil, fmt.Errorf("no node could be read: %w", err)
}

// treeResolver counts lookups, and ends the reading after treeLookups.
type treeResolver struct {
	resolver *net.Resolver
	server   string
	ctx      context.Context
	cancel   context.CancelFunc
	count    atomic.Int32
}

// LookupTXT asks for the text of a name.
func (t *treeResolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	if t.count.Add(1) > treeLookups {
		t.cancel()
		return nil, errTreeTooLarge
	}
	if err := t.ctx.Err(); err != nil {
		return nil, err
	}
	texts, err := t.resolver.LookupTXT(ctx, name)
	if refused := (*net.DNSError)(nil); errors.As(err, &refused) && t.server != "" {
		refused.Server = t.server // Go names the system's server, which was not asked
	}
	return texts, err
}

// lastFault is a log handler of dnsdisc's, which tells what goes wrong in no other way.
// It keeps the last error, and gives up after treeErrors in a row.
type lastFault struct {
	give func()
	row  atomic.Int32
	last atomic.Pointer[error]
}

func (f *lastFault) get() error {
	if last := f.last.Load(); last != nil {
		return *last
	}
	return nil
}

// Enabled claims every level.
func (*lastFault) Enabled(context.Context, slog.Level) bool { return true }

// Handle takes the error out of a line.
func (f *lastFault) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		if !ok || a.Key != "err" || err == nil || r.Level != slog.LevelDebug {
			return true
		}
		switch row := f.row.Add(1); {
		case row == treeErrors:
			f.give()
			fallthrough
		case row < treeErrors: // what comes after is that it was given up
			f.last.Store(&err)
		}
		return false
	})
	return nil
}

// WithAttrs and WithGroup change nothing: dnsdisc uses neither.
func (f *lastFault) WithAttrs([]slog.Attr) slog.Handler { return f }

// WithGroup is described at WithAttrs.
func (f *lastFault) WithGroup(string) slog.Handler { return f }
