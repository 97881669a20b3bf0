// Command status1to1-rpc serves libstatus1to1 as JSON-RPC 2.0 over stdin and stdout:
// docs/rpc.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"libstatus1to1/chat/api"
	"libstatus1to1/library/host"
	"libstatus1to1/rpc"
)

const usage = `Usage: status1to1-rpc [--log]

Serves libstatus1to1 as JSON-RPC 2.0: one JSON text a line, requests on stdin, answers and
events on stdout. It ends when stdin does. A program starts it; see status1to1-rpc(1).

  --log      log each call to stderr: its method, duration and error code
  --version  print the version
  --help     print this
`

// Exit codes.
const (
	exitOK       = 0
	exitProtocol = 1 // the host does not read any more, or what it wrote are no messages
	exitUsage    = 2
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	logged := io.Discard
	for _, arg := range args {
		switch arg {
		case "--log":
			logged = os.Stderr
		case "--version", "-V":
			fmt.Println("status1to1-rpc", api.Version)
			return exitOK
		case "--help", "-h":
			fmt.Print(usage)
			return exitOK
		default: // not repeated: it may be a secret that should not be there
			fmt.Fprint(os.Stderr, "status1to1-rpc: unknown argument\n\n", usage)
			return exitUsage
		}
	}
	out := os.Stdout
	os.Stdout = os.Stderr          // what is printed by mistake must not be taken for a message
	signal.Ignore(syscall.SIGPIPE) // a write then fails, and the clients can be closed
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	log := slog.New(slog.NewTextHandler(logged, nil))
	err := rpc.NewServer(host.NewRegistry(), os.Stdin, out, log).Serve(ctx)
	if err != nil {
		if !errors.Is(err, rpc.ErrOutput) {
			fmt.Fprintln(os.Stderr, "status1to1-rpc:", err)
		}
		return exitProtocol
	}
	return exitOK
}
