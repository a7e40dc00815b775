package stream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/config"
)

// Access says how to reach NATS and as whom. The zero values of all but URL mean: not used.
type Access struct {
	// URL is one address of NATS or several, separated by commas.
	URL string
	// User and Password, CredentialsFile (JWT and seed) and NKeyFile (seed) are the ways to log in.
	User, Password            string
	CredentialsFile, NKeyFile string
	// CAFile, CertFile and KeyFile are PEM files for TLS.
	CAFile, CertFile, KeyFile string
}

const (
	connectTimeout = 5 * time.Second
	// A server that is cut off from the network says nothing. It is left for another one when it has not answered so
	// many pings, well within the time that a publisher tries.
	pingInterval  = 2 * time.Second
	mostPings     = 3
	reconnectWait = 100 * time.Millisecond
)

// Connect opens a connection that reconnects for ever and buffers nothing while it is cut off: what was
// answered with an error must not be published later. Name is what the server lists it as. Each change of its
// state is logged once.
func Connect(access Access, name string, log *slog.Logger) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(name),
		nats.CustomInboxPrefix(inbox(name)),
		nats.Timeout(connectTimeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, 2*reconnectWait),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(mostPings),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // Without an error this side closed it.
				log.Warn("connection to NATS lost, reconnecting", "error", err)
			}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			log.Info("connection to NATS is back", "server", conn.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("NATS reported an error", "error", err)
		}),
	}
	credentials, err := access.options()
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect(access.URL, append(options, credentials...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", redacted(access.URL), explain(err))
	}
	return conn, nil
}

// inbox is where answers to a client of that name come: subjects of its role alone, so that the server can be told to
// let no role listen to the answers of another, which hold events.
func inbox(name string) string {
	role, _, _ := strings.Cut(strings.TrimPrefix(name, "sluice "), " ")
	return strings.TrimSuffix(nats.InboxPrefix, ".") + "_" + Token(role)
}

func (a Access) options() ([]nats.Option, error) {
	var options []nats.Option
	if a.User != "" {
		options = append(options, nats.UserInfo(a.User, a.Password))
	}
	if a.CredentialsFile != "" {
		options = append(options, nats.UserCredentials(a.CredentialsFile))
	}
	if a.NKeyFile != "" {
		option, err := nats.NkeyOptionFromSeed(a.NKeyFile)
		if err != nil {
			return nil, fmt.Errorf("read nkey %q: %w", a.NKeyFile, err)
		}
		options = append(options, option)
	}
	secure, err := a.tls()
	if err != nil {
		return nil, err
	}
	if secure != nil {
		options = append(options, nats.Secure(secure))
	}
	return options, nil
}

func (a Access) tls() (*tls.Config, error) {
	if a.CAFile == "" && a.CertFile == "" {
		return nil, nil //nolint:nilnil // Nothing to configure is no error.
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CAFile != "" {
		pem, err := os.ReadFile(a.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read certificate authority: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read certificate authority %q: no PEM certificate in it", a.CAFile)
		}
	}
	if a.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(a.CertFile, a.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// explain adds what to do to the errors that people meet first.
func explain(err error) error {
	switch {
	case errors.Is(err, nats.ErrNoServers):
		return fmt.Errorf("%w: is it running, and is nats.url right?", err)
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired):
		return fmt.Errorf("%w: check user, password or credentials of nats", err)
	default:
		return err
	}
}

// redacted hides the passwords that addresses may carry.
func redacted(addresses string) string {
	parsed, err := config.ParseURL(addresses)
	if err != nil {
		return "an address that can't be read"
	}
	return parsed.String()
}

// closeTimeout bounds how long Close waits for the server to take what was sent.
const closeTimeout = 5 * time.Second

// Close ends a connection after the server has taken what was sent over it, acknowledgements above all: those
// that stay behind make their messages come again.
func Close(conn *nats.Conn) {
	_ = conn.FlushTimeout(closeTimeout) // A server that is gone takes nothing.
	conn.Close()
}
