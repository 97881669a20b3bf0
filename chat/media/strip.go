package media

// Strip takes out of a picture all that is not needed to show it: EXIF with the place and the
// camera, XMP, comments, thumbnails, and what is appended. turned keeps one thing of EXIF,
// which way up the picture is. A recording is returned as it is. Errors: those of Look.
func Strip(data []byte, turned bool) ([]byte, Info, error) {
	if len(data) > MaxBytes {
		return nil, Info{}, refuse(ErrTooLarge, "the file has more than 10,000,000 bytes")
	}
	k := &keeper{out: make([]byte, 0, len(data)), turned: turned}
	o, err := walk(data, k)
	if err != nil {
		return nil, Info{}, err
	}
	return k.out, o.shown(), nil
}
