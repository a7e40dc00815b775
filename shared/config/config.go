package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is the whole configuration of a process: checked, defaults filled in, files of secrets read.
// It prints and marshals without its secrets. Load and Default return a new one each time, and nothing in this package
// changes it afterwards.
type Config struct {
	// The log of the process.
	Log Log `yaml:"log"`
	// The NATS servers with the streams, and how to log in there.
	NATS NATS `yaml:"nats"`
	// The listener for those who run the process.
	Admin Admin `yaml:"admin"`
	// Memory that the process may use; 0 means what its cgroup or GOMEMLIMIT allows, else half of the machine's. The smallest
	// of the three counts. What requests and batches may hold is divided from it.
	MemoryLimit Size `yaml:"memory_limit" default:"0"`
	// The HTTP edge that takes webhooks in.
	Gateway Gateway `yaml:"gateway"`
	// Senders by name; one called green-api when none is configured.
	Sources map[string]Source `yaml:"sources"`
	// The receive API, by which bots ask for events as they would ask GREEN-API.
	Receiver Receiver `yaml:"receiver"`
	// Programs that ask for events by the receive API, by name.
	Bots map[string]Bot `yaml:"bots"`
	// Folder with JSON Schemas that are added to the built-in ones or take their place, as <provider>/<type>.json.
	SchemasDir string `yaml:"schemas_dir" file:"folder"`
	// The process that makes events of notifications and handles them.
	Worker Worker `yaml:"worker"`
	// Handlers that are no Go, by name: programs and commands that events are handed to.
	Handlers map[string]Handler `yaml:"handlers"`
	// What handlers of your own need, in sections that they name; see docs/handlers.md.
	Settings Settings `yaml:"settings" open:"true"`
	// The shape of the streams. Shards and lanes are fixed once they are made.
	Streams Streams `yaml:"streams"`
	// Warnings name settings that work but should be looked at, one sentence each with its place.
	Warnings []string `yaml:"-"`
}

// Log is the configuration of the logger.
type Log struct {
	// The lowest level that is written.
	Level slog.Level `yaml:"level" default:"info" enum:"debug,info,warn,error"`
	// How lines look; auto is text on a terminal and JSON elsewhere.
	Format string `yaml:"format" default:"auto" enum:"auto,text,json"`
	// What lines show of chat ids and phone numbers: hash is a short digest that is the same for the same one, drop nothing,
	// keep the ids themselves. The digest of an id is shown by sluice forget.
	Personal string `yaml:"personal" default:"hash" enum:"keep,hash,drop"`
}

// NATS is the configuration of the connection. At most one way to log in can be chosen: user and password, a credentials
// file, or an nkey.
type NATS struct {
	// Servers to connect to, separated by commas. User and password may stand in it, and are never printed.
	URL URL `yaml:"url" default:"nats://127.0.0.1:4222"`
	// User to log in as; empty means without one.
	User string `yaml:"user"`
	// The user's password.
	Password Secret `yaml:"password" needs:"user"`
	// File with the user's password, instead of the password itself. Whitespace around it is ignored.
	PasswordFile string `yaml:"password_file" file:"content" needs:"user" excludes:"password"`
	// File with a user's JWT and seed, as nsc writes it (.creds).
	CredentialsFile string `yaml:"credentials_file" file:"secret" excludes:"user"`
	// File with a user's nkey seed.
	NKeyFile string `yaml:"nkey_file" file:"secret" excludes:"user,credentials_file"`
	// File with the key by which the NATS of sluice up encrypts what it writes to the disk; sluice secrets encryption-key
	// makes one. A NATS of your own is told by its own configuration.
	EncryptionKeyFile string `yaml:"encryption_key_file" file:"secret"`
	// Certificates for TLS with the servers.
	TLS TLS `yaml:"tls"`
}

// TLS names the certificates of a client: those that it trusts and its own. The zero value trusts the system's authorities
// and shows no certificate.
type TLS struct {
	// PEM file with the authorities that vouch for the servers; empty means the system's.
	CAFile string `yaml:"ca_file" file:"path"`
	// PEM file with this client's certificate; needs key_file.
	CertFile string `yaml:"cert_file" file:"path" needs:"key_file"`
	// PEM file with the key of this client's certificate; needs cert_file.
	KeyFile string `yaml:"key_file" file:"secret" needs:"cert_file"`
}

// Admin is the configuration of the listener that only those who run the process should reach.
type Admin struct {
	// Address that serves /healthz, /readyz and /metrics on a listener of its own; empty turns it off. With it the gateway does not
	// serve them at gateway.listen.
	Listen string `yaml:"listen" listen:"true"`
}

