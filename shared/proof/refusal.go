package proof

// Refusal says why a request was refused. It is for the operator; the sender learns nothing but 401.
type Refusal struct {
	// Cause is a stable word, one of the Cause constants.
	Cause string
	// Detail is a sentence that says what to do, and never has a secret in it.
	Detail string
}

// The causes of refusals. They are stable: rejections are stored and counted under them.
const (
	// CauseMissingToken and CauseWrongToken are for tokens, passwords and secrets in paths.
	CauseMissingToken = "missing-token"
	CauseWrongToken   = "wrong-token"

	// CauseNoSignature is a request without the header that has the signature, CauseWrongHeader one that has a
	// signature or token in another one.
	CauseNoSignature = "no-signature"
	CauseWrongHeader = "wrong-header"
	// CauseMalformed is a signature that can't be read, with the usual ways to get it wrong apart.
	CauseMalformed    = "malformed-signature"
	CauseHexForBase64 = "hex-for-base64"
	CauseBase64ForHex = "base64-for-hex"
	CauseNoPrefix     = "missing-prefix"
	// CauseOtherSource was made with a secret of another source, CauseExpiredSecret with one of this source that is
	// not valid any more or not yet.
	CauseOtherSource   = "other-source-secret"
	CauseExpiredSecret = "expired-secret"
	// CauseBodyAltered is a signature of another form of the same body.
	CauseBodyAltered = "body-altered"
	// CauseClockSkew is a right signature with a time that is too far from now.
	CauseClockSkew   = "clock-skew"
	CauseWrongSecret = "wrong-secret"

	// CauseNoCertificate and CauseWrongCertificate are for client certificates.
	CauseNoCertificate    = "no-certificate"
	CauseWrongCertificate = "wrong-certificate"
)

func (r *Refusal) Error() string { return r.Cause + ": " + r.Detail }
