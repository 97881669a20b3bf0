package port

import "testing"

// numbers are the codes of errors in JSON-RPC that were ever given out. Nothing here is
// changed or taken away: a line is added for each new code, also if an old one is gone.
var numbers = map[Code]int{
	"bad_params":            -32602,
	"bad_config":            1001,
	"unknown_field":         1002,
	"unknown_method":        -32601,
	"bad_json":              -32700,
	"bad_client":            1003,
	"closed":                1004,
	"forked":                1005,
	"internal":              -32603,
	"timeout":               1601,
	"no_identity":           1101,
	"identity_exists":       1102,
	"bad_phrase":            1103,
	"bad_key":               1104,
	"bad_cursor":            1006,
	"not_found":             1007,
	"self":                  1301,
	"empty":                 1302,
	"too_long":              1303,
	"too_large":             1304,
	"too_many":              1008,
	"client_ref_reused":     1305,
	"blocked":               1201,
	"wrong_state":           1202,
	"not_verified":          1203,
	"bad_picture":           1105,
	"bad_attachment":        1306,
	"bad_card":              1204,
	"store_locked":          1501,
	"store_corrupt":         1502,
	"store_io":              1503,
	"store_suspended":       1504,
	"store_newer":           1505,
	"wrong_passphrase":      1506,
	"port_in_use":           1602,
	"bad_address":           1603,
	"no_peers":              1604,
	"undeliverable":         1605,
	"cancelled":             1307,
	"network_down":          1606,
	"on_other_device":       1308,
	"bad_archive":           1507,
	"file_io":               1009,
	"bad_invitation":        1401,
	"pairing_state":         1402,
	"pairing_rejected":      1403,
	"pairing_cancelled":     1404,
	"pairing_expired":       1405,
	"pairing_used":          1406,
	"pairing_scanned_twice": 1407,
	"pairing_commitment":    1408,
	"pairing_certificate":   1409,
	"pairing_timeout":       1410,
	"pairing_ended":         1411,
	"pairing_outdated":      1412,
	"transfer_too_large":    1413,
	"transfer_cancelled":    1414,
	"transfer_damaged":      1415,
	"transfer_stalled":      1416,
	"foreign_device":        1417,
	"sync_state":            1418,
	"sync_cancelled":        1419,
	"sync_stalled":          1420,
	"sync_damaged":          1421,
}

func TestNumbersOfCodesStay(t *testing.T) {
	for _, c := range CodeTable {
		if numbers[c.Code] != c.Number {
			t.Errorf("%s has the number %d, and %d is given out", c.Code, c.Number, numbers[c.Code])
		}
	}
	codes := map[int]Code{}
	for code, number := range numbers {
		if other, taken := codes[number]; taken {
			t.Errorf("%s and %s have the number %d", code, other, number)
		}
		codes[number] = code
		// JSON-RPC keeps -32768 to -32000 for itself: only its own four are taken.
		if number < 0 && number != -32700 && (number > -32601 || number < -32603) {
			t.Errorf("%s has a number of JSON-RPC's", code)
		}
	}
}
