package rpc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// framing is how messages follow each other in a stream.
type framing int

const (
	// byLine is one message a line.
	byLine framing = iota
	// byHeader is a Content-Length header before each message, as in the Language Server
	// Protocol.
	byHeader
)

// errTooLong says that a message was longer than MaxMessage. It was passed over.
var errTooLong = errors.New("the message is too long")

// errFraming says that the stream cannot be read any further.
var errFraming = errors.New("the stream does not consist of messages")

// frames reads messages from a stream. The first byte decides how they follow each other: a
// header begins with a letter, which no JSON text of a request does.
type frames struct {
	in      *bufio.Reader
	begun   bool
	framing framing
}

func newFrames(in io.Reader) *frames { return &frames{in: bufio.NewReaderSize(in, 1<<16)} }

// begin waits for the first byte and tells the framing.
func (f *frames) begin() (framing, error) {
	if f.begun {
		return f.framing, nil
	}
	first, err := f.in.Peek(1)
	if err != nil {
		return 0, err
	}
	f.framing = byLine
	if first[0] == 'C' || first[0] == 'c' {
		f.framing = byHeader
	}
	f.begun = true
	return f.framing, nil
}

// next returns the next message. What comes after the last line break, or less than a header
// said, is no message: its sender died while writing it.
func (f *frames) next() ([]byte, error) {
	kind, err := f.begin()
	if err != nil {
		return nil, err
	}
	if kind == byHeader {
		return f.nextByHeader()
	}
	for {
		line, err := f.line(MaxMessage)
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

// line reads a line of at most limit bytes; a longer one is passed over.
func (f *frames) line(limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := f.in.ReadSlice('\n')
		tooLong := len(line)+len(part) > limit
		if !tooLong {
			line = append(line, part...)
		}
		switch {
		case err == nil && tooLong:
			return nil, errTooLong
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case tooLong:
			return nil, errors.Join(f.skipLine(), errTooLong)
		}
	}
}

// skipLine passes over the rest of a line.
func (f *frames) skipLine() error {
	for {
		if _, err := f.in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// nextByHeader reads headers and as many bytes as they say.
func (f *frames) nextByHeader() ([]byte, error) {
	length := -1
	for n := 0; ; n++ {
		line, err := f.line(maxHeader)
		if errors.Is(err, errTooLong) || n > maxHeaders {
			return nil, fmt.Errorf("%w: the headers are too long", errFraming)
		} else if err != nil {
			return nil, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ":")
		if !strings.EqualFold(name, "Content-Length") {
			continue
		}
		if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || length < 0 {
			return nil, fmt.Errorf("%w: Content-Length is not a number", errFraming)
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("%w: there is no Content-Length", errFraming)
	}
	if length > MaxMessage {
		if _, err := io.CopyN(io.Discard, f.in, int64(length)); err != nil {
			return nil, err
		}
		return nil, errTooLong
	}
	message := make([]byte, length)
	_, err := io.ReadFull(f.in, message)
	return message, err
}
