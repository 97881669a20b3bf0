package api

// warily is nothing here: Windows has no such flags. Making a symbolic link there takes a
// right that other users do not have.
const warily = 0
