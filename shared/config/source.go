package config

import (
	"net/netip"
	"slices"
	"time"

	"sluice.internal/shared/config/internal/value"
)

// The values of Source.Auth: how requests prove where they come from.
const (
	AuthToken       = "token"
	AuthBasic       = "basic"
	AuthHeader      = "header"
	AuthPath        = "path"
	AuthQuery       = "query"
	AuthBody        = "body"
	AuthSignature   = "signature"
	AuthCertificate = "certificate"
	AuthNone        = "none"
)

// The values of Source.Mode: what becomes of a body that its schema refuses.
const (
	ModeQuarantine = "quarantine"

	// EachOwn is the each below read that takes no two requests for the same notification.
	EachOwn     = "own"
	ModeObserve = "observe"
)

// Source is one sender as it is written, with what Load fills in: Provider, Path, Auth, BodyLimit and PublishDeadline where they are
// empty, and the contents of the files and variables with tokens and secrets. What requests are held against is made of it
// once, by the package source.
type Source struct {
	// Name is the key under sources.
	Name string `yaml:"-"`
	// PublicURL is gateway.public_url.
	PublicURL string `yaml:"-"`
	// Kind of sender; empty means the source's name.
	Provider string `yaml:"provider"`
	// URL path that takes the source's webhooks in; empty means the provider's.
	Path string `yaml:"path"`
	// How senders prove who they are; empty means as the provider's do. A source that takes requests from anybody must say
	// none.
	Auth string `yaml:"auth" enum:"token,basic,header,path,query,body,signature,certificate,none"`
	// A token that senders send. All of token, tokens, token_file, token_files and secrets are valid at once, for rotation.
	Token Secret `yaml:"token"`
	// More tokens that senders send.
	Tokens []Secret `yaml:"tokens"`
	// File with tokens, one a line. Blank lines and lines that start with # are ignored.
	TokenFile string `yaml:"token_file" file:"content"`
	// More files with tokens.
	TokenFiles []string `yaml:"token_files" file:"content"`
	// Tokens or secrets of signatures, each with the time for which it is valid.
	Secrets []Credential `yaml:"secrets"`
	// Header that has the token, with auth: header.
	TokenHeader string `yaml:"token_header" pattern:"^[A-Za-z0-9-]{0,64}$"`
	// Parameter of the URL that has the token, with auth: query.
	TokenParameter string `yaml:"token_parameter" pattern:"^[^&=#? ]{0,64}$"`
	// Where the body has the token, with auth: body: /a/b, or / and the name of a form's field.
	TokenAt string `yaml:"token_at" pattern:"^(/.+)?$"`
	// Further ways in which senders may prove who they are, for provider generic; one that fits is enough.
	Also []Scheme `yaml:"also"`
	// Names that client certificates may be for, with auth: certificate.
	Certificates []string `yaml:"certificates"`
	// The form of signatures, where it differs from the provider's or there is no provider for it.
	Signature Signature `yaml:"signature"`
	// How far the time in a signature may be from now; empty means as the provider asks, mostly 5m.
	Tolerance time.Duration `yaml:"tolerance" min:"1s"`
	// Where the parts of a notification are, for provider generic.
	Read Mapping `yaml:"read"`
	// The request by which the sender finds out whether somebody listens, where it differs from the provider's or there is no
	// provider for it.
	Challenge Challenge `yaml:"challenge"`
	// What the sender is answered once its notification is stored, where that is not the receipt or the provider's answer.
	Answer Answer `yaml:"answer"`
	// What becomes of a body that differs from its schema: observe makes an event with faults and an alert, quarantine a dead letter.
	Mode string `yaml:"mode" default:"observe" enum:"observe,quarantine"`
	// Addresses, CIDRs and names of the provider's lists that may send; empty means anybody.
	Allow []string `yaml:"allow"`
	// The largest body that is accepted; empty means the largest that the provider sends, and 8MiB where that is not known.
	// gateway.body_limit is above it.
	BodyLimit Size `yaml:"body_limit" min:"1KiB" max:"32MiB"`
	// How long storing one notification may take before the answer is 503; empty means the provider's deadline.
	PublishDeadline time.Duration `yaml:"publish_deadline" min:"1ms"`
	// Accounts at GREEN-API, by the number of the instance, in quotes: those that Sluice asks for something. Instances that
	// only send webhooks need not be here.
	Instances map[string]Instance `yaml:"instances"`
}

