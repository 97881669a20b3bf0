// Package media looks at pictures and recordings, takes out of them what tells of their
// author, and makes small pictures of large ones.
//
// Bytes come from anybody. So a file is first walked by its container, which costs a pass
// over its bytes and no memory: Look says what it is, how large the picture is, and what
// decoding it would cost. Only what is within the bounds is ever decoded, and by Preview and
// Prepare alone, one picture at a time.
//
//	media.go    formats, bounds, Look
//	jpeg.go, png.go, gif.go, webp.go, audio.go   the containers
//	exif.go     which way up a picture is
//	strip.go    taking out metadata
//	decode.go   decoding within bounds, making smaller, turning
//	prepare.go  a file as it is sent
//	preview.go  thumbnail and blurhash
package media
