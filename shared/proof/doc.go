// Package proof has how a request proves where it comes from: the token, the signature or the certificate that a sender
// shows, how it is verified in constant time, how the operator is told what was wrong with it, and how it is made by
// those who send as a provider would.
//
// The package knows no provider, no configuration and no HTTP server. It takes a Request as a value and a Proof that
// somebody describes, and everything it makes is safe for concurrent use. What it says of a refused request never has a
// secret in it.
//
// The rooms, and which may know which:
//
//	internal/request  <-  internal/signed  <-  proof
//	internal/keys, internal/altered  <-'
//
//	internal/request   a request, and where something is in it
//	internal/signed    the text that a signature covers
//	internal/keys      how secrets and public keys are spelled
//	internal/altered   what proxies do to bodies
//
// Where to look:
//
//	proof.go              what every proof has in common; a secret
//	request.go            what is known of a request, and of one that is yet to be sent
//	verifier.go           verifying, with several secrets and without a difference in time
//	refusal.go            the causes of a refusal
//	token.go              a token, a password or a secret, in a header, the path, the URL or the body
//	scheme.go             the schemes in front of a token
//	signature.go          a signature: what can be described about it
//	signature_header.go   how it is read from a request, and what is wrong with it
//	signature_signing.go  how a sender makes it
//	algorithm.go          how it is computed and verified
//	secret_key.go         what becomes of its secrets and public keys
//	standard_webhooks.go  how it is verified and made with those of Standard Webhooks
//	families.go           two names for the same header; which id and time were signed
//	certificate.go        a client certificate
//	describe.go           a proof in words
//	diagnose.go           why a request was refused
//	stored.go             what of a refused request may be stored (a salted hash of its token), and verifying that again
package proof
