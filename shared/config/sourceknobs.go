package config

import (
	"net/netip"
	"time"
)

// What Source.Auth can be.
const (
	AuthToken       = "token"
	AuthBasic       = "basic"
	AuthHeader      = "header"
	AuthPath        = "path"
	AuthSignature   = "signature"
	AuthCertificate = "certificate"
	AuthNone        = "none"
)

// What Source.Mode can be.
const (
	ModeQuarantine = "quarantine"
	ModeObserve    = "observe"
)

// Source is one sender with everything resolved.
type Source struct {
	// Name is the key under sources.
	Name string `yaml:"name"`
	// Provider is the kind of sender, never empty.
	Provider string `yaml:"provider"`
	// Path starts with a slash and ends without one; no two sources share it.
	Path string `yaml:"path"`
	// Auth is one of the Auth constants.
	Auth string `yaml:"auth"`
	// Tokens are all that are valid, from all four places, each once. They and Secrets are empty with AuthNone and
	// AuthCertificate, and where [Options] lets them be missing.
	Tokens []Secret `yaml:"tokens"`
	// Secrets are more of them, each with the time for which it is valid.
	Secrets []Credential `yaml:"secrets"`
	// TokenHeader has the token with AuthHeader.
	TokenHeader string `yaml:"token_header"`
	// Certificates are the names that client certificates may be for, with AuthCertificate.
	Certificates []string `yaml:"certificates"`
	// Signature and Tolerance are what the source changes about its provider's signature.
	Signature Signature     `yaml:"signature"`
	Tolerance time.Duration `yaml:"tolerance"`
	// Read is where its notifications have what they have, for providers that leave it open.
	Read Reading `yaml:"read"`
	// Mode is ModeQuarantine or ModeObserve.
	Mode string `yaml:"mode"`
	// Prefixes and Lists are who may send: addresses, and names of the provider's lists. Both empty means anybody.
	Prefixes []netip.Prefix `yaml:"prefixes"`
	Lists    []string       `yaml:"lists"`
	// PublishDeadline is how long storing one notification may take before the sender is told to come again.
	PublishDeadline time.Duration `yaml:"publish_deadline"`
}

// Credential is a secret with the time for which it is valid; zero times are no bounds.
type Credential struct {
	// Secret is the secret itself.
	Secret Secret `yaml:"secret"`
	// From and Until bound the time.
	From  time.Time `yaml:"from"`
	Until time.Time `yaml:"until"`
}

// sourceKnobs is a source as it is written.
type sourceKnobs struct {
	// Kind of sender; empty means the source's name.
	Provider string `yaml:"provider"`
	// URL path that takes the source's webhooks in; empty means the provider's.
	Path string `yaml:"path"`
	// What a sender must show; empty means what the provider's senders do. A source without a token must say none in so
	// many words.
	Auth string `yaml:"auth" enum:"token,basic,header,path,signature,certificate,none"`
	// A token that senders show. All of token, tokens, token_file, token_files and secrets are valid at once, for rotation.
	Token Secret `yaml:"token"`
	// More tokens that senders show.
	Tokens []Secret `yaml:"tokens"`
	// File with tokens, one a line. Blank lines and lines that start with # are ignored.
	TokenFile string `yaml:"token_file" file:"true"`
	// More files with tokens.
	TokenFiles []string `yaml:"token_files" file:"true"`
	// Tokens or secrets of signatures, each with the time for which it is valid.
	Secrets []secretKnobs `yaml:"secrets"`
	// Header that has the token, with auth: header.
	TokenHeader string `yaml:"token_header" pattern:"^[A-Za-z0-9-]{0,64}$"`
	// Names that client certificates may be for, with auth: certificate.
	Certificates []string `yaml:"certificates"`
	// What a signature looks like, where it differs from the provider's or there is no provider for it.
	Signature Signature `yaml:"signature"`
	// How far the time in a signature may be from now; empty means as the provider asks, mostly 5m.
	Tolerance time.Duration `yaml:"tolerance" min:"1s"`
	// Where notifications have what they have, for provider generic.
	Read Reading `yaml:"read"`
	// What becomes of a body that its schema refuses: quarantine makes a dead letter, observe an event and an alert.
	Mode string `yaml:"mode" default:"quarantine" enum:"quarantine,observe"`
	// Addresses, CIDRs and names of the provider's lists that may send; empty means anybody.
	Allow []string `yaml:"allow"`
	// How long storing one notification may take before the sender is told to come again; empty means as long as the
	// provider's senders are patient.
	PublishDeadline time.Duration `yaml:"publish_deadline" min:"1ms"`
}

// secretKnobs is a secret as it is written: in one of three places.
type secretKnobs struct {
	// The secret itself.
	Secret Secret `yaml:"secret"`
	// File with the secret, and nothing else but white space around it.
	SecretFile string `yaml:"secret_file" file:"true"`
	// Variable with the secret.
	Env string `yaml:"env" variable:"true"`
	// When it begins to be valid, as 2026-12-31T18:00:00Z or 2026-12-31.
	From time.Time `yaml:"from"`
	// When it ends to be valid.
	Until time.Time `yaml:"until"`
}

// Signature describes an HMAC in a header. Empty fields are as the provider has them.
type Signature struct {
	// Header that has the signature.
	Header string `yaml:"header" pattern:"^[A-Za-z0-9-]{0,64}$"`
	// What stands in front of each signature, such as sha256=; none takes away what the provider has there.
	Prefix string `yaml:"prefix"`
	// What stands between several signatures in the header; empty means that there is only one.
	Separator string `yaml:"separator"`
	// How the signature is written.
	Encoding string `yaml:"encoding" enum:"hex,base64"`
	// The hash of the HMAC.
	Hash string `yaml:"hash" enum:"sha256,sha1,sha512"`
	// What is signed, with {body}, {timestamp} and {id} in it.
	Signed string `yaml:"signed"`
	// Header that has the time of signing.
	TimestampHeader string `yaml:"timestamp_header" pattern:"^[A-Za-z0-9-]{0,64}$"`
	// What stands in front of the time where it is in the signature's header.
	TimestampPrefix string `yaml:"timestamp_prefix"`
	// Header that has the id.
	IDHeader string `yaml:"id_header" pattern:"^[A-Za-z0-9-]{0,64}$"`
}

// Reading says where notifications have what they have. A place is /a/b or $.a.b in the body, header:NAME,
// constant:TEXT, or body for a digest of all of it.
type Reading struct {
	// Where the type is: /a/b or $.a.b in the body, header:NAME, or constant:TEXT.
	Type string `yaml:"type"`
	// Where the sender's account is.
	Instance string `yaml:"instance"`
	// Where what makes two notifications the same is; empty means the whole body.
	ID []string `yaml:"id"`
	// Where the name of what must stay in order is.
	Order string `yaml:"order"`
	// Where the sender's time is, in seconds or milliseconds since 1970 or as RFC 3339.
	SentAt string `yaml:"sent_at"`
	// Where the name of what it is about is, if notifications come out of order; needs sent_at.
	Object string `yaml:"object"`
}
