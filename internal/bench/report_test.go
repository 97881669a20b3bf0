package bench

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"libstatus1to1/internal/cputime"
)

var jsonPath = flag.String("figures", "", "write the figures as JSON to this file")

// row is one figure. Times are of one operation.
type row struct {
	Name string `json:"name"`
	// NsPerOp is wall time, of the fastest of the repetitions.
	NsPerOp float64 `json:"ns_per_op"`
	// PrimitivesNs is the sum of the primitives the operation needs, each measured
	// in this run on one core; fsync is not among them.
	PrimitivesNs float64 `json:"primitives_ns"`
	sum          sum     // of the primitives of that repetition
	// Ratio is NsPerOp / PrimitivesNs, or 0 where there are none.
	Ratio float64 `json:"ratio"`
	// CPUNs is the processor time of the whole process, all cores together.
	CPUNs float64 `json:"cpu_ns,omitempty"`
	// Of the row node/idle.
	RSSMiB     float64 `json:"rss_mib,omitempty"`
	CPUPercent float64 `json:"cpu_percent,omitempty"`
	// Of the row light/idle: what an hour would cost.
	KiBPerHour     float64 `json:"kib_per_hour,omitempty"`
	WakeupsPerHour float64 `json:"wakeups_per_hour,omitempty"`
	// Against is the name of the small case, and Times how many times its time
	// this one takes.
	Against string  `json:"against,omitempty"`
	Times   float64 `json:"times,omitempty"`
	// FloorNs is what the figure cannot be below: see floor. OfFloor is NsPerOp / FloorNs.
	FloorNs float64 `json:"floor_ns,omitempty"`
	OfFloor float64 `json:"of_floor,omitempty"`
	// CPUFloorNs is the processor time of the same, and CPUOfFloor is CPUNs / CPUFloorNs: it says
	// more on a machine that does something else as well.
	CPUFloorNs float64 `json:"cpu_floor_ns,omitempty"`
	CPUOfFloor float64 `json:"cpu_of_floor,omitempty"`
	// P50, P90 and P99 are percentiles of single operations, ns, where each was timed.
	P50 float64 `json:"p50_ns,omitempty"`
	P90 float64 `json:"p90_ns,omitempty"`
	P99 float64 `json:"p99_ns,omitempty"`
	// MBPerS is how fast a picture goes, in millions of bytes a second.
	MBPerS float64 `json:"mb_per_s,omitempty"`
	// Of the rows phone/...: what one person pays for a message, or for a minute of idling. A
	// commit is two fsyncs.
	Commits     float64 `json:"commits_per_message,omitempty"`
	Fsyncs      float64 `json:"fsyncs_per_message,omitempty"`
	Wakeups     float64 `json:"wakeups_per_message,omitempty"`      // of the engine's loop
	NodeWakeups float64 `json:"node_wakeups_per_message,omitempty"` // of the network: see port.Traffic
	Envelopes   float64 `json:"envelopes_per_message,omitempty"`    // published
	Bytes       float64 `json:"bytes_per_message,omitempty"`        // both ways, on the wire
}

// report gathers the rows. The Go harness runs a benchmark with growing counts
// and, with -count, again: the fastest run stands, as the machine is shared.
var report = struct {
	sync.Mutex
	order  []string
	rows   map[string]*row
	sums   map[string]sum
	small  map[string]string
	floors map[string]func() cost
}{floors: map[string]func() cost{}}

// cost is a wall time and a processor time, ns.
type cost struct{ wall, cpu float64 }

func record(r row) {
	report.Lock()
	defer report.Unlock()
	if report.rows == nil {
		report.rows = map[string]*row{}
	}
	old := report.rows[r.Name]
	if old == nil {
		report.order = append(report.order, r.Name)
		r.sum = report.sums[r.Name]
		report.rows[r.Name] = &r
		return
	}
	if r.NsPerOp < old.NsPerOp {
		old.NsPerOp, old.sum = r.NsPerOp, report.sums[r.Name]
		old.P50, old.P90, old.P99, old.MBPerS = r.P50, r.P90, r.P99, r.MBPerS
	}
	if r.CPUNs < old.CPUNs {
		old.CPUNs = r.CPUNs
	}
}

func recorded(name string) bool {
	report.Lock()
	defer report.Unlock()
	return report.rows[name] != nil
}

// needs says which primitives an operation of the name takes in the run that is recorded
// next: how many messages share an envelope differs from run to run.
func needs(name string, s sum) {
	report.Lock()
	defer report.Unlock()
	if report.sums == nil {
		report.sums = map[string]sum{}
	}
	report.sums[name] = s
}

// comparesWith names the small case a figure is held against.
func comparesWith(name, small string) {
	report.Lock()
	defer report.Unlock()
	if report.small == nil {
		report.small = map[string]string{}
	}
	report.small[name] = small
}

// stopwatch measures the timed part of a benchmark: wall and processor time. It
// may be stopped and started; the Go harness's own timer goes with it.
type stopwatch struct {
	b         *testing.B
	wall, cpu time.Duration
	startWall time.Time
	startCPU  time.Duration
	took      []time.Duration // single operations, where each is timed
}

