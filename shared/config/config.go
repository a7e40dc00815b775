// Package config is the one place where every knob, its default and its meaning stand.
//
// The structs below are the table of knobs: the yaml tag is the key, the default tag the default, the doc comment the
// meaning. [Load], [Keys] and [JSONSchema] all read this table, so a new knob is one field.
// The package knows no flags library, no environment but the one it is handed, and neither NATS nor the providers.
package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is what a process was told, complete: checked, defaults filled in, files of secrets read.
// It prints and marshals without its secrets. Load hands out a fresh one each time; nothing here changes it.
type Config struct {
	// What the process writes about itself, and how.
	Log Log `yaml:"log"`
	// Where the streams live and how to log in there.
	NATS NATS `yaml:"nats"`
	// The listener for those who run the process.
	Admin Admin `yaml:"admin"`
	// The HTTP edge that takes webhooks in.
	Gateway Gateway `yaml:"gateway"`
	// Senders by name; one called green-api when none is configured.
	Sources map[string]Source `yaml:"sources"`
	// Folder with JSON Schemas that are added to the built-in ones or take their place, as <provider>/<type>.json.
	SchemasDir string `yaml:"schemas_dir" file:"folder"`
	// What takes notifications in as events and handles them.
	Worker Worker `yaml:"worker"`
	// How the streams are made. Shards and lanes are fixed once they are made.
	Streams Streams `yaml:"streams"`
	// Warnings are what works but should be looked at, one sentence each with its place.
	Warnings []string `yaml:"-"`
}

// Log is the configuration of the logger.
type Log struct {
	// The least important level that is written.
	Level slog.Level `yaml:"level" default:"info" enum:"debug,info,warn,error"`
	// How lines look; auto is text on a terminal and JSON elsewhere.
	Format string `yaml:"format" default:"auto" enum:"auto,text,json"`
}

// NATS is how to connect. At most one way to log in can be chosen.
type NATS struct {
	// Servers to connect to, separated by commas. User and password may stand in it, and are never printed.
	URL URL `yaml:"url" default:"nats://127.0.0.1:4222"`
	// User to log in as; empty means without one.
	User string `yaml:"user"`
	// The user's password.
	Password Secret `yaml:"password"`
	// File with the user's password, instead of the password itself. Whitespace around it is ignored.
	PasswordFile string `yaml:"password_file" file:"true"`
	// File with a user's JWT and seed, as nsc writes it (.creds).
	CredentialsFile string `yaml:"credentials_file" file:"true"`
	// File with a user's nkey seed.
	NKeyFile string `yaml:"nkey_file" file:"true"`
	// What to trust and to show in TLS with the servers.
	TLS TLS `yaml:"tls"`
}

// TLS is what a client trusts and shows. The zero value trusts what the system trusts and shows nothing.
type TLS struct {
	// PEM file with the authorities that vouch for the servers; empty means the system's.
	CAFile string `yaml:"ca_file" file:"true"`
	// PEM file with this client's certificate; needs key_file.
	CertFile string `yaml:"cert_file" file:"true"`
	// PEM file with the key of this client's certificate; needs cert_file.
	KeyFile string `yaml:"key_file" file:"true"`
}

// Admin is the configuration of what only those who run the process should reach.
type Admin struct {
	// Address that serves /healthz, /readyz and /metrics on a listener of their own; empty turns it off.
	Listen string `yaml:"listen"`
}

// Gateway is the configuration of the gateway.
type Gateway struct {
	// Address that takes webhooks in.
	Listen string `yaml:"listen" default:":8080"`
	// Addresses and CIDRs of the proxies whose forwarding header is believed.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// The one header that trusted proxies set to tell the client's address.
	// Exactly one is read, since proxies pass the other on untouched and a client could forge it.
	ForwardedHeader string `yaml:"forwarded_header" default:"X-Forwarded-For" enum:"X-Forwarded-For,Forwarded"`
	// The largest body that is accepted.
	BodyLimit Size `yaml:"body_limit" default:"8MiB" min:"1KiB" max:"32MiB"`
	// The largest set of headers that is accepted.
	HeaderLimit Size `yaml:"header_limit" default:"64KiB" min:"1KiB" max:"1MiB"`
	// How long a client may take to send its headers.
	HeaderTimeout time.Duration `yaml:"header_timeout" default:"10s" min:"1ms"`
	// How long a client may take to send its whole request.
	ReadTimeout time.Duration `yaml:"read_timeout" default:"60s" min:"1ms"`
	// How long an idle connection is kept for the client's next request.
	IdleTimeout time.Duration `yaml:"idle_timeout" default:"120s" min:"1ms"`
	// How long a stop waits for requests under way.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" default:"30s" min:"1ms"`
	// What the gateway shows and trusts where it speaks TLS itself.
	TLS ServerTLS `yaml:"tls"`
	// Header in which trusted proxies hand on the client's certificate as PEM, URL-encoded as nginx has it in
	// $ssl_client_escaped_cert; empty means none. It needs tls.client_ca_file.
	ClientCertHeader string `yaml:"client_cert_header" pattern:"^[A-Za-z0-9-]{0,64}$"`
}

