package rpc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll reads all messages of a stream, and what ended it. A message that was too long is
// shown as "too long".
func readAll(in io.Reader) (all []string, err error) {
	f := newFrames(in)
	for {
		m, err := f.next()
		switch {
		case errors.Is(err, errTooLong):
			all = append(all, "too long")
		case err != nil:
			return all, err
		default:
			all = append(all, string(m))
		}
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", MaxMessage-1)
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"{1}\n\r\n  \n{2}\r\n{3", []string{"{1}", "{2}"}}, // half a line is no message
		{long + "\nb\n", []string{long, "b"}},
		{"a\n" + long + "x\nb\n" + long + long + "\nc\n", []string{"a", "too long", "b", "too long", "c"}},
		{long + long, []string{"too long"}},
	} {
		got, err := readAll(strings.NewReader(c.in))
		if err != io.EOF || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%.20q: %d messages, %v", c.in, len(got), err)
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
		end  error
	}{
		{"Content-Length: 2\r\n\r\n{}content-type: x\ncontent-length:3\n\n[1]", []string{"{}", "[1]"}, io.EOF},
		{"Content-Length: 9\r\n\r\n{}", nil, io.ErrUnexpectedEOF},
		{"Content-Length: 0\r\n\r\nContent-Length: 1\r\n\r\n7", []string{"", "7"}, io.EOF},
		{"Content-Length: many\r\n\r\n{}", nil, errFraming},
		{"Content-Length: -2\r\n\r\n{}", nil, errFraming},
		{"Content-Type: x\r\n\r\n{}", nil, errFraming},
		{"C" + strings.Repeat("x", 2*maxHeader) + "\r\n\r\n{}", nil, errFraming},
		{strings.Repeat("Cookie: x\r\n", maxHeaders+2) + "\r\n{}", nil, errFraming},
		{fmt.Sprintf("Content-Length: %d\r\n\r\n%sContent-Length: 1\r\n\r\n7", MaxMessage+1, strings.Repeat("x", MaxMessage+1)), []string{"too long", "7"}, io.EOF},
	} {
		got, err := readAll(iotest.HalfReader(strings.NewReader(c.in)))
		if !errors.Is(err, c.end) || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%.40q: %.40q, %v", c.in, got, err)
		}
	}
}

// FuzzFrames: no stream makes the reader fail otherwise than by an error, and what comes out
// are parts of what went in.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("{}\n{}\n"))
	f.Add([]byte("Content-Length: 2\r\n\r\n{}"))
	f.Add([]byte("Content-Length: 99999999999\r\n\r\n{}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := readAll(bytes.NewReader(in))
		if err == nil {
			t.Fatal("no end")
		}
		for _, m := range got {
			if m != "too long" && !bytes.Contains(in, []byte(m)) {
				t.Fatalf("%q is not in %q", m, in)
			}
		}
	})
}
