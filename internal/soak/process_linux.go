package soak

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"libstatus1to1/internal/soak/client"
)

// childEnv, in the environment, makes a program that calls Child one of the processes of
// a run.
const childEnv = "STATUS1TO1_SOAK_CHILD"

// The roles of a child.
const (
	roleClient = "client"
	roleNode   = "node"
)

// Child does the work of a child process and ends the process, if it is one. Programs
// that call Run call it first.
func Child() {
	var err error
	switch os.Getenv(childEnv) {
	case "":
		return
	case roleClient:
		err = client.New(os.Stdout, killSelf).Serve(os.Stdin)
	case roleNode:
		err = runNode(os.Stdin, os.Stdout)
	default:
		err = fmt.Errorf("soak: %s=%s is no role", childEnv, os.Getenv(childEnv))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// killSelf ends this process as a power cut would.
func killSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// spoken is a line of a child. The line of one that ended is nil.
type spoken struct {
	by   *process
	line *client.Line
	err  error  // it said something that is no line, or ended otherwise than by a signal
	end  string // how it ended
}

// maxChildLine bounds a line from a child: a page of messages.
const maxChildLine = 8 << 20

// process is a running child.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	stopped bool // by SIGSTOP
}

// start runs this program again in a role. What it says comes to said until the line
// that is nil; its standard error goes to errors. It dies with us.
func start(role string, errors io.Writer, said chan<- spoken) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), childEnv+"="+role, "GOMAXPROCS=2")
	p.cmd.Stderr = errors
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.read(out, said)
	return p, nil
}

// read passes on what the child says.
func (p *process) read(out io.Reader, said chan<- spoken) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxChildLine)
	for lines.Scan() {
		var l client.Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			said <- spoken{by: p, line: &l, err: fmt.Errorf("soak: a child said %q", lines.Text())}
			continue
		}
		said <- spoken{by: p, line: &l}
	}
	_ = p.cmd.Wait()
	var err error
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && !status.Signaled() && status.ExitStatus() != 0 {
		err = fmt.Errorf("soak: a child ended with %d", status.ExitStatus())
	}
	said <- spoken{by: p, err: err, end: p.cmd.ProcessState.String()}
}

// tell gives the child a line. One that has just died does not hear it. A child reads
// its input at once unless it is stopped, when little is written: the pipe takes it.
func (p *process) tell(line any) {
	b, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	_, _ = p.in.Write(append(b, '\n'))
}

func (p *process) kill() { _ = p.cmd.Process.Signal(syscall.SIGKILL) }

// stop and resume are SIGSTOP and SIGCONT.
func (p *process) stop() {
	p.stopped = true
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
}

func (p *process) resume() {
	p.stopped = false
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}
