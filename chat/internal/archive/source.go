package archive

import "errors"

// Source makes an archive of a store while that is in use. It keeps nothing but lists of
// names: the memory it takes does not grow with the history.
type Source struct{ o Origin }

// NewSource returns the source of a store.
func NewSource(o Origin) *Source { return &Source{o} }

// Count returns what an archive made now would hold. It reads no message.
func (s *Source) Count() (Counts, error) { return Counts{}, errors.New("archive: to be written") }

// Next returns the batch at a cursor: nil is the beginning, any other one the Next of a
// batch, which may be of an earlier run. A cursor that is none gives CodeBadCursor.
func (s *Source) Next(cursor []byte) (Batch, error) {
	return Batch{}, errors.New("archive: to be written")
}