// Credential is a token or a secret of signatures. It is written in one of three places, and Load reads it from there into
// Secret. Zero times are no bounds.
type Credential struct {
	// The secret itself.
	Secret Secret `yaml:"secret"`
	// File with the secret, and nothing else but white space around it.
	SecretFile string `yaml:"secret_file" file:"content" excludes:"secret"`
	// Variable with the secret.
	Env string `yaml:"env" variable:"true" excludes:"secret,secret_file"`
	// When it begins to be valid, as 2026-12-31T18:00:00Z or 2026-12-31.
	From time.Time `yaml:"from"`
	// When it stops to be valid.
	Until time.Time `yaml:"until"`
}

// Scheme is one more way in which senders may prove who they are, with its secret. Several secrets are several schemes.
type Scheme struct {
	// How senders prove who they are.
	Auth string `yaml:"auth" enum:"token,basic,header,path,query,body,signature"`
	// Header that has the token, with auth: header.
	TokenHeader string `yaml:"token_header" pattern:"^[A-Za-z0-9-]{0,64}$"`
	// Parameter of the URL that has the token, with auth: query.
	TokenParameter string `yaml:"token_parameter" pattern:"^[^&=#? ]{0,64}$"`
	// Where the body has the token, with auth: body: /a/b, or / and the name of a form's field.
	TokenAt string `yaml:"token_at" pattern:"^(/.+)?$"`
	// The form of signatures, with auth: signature.
	Signature Signature `yaml:"signature"`
	// How far the time in a signature may be from now; empty means 5m.
	Tolerance time.Duration `yaml:"tolerance" min:"1s"`
	Credential
}

// Signature describes a signature. Empty fields are as the provider has them.
type Signature struct {
	// Header that has the signature.
	Header string `yaml:"header" pattern:"^[A-Za-z0-9-]{0,64}$"`
	// Where the signature is if not in a header: /a/b in the body, / and the name of a form's field, or query:NAME.
	At string `yaml:"at"`
	// Text in front of each signature, such as sha256=; none takes away the provider's.
	Prefix string `yaml:"prefix"`
	// Text between several signatures in the header; empty means that there is only one.
	Separator string `yaml:"separator"`
	// The encoding of the signature.
	Encoding string `yaml:"encoding" enum:"hex,base64"`
	// How it is made: an HMAC, a digest of a text that has the secret in it, or with the sender's private key.
	Algorithm string `yaml:"algorithm" enum:"hmac,digest,ed25519,ecdsa,rsa"`
	// The hash that it is made with.
	Hash string `yaml:"hash" enum:"sha256,sha1,sha512,md5"`
	// How the secret is written: as it is used, in hexadecimal digits, or in base64.
	SecretEncoding string `yaml:"secret_encoding" enum:"text,hex,base64"`
	// The text that is signed, with {body}, {timestamp}, {id}, {url}, {header:NAME} and other places in it.
	Signed string `yaml:"signed"`
	// Header that has the time of signing.
	TimestampHeader string `yaml:"timestamp_header" pattern:"^[A-Za-z0-9-]{0,64}$"`
	// Where the time of signing is if not in a header, as in at.
	TimestampAt string `yaml:"timestamp_at"`
	// Text in front of the time where it is in the signature's header.
	TimestampPrefix string `yaml:"timestamp_prefix"`
	// Header that has the id.
	IDHeader string `yaml:"id_header" pattern:"^[A-Za-z0-9-]{0,64}$"`
	// Where the id is if not in a header, as in at.
	IDAt string `yaml:"id_at"`
	// Where the request has the SHA-256 of its body in hexadecimal digits, if that is signed in place of the body: query:NAME
	// or header:NAME.
	BodyDigestAt string `yaml:"body_digest_at"`
}

// IsPublic reports whether a signature is verified by the sender's public key, which stands where else a secret does.
func (s Signature) IsPublic() bool {
	return slices.Contains([]string{"ed25519", "ecdsa", "rsa"}, s.Algorithm)
}

