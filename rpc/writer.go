package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// writer writes messages, each whole. It blocks while the host does not read.
type writer struct {
	framing framing // set before the first message is written

	mu  sync.Mutex
	out io.Writer
	err error // of the first write that failed; nothing is written after it

	broken chan struct{} // closed when err is set
}

func newWriter(out io.Writer) *writer { return &writer{out: out, broken: make(chan struct{})} }

// write writes one message.
func (w *writer) write(message []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	var framed []byte
	if w.framing == byHeader {
		framed = append(fmt.Appendf(nil, "Content-Length: %d\r\n\r\n", len(message)), message...)
	} else {
		framed = append(message, '\n')
	}
	if _, err := w.out.Write(framed); err != nil {
		w.err = err
		close(w.broken)
	}
}

// encode writes compact JSON without HTML escapes. It has no line break: those in strings
// are escaped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