func newStopwatch(b *testing.B) *stopwatch {
	b.StopTimer()
	b.ResetTimer()
	return &stopwatch{b: b}
}

func (w *stopwatch) start() {
	w.startWall, w.startCPU = time.Now(), cputime.Used()
	w.b.StartTimer()
}

func (w *stopwatch) stop() {
	w.b.StopTimer()
	w.wall += time.Since(w.startWall)
	w.cpu += cputime.Used() - w.startCPU
}

// minRun is the shortest run that counts: the harness's first tries, of one or a
// hundred operations, pay for what only the first ones pay for.
const minRun = 100 * time.Millisecond

// done records the figure of n operations.
func (w *stopwatch) done(name string, n int) {
	if w.wall < minRun {
		return
	}
	ops := float64(n)
	record(row{Name: name, NsPerOp: float64(w.wall) / ops, CPUNs: float64(w.cpu) / ops}.spread(w.took))
}

// enoughForPercentiles is the least number of operations of which percentiles say something.
const enoughForPercentiles = 100

// spread gives a row the percentiles of single operations, if there are enough.
func (r row) spread(took []time.Duration) row {
	if len(took) < enoughForPercentiles {
		return r
	}
	slices.Sort(took)
	at := func(percent int) float64 { return float64(took[(len(took)-1)*percent/100]) }
	r.P50, r.P90, r.P99 = at(50), at(90), at(99)
	return r
}

// finish works out the ratios, prints the table and writes the file.
func finish() error {
	measurePrimitives()
	report.Lock()
	defer report.Unlock()
	var rows []row
	for _, name := range report.order {
		r := *report.rows[name]
		if r.sum != nil {
			r.PrimitivesNs = r.sum.ns()
			r.Ratio = r.NsPerOp / r.PrimitivesNs
		}
		if small := report.rows[report.small[name]]; small != nil {
			r.Against, r.Times = small.Name, r.NsPerOp/small.NsPerOp
		}
		if f := report.floors[name]; f != nil {
			least := f()
			r.FloorNs, r.CPUFloorNs = least.wall, least.cpu
			r.OfFloor, r.CPUOfFloor = r.NsPerOp/least.wall, r.CPUNs/least.cpu
		}
		rows = append(rows, r)
	}
	for _, p := range primitiveNames() {
		rows = append(rows, row{Name: "primitive/" + p, NsPerOp: best[p], PrimitivesNs: best[p], Ratio: 1})
	}
	if len(rows) == 0 {
		return nil
	}
	printTable(rows)
	if *jsonPath == "" {
		return nil
	}
	b, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*jsonPath, append(b, '\n'), 0o644)
}

func printTable(rows []row) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "figure\tper op\tprimitives\tratio\tprocessor\tagainst small\tfloor\tof floor\tprocessor of floor\tp50\tp90\tp99\t")
	for _, r := range rows {
		ratio, times, ofFloor, cpuOfFloor := "", "", "", ""
		if r.OfFloor > 0 {
			ofFloor, cpuOfFloor = fmt.Sprintf("%.2f", r.OfFloor), fmt.Sprintf("%.2f", r.CPUOfFloor)
		}
		if r.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", r.Ratio)
		}
		if r.Times > 0 {
			times = fmt.Sprintf("%.2f", r.Times)
		}
		if r.KiBPerHour > 0 {
			fmt.Fprintf(w, "%s\t%.0f KiB/h\t\t\t%.0f wake-ups/h\t\t\t\t\t\t\t\t\n", r.Name, r.KiBPerHour, r.WakeupsPerHour)
			continue
		}
		if r.MBPerS > 0 {
			r.Name += fmt.Sprintf(" (%.1f MB/s)", r.MBPerS)
		}
		if strings.HasPrefix(r.Name, "phone/") {
			fmt.Fprintf(w, "%s\t%.1f commits\t%.1f envelopes\t\t%s\t%.1f wake-ups\t%.1f of node\t%.0f B\t\t\t\t\t\n", r.Name,
				r.Commits, r.Envelopes, human(r.CPUNs), r.Wakeups, r.NodeWakeups, r.Bytes)
			continue
		}
		if r.RSSMiB > 0 {
			fmt.Fprintf(w, "%s\t%.1f MiB\t\t\t%.3f %%\t\t\t\t\t\t\t\t\n", r.Name, r.RSSMiB, r.CPUPercent)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.Name, human(r.NsPerOp), human(r.PrimitivesNs), ratio, human(r.CPUNs), times,
			human(r.FloorNs), ofFloor, cpuOfFloor, human(r.P50), human(r.P90), human(r.P99))
	}
	_ = w.Flush()
}

func human(ns float64) string {
	if ns == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f us", ns/1000)
}

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(nodeChild) != "" {
		os.Exit(runNode())
	}
	if os.Getenv(lightChild) != "" {
		os.Exit(runLight())
	}
	if os.Getenv(growthChild) != "" {
		os.Exit(runGrowth())
	}
	code := m.Run()
	for _, f := range atEnd {
		f()
	}
	if f := flag.Lookup("test.bench"); code == 0 && f != nil && f.Value.String() != "" {
		if err := finish(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(cmp.Or(code, 0))
}

func primitiveNames() []string {
	var names []string
	for name := range best {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
