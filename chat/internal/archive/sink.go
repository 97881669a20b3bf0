package archive

import "errors"

// Sink merges archives into a store.
type Sink struct{ t Target }

// NewSink returns the sink of a store.
func NewSink(t Target) *Sink { return &Sink{t} }

// Merge merges a batch: what is not there is added, of what is there the newer wins, and
// nobody loses trust, or a block, that they have here. It can be repeated. One item that cannot be is
// left out and counted. Errors: CodeIdentityExists for the archive of another identity,
// CodeBadArchive for what is no batch, and those of the store; then nothing of the batch
// was merged.
func (s *Sink) Merge(data []byte) (Merged, error) {
	return Merged{}, errors.New("archive: to be written")
}
