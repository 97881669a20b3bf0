package pairing

// Commit is the commitment to a static key.
var Commit = commit
