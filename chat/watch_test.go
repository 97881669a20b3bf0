package chat_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// lines is a logger that keeps the fields called stack.
type lines struct {
	mu     sync.Mutex
	stacks []string
}

func (l *lines) Log(_, _ string, fields ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "stack" {
			l.stacks = append(l.stacks, fields[i+1].(string))
		}
	}
}

// A panic in a transaction's closure, which runs on a goroutine of the store,
// closes the client; its caller gets the report id of the event.
func TestPanicInATransactionClosesTheClient(t *testing.T) {
	for _, kind := range []string{"memory", "file"} {
		t.Run(kind, func(t *testing.T) {
			st := store.Memory()
			if kind == "file" {
				var err error
				if st, err = store.Open(store.Options{Path: t.TempDir() + "/a.db", Key: make([]byte, 32)}); err != nil {
					t.Fatal(err)
				}
			}
			log, armed := &lines{}, false
			c, err := chat.Open(context.Background(), chat.Options{
				Store: st, Transport: memnet.New(memnet.Options{}).Join(), Logger: log,
				Probe: func(string) {
					if armed {
						panic("a secret")
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			armed = true
			_, _, err = c.CreateIdentity(context.Background(), 12, "")
			var e *chat.Error
			if !errors.As(err, &e) || e.Code != chat.CodeInternal || e.Details["report_id"] == nil {
				t.Fatalf("%v", err)
			}
			<-c.Done()
			event, err := c.NextEvent(context.Background())
			if err != nil || event.Type != "internal_error" || !strings.Contains(string(event.Data), e.Details["report_id"].(string)) {
				t.Errorf("%+v, %v", event, err)
			}
			if _, err := c.Identity(); chat.CodeOf(err) != chat.CodeClosed {
				t.Errorf("the client is not closed: %v", err)
			}
			log.mu.Lock()
			defer log.mu.Unlock()
			if len(log.stacks) != 1 || !strings.Contains(log.stacks[0], ".Update") {
				t.Fatalf("stacks: %q", log.stacks)
			}
			if strings.Contains(log.stacks[0], "(0x") || strings.Contains(log.stacks[0], "({") {
				t.Errorf("the stack shows arguments: %s", log.stacks[0])
			}
		})
	}
}
