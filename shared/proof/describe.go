package proof

import (
	"fmt"
	"strings"
	"time"
)

// Description says in words how requests prove where they come from, for a table. Names and places are between backticks.
type Description struct {
	// Proof is what a request shows.
	Proof string
	// Leaves is what a request leaves open although it passes; "" for what does as much as can be done.
	Leaves string
}

// Describe describes a proof.
func Describe(proof Proof) Description {
	switch own := proof.(type) {
	case token:
		return own.describe()
	case signature:
		return own.describe()
	case families:
		one := own.first.describe()
		one.Proof += fmt.Sprintf(", or the same with `%s`", own.second.Header)
		return one
	default:
		return Description{Proof: "client certificate"}
	}
}

func (t token) describe() Description {
	switch {
	case t.inPath():
		return Description{Proof: "secret behind the path", Leaves: "who sends, and the body: who knows the URL can send anything"}
	case t.at != "":
		return Description{Proof: fmt.Sprintf("token in the body at `%s`", t.at), Leaves: "the rest of the body"}
	case t.query != "":
		return Description{Proof: fmt.Sprintf("token in the parameter `%s`", t.query), Leaves: "the body"}
	default:
		return Description{Proof: fmt.Sprintf("token in `%s`", t.header), Leaves: "the body"}
	}
}

// algorithms are the names of algorithms as people write them, with %s for a hash.
var algorithms = map[string]string{
	AlgorithmHMAC: "HMAC-%s", AlgorithmDigest: "%s", AlgorithmEd25519: "Ed25519", AlgorithmECDSA: "ECDSA with %s", AlgorithmRSA: "RSA with %s",
}

var hashes = map[string]string{HashMD5: "MD5", HashSHA1: "SHA-1", HashSHA256: "SHA-256", HashSHA512: "SHA-512"}

func (s signature) describe() Description {
	algorithm := strings.ReplaceAll(algorithms[s.Algorithm], "%s", hashes[s.Hash])
	at := s.At
	if s.Header != "" {
		at = s.Header
	}
	d := Description{Proof: fmt.Sprintf("%s of `%s` in `%s`, %s", algorithm, s.Signed, at, s.Encoding), Leaves: "when it was signed"}
	if s.hasTime() {
		d.Proof += fmt.Sprintf(", at most %s old", shortDuration(s.Tolerance))
		d.Leaves = ""
	}
	return d
}

// shortDuration writes a duration without zeros behind it: 5m and not 5m0s.
func shortDuration(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}
