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
	"sluice.internal/shared/stream/internal/wire"
)

const (
	connectTimeout = 5 * time.Second
	// pingInterval is how often a server is asked for a sign of life. One that is cut off from the network gives none.
	pingInterval  = 2 * time.Second
	reconnectWait = 100 * time.Millisecond
)

// Connect opens a connection that reconnects for ever and buffers nothing while it is cut off: what was
// answered with an error must not be published later. Name is what the server lists it as. Each change of its
// state is logged once.
func Connect(access config.NATS, name string, log *slog.Logger) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(name),
		nats.CustomInboxPrefix(inbox(name)),
		nats.Timeout(connectTimeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, 2*reconnectWait),
		nats.ReconnectBufSize(-1),
		nats.SetCustomDialer(livelyDialer{}),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(noPingLimit),
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
	credentials, err := loginOptions(access)
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect(access.URL.Reveal(), append(options, credentials...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", access.URL, explain(err))
	}
	return conn, nil
}

// inbox is where answers to a client of that name come: subjects of its role alone, so that the server can be told to
// let no role listen to the answers of another, which hold events.
func inbox(name string) string {
	role, _, _ := strings.Cut(strings.TrimPrefix(name, "sluice "), " ")
	return strings.TrimSuffix(nats.InboxPrefix, ".") + "_" + wire.Token(role)
}

// loginOptions returns how to log in, and the certificates of the connection. Its errors name the file that can't be used.
func loginOptions(access config.NATS) ([]nats.Option, error) {
	var options []nats.Option
	if access.User != "" {
		options = append(options, nats.UserInfo(access.User, access.Password.Reveal()))
	}
	if access.CredentialsFile != "" {
		options = append(options, nats.UserCredentials(access.CredentialsFile))
	}
	if access.NKeyFile != "" {
		option, err := nats.NkeyOptionFromSeed(access.NKeyFile)
		if err != nil {
			return nil, fmt.Errorf("read nkey %q: %w", access.NKeyFile, err)
		}
		options = append(options, option)
	}
	secure, err := tlsConfig(access.TLS)
	if err != nil {
		return nil, err
	}
	if secure != nil {
		options = append(options, nats.Secure(secure))
	}
	return options, nil
}

// tlsConfig returns the configuration of TLS, nil where none is configured.
func tlsConfig(files config.TLS) (*tls.Config, error) {
	if files.CAFile == "" && files.CertFile == "" {
		return nil, nil //nolint:nilnil // Nothing to configure is no error.
	}
	made := &tls.Config{MinVersion: tls.VersionTLS12}
	if files.CAFile != "" {
		pem, err := os.ReadFile(files.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read certificate authority: %w", err)
		}
		made.RootCAs = x509.NewCertPool()
		if !made.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read certificate authority %q: no PEM certificate in it", files.CAFile)
		}
	}
	if files.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		made.Certificates = []tls.Certificate{pair}
	}
	return made, nil
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

// closeTimeout bounds how long Close waits for the server to take what was sent.
const closeTimeout = 5 * time.Second

// Close ends a connection after the server has taken what was sent over it, acknowledgements above all: those
// that stay behind make their messages come again.
func Close(conn *nats.Conn) {
	_ = conn.FlushTimeout(closeTimeout) // A server that is gone takes nothing.
	conn.Close()
}