// Challenge is the request by which a sender finds out whether somebody listens at the path. It is answered and is no
// notification. A place in it is /a/b in the body, query:NAME or header:NAME.
type Challenge struct {
	// Method of the request; GET is also for HEAD.
	Method string `yaml:"method" enum:"GET,POST"`
	// Conditions that make a request a challenge, all together: a place, or a place with = and its value, such as /type=ping.
	When []string `yaml:"when"`
	// Where the text is that the sender wants back.
	Echo string `yaml:"echo"`
	// Where the request has the password that was entered at the sender for this, such as Meta's verify token; any other one is
	// refused.
	PasswordAt string `yaml:"password_at"`
	// The password itself.
	Password Secret `yaml:"password"`
	// File with the password, instead of the password itself.
	PasswordFile string `yaml:"password_file" file:"content" excludes:"password"`
	// The answer, with {echo} for the text and {hmac} for its HMAC in hexadecimal digits; empty means {echo}.
	Answer string `yaml:"answer"`
	// Content type of the answer; empty means plain text.
	ContentType string `yaml:"content_type"`
	// Whether a POST is answered that does not prove where it comes from.
	Unsigned bool `yaml:"unsigned" default:"false"`
}

// Answer is what a sender is answered in place of the receipt. The receipt is in the header Sluice-Receipt all the same.
type Answer struct {
	// Status code.
	Status int `yaml:"status" min:"200" max:"299"`
	// Content type of the body; empty means plain text.
	ContentType string `yaml:"content_type"`
	// The body; empty means none.
	Body string `yaml:"body"`
}

// Mapping says where the parts of a notification are. A place is /a/b or $.a.b in the body, header:NAME, constant:TEXT,
// key:A,B for the name of a member that is there, or body for a digest of all of it; of several with | between them the first
// counts that leads to something.
type Mapping struct {
	// Where the type is: /a/b or $.a.b in the body, header:NAME, or constant:TEXT.
	Type string `yaml:"type"`
	// Where the sender's account is.
	Instance string `yaml:"instance"`
	// Where the identity of a notification is, which its repetitions share; empty means the whole body.
	ID []string `yaml:"id"`
	// Where the name is of what stays in order, such as a chat.
	Order string `yaml:"order"`
	// Where the sender's time is, in seconds or milliseconds since 1970 or as RFC 3339.
	SentAt string `yaml:"sent_at"`
	// Where the name is of the object that a notification is about, such as an order, if they come out of order; needs sent_at.
	Object string `yaml:"object"`
	// For how long after the first one notifications are the same that have the same identity, at most 24h; 0 means a minute where
	// only the body tells them apart, or what the provider says, and else for as long as keys are remembered.
	Window time.Duration `yaml:"window"`
	// own makes each request an event of its own, also one that is sent again; empty leaves it to the identity.
	Each string `yaml:"each" enum:"own"`
	// Arrays in the body whose items are notifications of their own, such as /entry/*/changes/*.
	Split []string `yaml:"split"`
}

// minLargestBody is what LargestBody returns at least, so that a NATS that is made for it takes what is usual, also after
// sources have gone.
const minLargestBody = 8 * MiB

// LargestBody returns the largest body that any of the sources accepts.
func (c *Config) LargestBody() Size {
	largest := minLargestBody
	for _, source := range c.Sources {
		largest = max(largest, min(source.BodyLimit, c.Gateway.BodyLimit))
	}
	return largest
}

// NeedsSecret reports whether a request must prove that it knows one of the source's tokens or secrets.
func (s Source) NeedsSecret() bool { return s.Auth != AuthNone && s.Auth != AuthCertificate }

// Credentials returns all tokens and secrets: the tokens first, each once and without bounds on its time, then the secrets.
func (s Source) Credentials() []Credential {
	var all []Credential
	for _, token := range append([]Secret{s.Token}, s.Tokens...) {
		if one := (Credential{Secret: token}); token != (Secret{}) && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return append(all, s.Secrets...)
}

// With returns the source as it is with one of its further schemes in place of its own way: for what a single way needs.
func (s Source) With(scheme Scheme) Source {
	s.Auth, s.TokenHeader, s.TokenParameter, s.TokenAt = scheme.Auth, scheme.TokenHeader, scheme.TokenParameter, scheme.TokenAt
	s.Signature, s.Tolerance, s.Also = scheme.Signature, scheme.Tolerance, nil
	s.Token, s.Tokens, s.Secrets = Secret{}, nil, []Credential{scheme.Credential}
	return s
}

// Allowed parts Allow into addresses and names of the provider's lists. Both are empty where anybody may send.
func (s Source) Allowed() (prefixes []netip.Prefix, lists []string) {
	for _, item := range s.Allow {
		if prefix, err := value.ParsePrefix(item); err == nil {
			prefixes = append(prefixes, prefix)
		} else {
			lists = append(lists, item)
		}
	}
	return prefixes, lists
}
