// Package devicesync tells a paired device what this one knows, so that a new device of
// somebody knows everything the old one knew: the identity, people with the state of their
// requests and the trust in them, conversations, messages. A new device may have no
// identity before.
//
// One device offers, the user of the other one accepts, and the archive goes over part by
// part. Everything between the two is a parcel of package linking: it comes once, also
// over a bad network and after restarts, and in order. A device has one parcel of a sync
// under way to the other; what is to be said meanwhile is said in the next one.
//
//	device that offers                     device that receives
//	    offered            ------------->      offered
//	    running            <-------------      running         the user has accepted
//	    part 1, part 2     ------------->      merges part 1: has an identity, if it had none
//	                       <-------------      merged 1, certificate and bundle of pre-keys
//	    part 3             ------------->      merges part 2
//	    ...                                    ...
//	    the last part      ------------->      merges it: done
//	    done               <-------------      done
//
// At most maxAhead parts are ahead of what the other device has merged. A part is merged
// before it is acknowledged, and merging it again changes nothing: so a crash between the
// two does no harm. Either user may pause, which holds back the parts, or cancel.
//
// Reading and merging take time, and a device that gets its identity begins to work in the
// middle of it. So both are done beside the loop, one at a time (job.go); what comes of
// them is stored in a turn.
//
//	sync.go     one sync, its states, its record
//	calls.go    what programs ask for
//	work.go     the part: what is due, in turns
//	receive.go  what the other device says
//	send.go     what it is told
//	job.go      what is done beside the loop
//	limits.go   all limits, with their reasons
package devicesync
