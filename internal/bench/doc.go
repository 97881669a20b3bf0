// Package bench measures the engine: each figure beside the sum of the
// primitives that the operation cannot avoid, measured in the same run. It has
// only benchmarks; `make bench` runs them and writes build/bench.json.
// docs/performance.md says what the figures mean.
package bench
