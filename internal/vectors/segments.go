package vectors

import "testing"

// SegmentsFile is segments.json.
type SegmentsFile struct{ Cases []SegmentsCase }

// SegmentsCase is a payload, its segments, and what receivers made of them.
type SegmentsCase struct {
	Name        string
	SegmentSize int `json:"segment_size"`
	Payload     Hex
	Sender      Hex
	Segments    []struct {
		Bytes               Hex
		Hash                Hex `json:"entire_message_hash"`
		Index               int
		SegmentsCount       int `json:"segments_count"`
		ParitySegmentIndex  int `json:"parity_segment_index"`
		ParitySegmentsCount int `json:"parity_segments_count"`
		PayloadLength       int `json:"payload_length"`
	}
	Deliveries []struct {
		Order []int
		Steps []struct {
			Segment       int
			Result, Error string
		}
	}
}

// ReadSegments reads segments.json.
func ReadSegments(t testing.TB) (f SegmentsFile) {
	t.Helper()
	Read(t, "segments.json", &f)
	return f
}