// Gateway is the configuration of the gateway.
type Gateway struct {
	// Address that takes webhooks in.
	Listen string `yaml:"listen" default:":8080" listen:"true"`
	// How senders call the gateway, such as https://hooks.example.org, for signatures that cover the URL. A path that a proxy
	// takes away belongs to it.
	PublicURL string `yaml:"public_url" pattern:"^(https?://[^/?# @]+(/[^?# ]*)?)?$"`
	// Addresses and CIDRs of the proxies whose forwarding header is trusted.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// The one header in which trusted proxies name the client's address.
	// Exactly one is read, since proxies pass the other on untouched and a client could forge it.
	ForwardedHeader string `yaml:"forwarded_header" default:"X-Forwarded-For" enum:"X-Forwarded-For,Forwarded"`
	// The largest body that is accepted of any source, whatever the source's own limit is.
	BodyLimit Size `yaml:"body_limit" default:"32MiB" min:"1KiB" max:"32MiB"`
	// The largest set of headers that is accepted.
	HeaderLimit Size `yaml:"header_limit" default:"16KiB" min:"1KiB" max:"1MiB"`
	// How long a client may take to send its headers.
	HeaderTimeout time.Duration `yaml:"header_timeout" default:"10s" min:"1ms"`
	// How long a client may take to send its whole request, however fast it sends.
	ReadTimeout time.Duration `yaml:"read_timeout" default:"60s" min:"1ms"`
	// The least of a body that a client must send in a second, on average, once 5 seconds are over; 0 asks for nothing. One
	// that is slower is answered 408.
	MinRate Size `yaml:"min_rate" default:"32KiB" max:"1GiB"`
	// How long an idle connection is kept for the client's next request.
	IdleTimeout time.Duration `yaml:"idle_timeout" default:"120s" min:"1ms"`
	// How long a stop waits for requests under way.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" default:"30s" min:"1ms"`
	// Certificates for a gateway that speaks TLS itself.
	TLS ServerTLS `yaml:"tls"`
	// Header in which trusted proxies hand on the client's certificate as PEM, URL-encoded as nginx has it in
	// $ssl_client_escaped_cert; empty means none. It needs tls.client_ca_file.
	ClientCertHeader string `yaml:"client_cert_header" pattern:"^[A-Za-z0-9-]{0,64}$" needs:"tls.client_ca_file"`
}

// ServerTLS names the certificates of the gateway: its own and those that it trusts. Without its own it speaks plain HTTP.
type ServerTLS struct {
	// PEM file with the gateway's certificate and those between it and its authority; needs key_file.
	CertFile string `yaml:"cert_file" file:"path" needs:"key_file"`
	// PEM file with the key of the gateway's certificate; needs cert_file.
	KeyFile string `yaml:"key_file" file:"secret" needs:"cert_file"`
	// PEM file with the authorities that vouch for clients, for sources with auth: certificate.
	ClientCAFile string `yaml:"client_ca_file" file:"path"`
}

// The values of Worker.OnFailure.
const (
	OnFailurePark  = "park"
	OnFailureBlock = "block"
)

// Worker is the configuration of a worker.
type Worker struct {
	// Name of the group whose workers share the events; each group gets all of them.
	Group string `yaml:"group" default:"default" pattern:"^[a-z0-9_-]{1,32}$"`
	// Types of events that the group handles; empty means all that have a handler.
	Types []string `yaml:"types"`
	// Whether events of one chat are handled one after the other; false hands any event to whoever is free.
	Ordered bool `yaml:"ordered" default:"true"`
	// How many events a worker handles at the same time: of different chats, or of any where they are not ordered.
	Concurrency int `yaml:"concurrency" default:"256" min:"1" max:"20000"`
	// How long one call of a handler may take. Then its context ends, and the try has failed.
	HandlerTimeout time.Duration `yaml:"handler_timeout" default:"1m" min:"1ms"`
	// What becomes of an event whose handler failed three times: park sets it aside and goes on with the chat, block
	// lets the chat wait until it succeeds.
	OnFailure string `yaml:"on_failure" default:"park" enum:"park,block"`
	// How long a parked event is tried again before it becomes a dead letter.
	RetryFor time.Duration `yaml:"retry_for" default:"24h" min:"1s"`
	// Whether this worker also takes raw notifications in.
	Intake bool `yaml:"intake" default:"true"`
	// Whether this worker also handles events; false leaves that to others, and then it belongs to no group.
	Handlers bool `yaml:"handlers" default:"true"`
	// How long a stop waits for handlers under way.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" default:"30s" min:"1ms"`
}

