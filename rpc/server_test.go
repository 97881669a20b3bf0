package rpc

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"

	"libstatus1to1/library/host"
)

// Several clients are used, cancelled and closed at once, and the input ends in the middle:
// every request that was taken is answered once, and Serve returns. It is here for the race
// detector; what is answered is tested with the program.
func TestEverythingAtOnce(t *testing.T) {
	const clients, calls = 4, 50
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	s := NewServer(host.NewRegistry(), in, out, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.Background()); _ = out.Close() }()

	opened, answered, closed := make(chan uint64, clients), map[string]int{}, 0
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewReader(fromServer); ; {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			var a struct {
				ID     *json.RawMessage
				Result struct{ Client uint64 }
				Params struct{ Type string }
			}
			_ = json.Unmarshal(line, &a)
			switch {
			case a.ID != nil:
				answered[string(*a.ID)]++
			case a.Params.Type == "closed":
				closed++
			}
			if a.Result.Client != 0 {
				opened <- a.Result.Client
			}
		}
	})
	write := func(id, method, params string) {
		_, _ = fmt.Fprintf(toServer, `{"jsonrpc":"2.0","id":%q,"method":%q,"params":%s}`+"\n", id, method, params)
	}
	for i := range clients {
		write(fmt.Sprint("open", i), "open", `{"config":{"store":{"kind":"memory"},"network":{"kind":"memory"}}}`)
	}
	var writing sync.WaitGroup
	for i := range clients {
		client := <-opened
		writing.Go(func() {
			write(fmt.Sprint("wait", i), "network.wait", fmt.Sprintf(`{"client":%d,"peers":900,"deadline_ms":600000}`, client))
			for j := range calls {
				write(fmt.Sprint(i, "/", j), "network.status", fmt.Sprintf(`{"client":%d}`, client))
			}
			if i%2 == 0 {
				_, _ = fmt.Fprintf(toServer, `{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"wait%d"}}`+"\n", i)
				write(fmt.Sprint("close", i), "close", fmt.Sprintf(`{"client":%d}`, client))
			}
		})
	}
	writing.Wait()
	_ = toServer.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
	reading.Wait()
	if want := clients + clients + clients*calls + clients/2; len(answered) != want || closed != clients {
		t.Errorf("%d requests of %d were answered, %d of %d clients were closed", len(answered), want, closed, clients)
	}
	for id, n := range answered {
		if n != 1 {
			t.Errorf("%s was answered %d times", id, n)
		}
	}
}
