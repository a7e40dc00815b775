// Package proof has how a request proves where it comes from: the token, the signature or the certificate that a sender
// shows, how it is verified in constant time, how the operator is told what was wrong with it, and how it is made by
// those who send as a provider would.
//
// The package knows no provider, no configuration and no HTTP server. It takes a Request as a value and a Proof that
// somebody describes, and everything it makes is safe for concurrent use. What it says of a refused request never has a
// secret in it.
//
// Which file to open:
//
//   - What has every proof in common, and what is a secret? proof.go
//   - How is a request verified, with several secrets and without a difference in time? verifier.go
//   - What is known of a request, and of one that is yet to be sent? request.go
//   - Which causes may a refusal have? refusal.go
//   - A token, a password or a secret, in a header, the path, the URL or the body: token.go; the schemes in front of it:
//     scheme.go
//   - A signature: what can be described about it: signature.go; how it is read from a request, and what is wrong with it:
//     signature_header.go; how a sender makes it: signature_signing.go; the text that is signed: signed_text.go; how it is computed and verified: algorithm.go; secrets and
//     public keys: secret_key.go
//   - Where is something in a body? body_place.go for forms, body_member.go for JSON
//   - Two names for the same header, and which id and time were signed: families.go; the keys of Standard Webhooks:
//     standard_keys.go
//   - A client certificate: certificate.go
//   - How is a proof described in words? describe.go
//   - Why was a request refused? diagnose.go; what proxies do to bodies: altered_body.go
//   - What of a refused request may be stored (a salted hash of its token), and how is it verified again? stored.go
package proof
