package loadgen

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

const dialTimeout = 10 * time.Second

// sender sends notifications, one at a time. It is one goroutine's.
type sender interface {
	// send stores the connection's notification of that number. An error means that there is no answer, so that it
	// is not known whether it was stored.
	send(ctx context.Context, number int) (answer, error)
	close()
}

// target is where to send to.
type target struct {
	secure              bool
	host, address, path string
	token               string
}

func newTarget(address, token string) (target, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return target{}, errors.New("the URL must be an address such as http://127.0.0.1:8080/green-api/webhook/")
	}
	if strings.ContainsAny(token, "\r\n") {
		return target{}, errors.New("the token has more than one line")
	}
	to := target{secure: parsed.Scheme == "https", host: parsed.Host, address: parsed.Host, path: parsed.RequestURI(), token: token}
	if parsed.Port() == "" {
		to.address = net.JoinHostPort(parsed.Hostname(), parsed.Scheme) // The scheme is the port's name.
	}
	return to, nil
}

// head is a request up to its body.
func (t target) head(length int) string {
	authorization := ""
	if t.token != "" {
		authorization = "Authorization: Bearer " + t.token + "\r\n"
	}
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sluice-bench\r\n%sContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n", t.path, t.host, authorization, length)
}

// client is a connection kept alive. It writes a prepared request and reads of the answer what is to be checked:
// a client that can do more costs more than the gateway, and both share the processors.
type client struct {
	to      target
	message *Template
	conn    net.Conn // nil while there is none
	reader  *bufio.Reader
	release func() bool
}

func newClient(to target, m *Template) *client {
	return &client{to: to, message: m, reader: bufio.NewReaderSize(nil, answerBuffer)}
}

func (c *client) send(ctx context.Context, number int) (answer, error) {
	if c.conn == nil {
		if err := c.dial(ctx); err != nil {
			return answer{}, err
		}
	}
	c.message.write(number)
	_, err := c.conn.Write(c.message.whole)
	if err != nil {
		c.close()
		return answer{}, fmt.Errorf("send request: %w", err)
	}
	a, reusable, err := readAnswer(c.reader)
	if !reusable {
		c.close()
	}
	return a, err
}

// dial connects. The end of the context ends what is read and written, without a deadline for each request.
func (c *client) dial(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := c.open(bounded)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	c.conn = conn
	c.reader.Reset(conn)
	c.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	return nil
}

func (c *client) open(ctx context.Context) (net.Conn, error) {
	if c.to.secure {
		return (&tls.Dialer{Config: &tls.Config{NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", c.to.address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", c.to.address)
}

func (c *client) close() {
	if c.conn != nil {
		c.release()
		_ = c.conn.Close() // It is of no more use either way.
		c.conn = nil
	}
}
