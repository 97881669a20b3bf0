// Command cmd runs a service node for tests (package servicenode) as a process of its own:
//
//	go run -tags gowaku_no_rln ./internal/servicenode/cmd -listen /ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/tcp/0/ws
//
// It prints one line of JSON with its peer id and its addresses when it is ready, and ends
// at a signal or, with -stdin, when its standard input ends.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/servicenode"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "servicenode:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	o, stdin, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	n, err := servicenode.Start(o)
	if err != nil {
		return err
	}
	ready := struct {
		PeerID    string   `json:"peer_id"`
		Addresses []string `json:"addresses"`
		Topics    []string `json:"pubsub_topics"`
	}{n.ID(), n.Addresses(), n.PubsubTopics()}
	if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
		return err
	}
	if stdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // an error is the end too
			stop()
		}()
	}
	<-ctx.Done()
	return n.Close()
}

// parse reads the flags.
func parse(args []string) (o servicenode.Options, stdin bool, err error) {
	flags := flag.NewFlagSet("servicenode", flag.ContinueOnError)
	listen := flags.String("listen", "", "multiaddresses to listen on, with commas; /ws at the end for WebSockets")
	peers := flags.String("peers", "", "multiaddresses of nodes to relay with, with commas")
	shards := flags.String("shards", "32", "shards, with commas")
	cluster := flags.Uint("cluster", 16, "cluster")
	private := flags.String("key", "", "private key, 32 bytes of hex, for a peer id that stays the same")
	archive := flags.String("archive", "", "file to keep the stored messages in")
	without := flags.String("without", "", "protocols not to serve, with commas, such as /vac/waku/lightpush/3.0.0")
	flags.IntVar(&o.MinRelayPeers, "min-relay-peers", 0, "peers on the shard below which lightpush is refused")
	flags.DurationVar(&o.Variance, "variance", 0, "how far a stored message's timestamp may be off; 20s unless given, below zero any")
	flags.BoolVar(&o.OnePushStream, "one-push-stream", false, "push all messages of a subscriber through one stream")
	flags.BoolVar(&stdin, "stdin", false, "end when the standard input ends")
	if err := flags.Parse(args); err != nil {
		return o, false, err
	}
	o.Listen, o.Peers, o.Cluster = list(*listen), list(*peers), uint16(*cluster)
	for _, text := range list(*shards) {
		shard, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return o, false, err
		}
		o.Shards = append(o.Shards, uint16(shard))
	}
	for _, p := range servicenode.AllProtocols() {
		if !strings.Contains(","+*without+",", ","+string(p)+",") {
			o.Protocols = append(o.Protocols, p)
		}
	}
	if *private != "" {
		raw, err := hex.DecodeString(*private)
		if err != nil {
			return o, false, err
		}
		if o.Key, err = key.ParsePrivate(raw); err != nil {
			return o, false, err
		}
	}
	if *archive != "" {
		o.Archive, err = servicenode.OpenArchive(*archive)
	}
	return o, stdin, err
}

// list splits at commas; "" is nil.
func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
