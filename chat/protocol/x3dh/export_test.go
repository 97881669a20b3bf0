package x3dh

import "libstatus1to1/chat/wire"

// SignatureMaterial returns the bytes that are hashed and signed, for the vectors.
func SignatureMaterial(w *wire.Bundle) ([]byte, error) {
	ids, err := installationIDs(w)
	if err != nil {
		return nil, err
	}
	return signatureMaterial(w, ids), nil
}
