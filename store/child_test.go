package store

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Tests that need another process run this test binary again as a child.

const (
	childEnv     = "STORE_TEST_CHILD"
	childPathEnv = "STORE_TEST_PATH"
)

var children = map[string]func(path string){
	"hold":    childHold,
	"crash":   childCrash,
	"rewrap":  childRewrap,
	"migrate": childMigrate,
}

func TestMain(m *testing.M) {
	if run, ok := children[os.Getenv(childEnv)]; ok {
		run(os.Getenv(childPathEnv))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a running child process.
type child struct {
	*exec.Cmd
	out *bufio.Scanner
	in  io.WriteCloser
	err strings.Builder
}

func startChild(t *testing.T, name, path string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0])}
	c.Env = append(os.Environ(), childEnv+"="+name, childPathEnv+"="+path)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.in, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.Stderr = &c.err
	c.out = bufio.NewScanner(out)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// line reads one line that the child printed.
func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.out.Scan() {
		_ = c.Wait()
		t.Fatalf("the child ended early: %s", c.err.String())
	}
	return c.out.Text()
}

// check ends a child on an error.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