// ServerTLS is what the gateway shows and trusts. Without a certificate it speaks plain HTTP.
type ServerTLS struct {
	// PEM file with the gateway's certificate and those between it and its authority; needs key_file.
	CertFile string `yaml:"cert_file" file:"true"`
	// PEM file with the key of the gateway's certificate; needs cert_file.
	KeyFile string `yaml:"key_file" file:"true"`
	// PEM file with the authorities that vouch for clients, for sources with auth: certificate.
	ClientCAFile string `yaml:"client_ca_file" file:"true"`
}

// What Worker.OnFailure can be.
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
	// How many events a worker handles at the same time where they are not ordered.
	Concurrency int `yaml:"concurrency" default:"16" min:"1" max:"1024"`
	// What becomes of an event whose handler failed three times: park sets it aside and goes on with the lane, block
	// lets the lane wait until it succeeds.
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

// Streams is the shape of the streams.
type Streams struct {
	// Queues that raw notifications are spread over by instance, each in the order of arrival; 0 means as the streams
	// were made, and 4 when they are made.
	Shards int `yaml:"shards" default:"0" min:"0" max:"64"`
	// Serial queues that events are spread over by chat; 0 means as the streams were made, and 64 when they are made.
	Lanes int `yaml:"lanes" default:"0" min:"0" max:"512"`
	// Servers that each stream is kept on.
	Replicas int `yaml:"replicas" default:"1" enum:"1,3,5"`
	// Whether this process makes the streams and brings them to the configuration; false leaves that to another one and
	// waits until it has.
	Manage bool `yaml:"manage" default:"true"`
	// Raw requests as they came.
	Notifications Notifications `yaml:"notifications"`
	// Accepted notifications, valid and unique.
	Events Events `yaml:"events"`
	// Events that wait for their next attempt.
	Retries Retries `yaml:"retries"`
	// What could not be processed.
	DeadLetters DeadLetters `yaml:"dead_letters"`
	// Requests that were refused.
	Rejections Rejections `yaml:"rejections"`
	// What the operator is told.
	Alerts Alerts `yaml:"alerts"`
}

// Notifications bounds the stream of raw requests. When it is full, new ones are answered 503.
type Notifications struct {
	// The most room; 0 means chosen from the room there is.
	MaxBytes Size `yaml:"max_bytes" default:"0"`
	// How long a notification is kept after it was taken in.
	Keep time.Duration `yaml:"keep" default:"24h" min:"1s"`
}

// Events bounds the stream of events. One that is not handled yet is never dropped for room.
type Events struct {
	// The most room; 0 means chosen from the room there is.
	MaxBytes Size `yaml:"max_bytes" default:"0"`
	// How long an event is kept; at least duplicate_window.
	Keep time.Duration `yaml:"keep" default:"168h" min:"1s"`
	// How long the same notification, sent again, is known to be the same.
	DuplicateWindow time.Duration `yaml:"duplicate_window" default:"48h" min:"1s"`
}

// Retries bounds the stream of parked events. When it is full, lanes wait instead of parking more.
type Retries struct {
	// The most room.
	MaxBytes Size `yaml:"max_bytes" default:"2GiB" min:"1MiB"`
}

// DeadLetters bounds the stream of dead letters; the oldest go first.
type DeadLetters struct {
	// The most room.
	MaxBytes Size `yaml:"max_bytes" default:"1GiB" min:"1MiB"`
	// How long a dead letter is kept.
	Keep time.Duration `yaml:"keep" default:"720h" min:"1s"`
}

// Rejections bounds the stream of refused requests; the oldest go first.
type Rejections struct {
	// The most room.
	MaxBytes Size `yaml:"max_bytes" default:"128MiB" min:"1MiB"`
	// How long a rejection is kept.
	Keep time.Duration `yaml:"keep" default:"168h" min:"1s"`
}

// Alerts bounds the stream of what the operator is told; the oldest go first.
type Alerts struct {
	// The most room.
	MaxBytes Size `yaml:"max_bytes" default:"16MiB" min:"1MiB"`
	// How long an alert is kept.
	Keep time.Duration `yaml:"keep" default:"720h" min:"1s"`
	// How long alerts about the same thing are told as one.
	GroupWindow time.Duration `yaml:"group_window" default:"15m" min:"1s"`
}
