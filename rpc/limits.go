package rpc

import (
	"time"

	"libstatus1to1/chat/api"
)

// The limits of a server. What is inside of params has the limits of the C API.
const (
	// MaxMessage is the size of the largest message a host may send, in bytes: one request
	// with the largest parameters, and room for what is around them. A longer one is passed
	// over.
	MaxMessage = api.MaxLargeRequest + 1<<16
	// MaxBatch is the number of requests in one batch. Their answers are kept until the last
	// is there; larger batches would save nothing.
	MaxBatch = 100
	// maxInFlight is the number of requests that were read and are not answered yet: enough
	// to keep every lane busy. Beyond it the server does not read.
	maxInFlight = 256
	// maxInFlightBytes bounds the size of those requests: two of the largest.
	maxInFlightBytes = 2 * MaxMessage
	// maxWaiting is the number of calls that wait at the same time. Each may wait for an
	// hour, so a further one is refused, and the server goes on reading.
	maxWaiting = 64
	// maxUnacked and maxUnackedBytes bound the stored events of a client that were sent and
	// are not acknowledged: what a host has to keep that reads faster than it works.
	maxUnacked      = 1000
	maxUnackedBytes = 4 << 20
	// maxHeader is the length of one header line, and maxHeaders the number of them. The two
	// headers there are have some 60 bytes.
	maxHeader  = 1 << 10
	maxHeaders = 16
	// maxMembers is the number of members of a request, and of params. The method with the
	// most parameters has a tenth of it.
	maxMembers = 200
	// maxID is the length of a request's id: a UUID in quotation marks has 38.
	maxID = 256
)

const (
	// drainPatience is the time that requests which were read may take when the server
	// ends. Only calls that wait take longer.
	drainPatience = 10 * time.Second
	// flushPatience is the time the host then has to read the last answers and events.
	flushPatience = 5 * time.Second
	// readAgain is the pause after events could not be read, for example because the disk
	// failed.
	readAgain = 200 * time.Millisecond
)