// How many shards and lanes streams get that are made while 0 is configured. The table can't have them as defaults: 0 is
// one, for what the streams that are there already say.
const (
	ShardsWhenMade = 4
	LanesWhenMade  = 16
)

// Streams is the shape of the streams.
type Streams struct {
	// Queues that raw notifications are spread over by instance, each in the order of arrival; 0 means as the streams
	// were made, and 4 when they are made.
	Shards int `yaml:"shards" default:"0" min:"0" max:"64"`
	// Parts that events are spread over by chat, which the workers of a group share; 0 means as the streams were made, and 16 when they are made.
	Lanes int `yaml:"lanes" default:"0" min:"0" max:"512"`
	// Servers that each stream is kept on.
	Replicas int `yaml:"replicas" default:"1" enum:"1,3,5"`
	// Whether this process makes the streams and brings them to the configuration; false leaves that to another one and
	// waits until it has.
	Manage bool `yaml:"manage" default:"true"`
	// Accepted requests as they came.
	Notifications Notifications `yaml:"notifications"`
	// Accepted notifications, valid and unique.
	Events Events `yaml:"events"`
	// Events that wait for their next attempt.
	Retries Retries `yaml:"retries"`
	// Notifications and events that could not be processed.
	DeadLetters DeadLetters `yaml:"dead_letters"`
	// Requests that were refused.
	Rejections Rejections `yaml:"rejections"`
	// Alerts to the operator.
	Alerts Alerts `yaml:"alerts"`
}

// Notifications bounds the stream of accepted requests. When it is full, new ones are answered 503.
type Notifications struct {
	// Largest size of the stream; 0 means chosen from the space there is.
	MaxBytes Size `yaml:"max_bytes" default:"0"`
	// How long a notification is kept after it was taken in.
	Keep time.Duration `yaml:"keep" default:"24h" min:"1s"`
	// Age at which a notification goes, also when it was not taken in; 0 means that one which was not taken in stays. At least
	// keep. The operator is told before.
	MaxAge time.Duration `yaml:"max_age" default:"720h" min:"0s"`
}

// Events bounds the stream of events. An event that is not handled yet is never dropped to make space; only its greatest
// age ends it.
type Events struct {
	// Largest size of the stream; 0 means chosen from the space there is.
	MaxBytes Size `yaml:"max_bytes" default:"0"`
	// How long an event is kept; at least duplicate_window.
	Keep time.Duration `yaml:"keep" default:"168h" min:"1s"`
	// Age at which an event goes, also when a group has not handled it; 0 means that one which was not handled stays. At least
	// keep. What waits for another attempt goes at the same age. The operator is told before.
	MaxAge time.Duration `yaml:"max_age" default:"720h" min:"0s"`
	// How long a notification that is sent again is recognised as a duplicate.
	DuplicateWindow time.Duration `yaml:"duplicate_window" default:"48h" min:"1s"`
}

// Retries bounds the stream of parked events. When it is full, lanes wait instead of parking more.
type Retries struct {
	// Largest size of the stream.
	MaxBytes Size `yaml:"max_bytes" default:"2GiB" min:"1MiB"`
}

// DeadLetters bounds the stream of dead letters; the oldest go first.
type DeadLetters struct {
	// Largest size of the stream.
	MaxBytes Size `yaml:"max_bytes" default:"1GiB" min:"1MiB"`
	// How long a dead letter is kept.
	Keep time.Duration `yaml:"keep" default:"720h" min:"1s"`
}

// Rejections bounds the stream of refused requests; the oldest go first.
type Rejections struct {
	// Largest size of the stream.
	MaxBytes Size `yaml:"max_bytes" default:"128MiB" min:"1MiB"`
	// How long a rejection is kept.
	Keep time.Duration `yaml:"keep" default:"168h" min:"1s"`
}

// Alerts bounds the stream of alerts to the operator; the oldest go first.
type Alerts struct {
	// Largest size of the stream.
	MaxBytes Size `yaml:"max_bytes" default:"16MiB" min:"1MiB"`
	// How long an alert is kept; at least group_window.
	Keep time.Duration `yaml:"keep" default:"720h" min:"1s"`
	// How long alerts about the same thing count as one.
	GroupWindow time.Duration `yaml:"group_window" default:"15m" min:"1s"`
}
