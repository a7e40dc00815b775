package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"sluice.internal/shared/service"
)

type sendCommand struct {
	configFlag

	Files []string `arg:"" name:"file" help:"JSON file, folder of *.json files, or - for standard input."`

	Source    string        `placeholder:"NAME" default:"green-api" help:"Source to send as (default: ${default})."`
	URL       string        `name:"url" placeholder:"URL" xor:"where" help:"Where to send to, and then not the data folder's token (default: the gateway of the data folder)."`
	TokenFile string        `placeholder:"FILE" help:"File with the token or secret (default: $$SLUICE_TOKEN, else the data folder's or the configured one)."`
	Data      string        `placeholder:"DIR" xor:"where" help:"Data folder of sluice up (default: $$SLUICE_DATA, else ./data)."`
	Type      string        `placeholder:"NAME" help:"Type of the notification, for providers that send it in a header."`
	Header    []string      `sep:"none" placeholder:"NAME:VALUE" help:"Header field to send, also in place of one of the provider's."`
	Timeout   time.Duration `placeholder:"TIME" default:"180s" help:"How long to wait for each answer (default: ${default}, as GREEN-API does)."`
	JSON      bool          `name:"json" help:"Print one JSON object a line."`
}

func (sendCommand) Help() string {
	return `Files are sent in their order over one connection, each with the token or signature that the source's provider ` +
		`would send. The exit code is 0 when all were answered 200.

Example:

    sluice send call.json messages/
    sluice send --source github --type push push.json`
}

// Validate refuses what can't be meant.
func (c *sendCommand) Validate() error {
	if c.Timeout <= 0 {
		return errors.New("--timeout must be more than 0")
	}
	for _, field := range c.Header {
		if name, _, ok := strings.Cut(field, ":"); !ok || strings.TrimSpace(name) == "" {
			return errors.New("--header must be a name, a colon and a value")
		}
	}
	if c.URL == "" {
		return nil
	}
	// What is wrong is not repeated: there may be a password in it.
	if parsed, err := url.Parse(c.URL); err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return errors.New("--url must be an address such as http://127.0.0.1:8080/green-api/webhook")
	}
	return nil
}

// Run sends the files. It stops at the first that gets no answer, since the ones behind would overtake it.
func (c *sendCommand) Run(ctx context.Context, s *session) error {
	to, err := c.inlet(s)
	if err != nil {
		return err
	}
	by, err := c.manner(s, &to)
	if err != nil {
		return err
	}
	names, err := expand(c.Files)
	if err != nil {
		return err
	}
	from := &sender{client: newClient(), inlet: to, manner: by, timeout: c.Timeout}
	defer from.client.CloseIdleConnections()
	report := c.reporter(s, names)
	sum := tally{total: len(names)}
	for _, name := range names {
		result, err := from.send(ctx, s.Stdin, name)
		if err != nil {
			return err
		}
		sum.add(result)
		// Who no longer reads does not mean to send less.
		if err := report(result); err != nil && !isClosed(err) {
			return err
		}
		if result.Status == 0 {
			break
		}
	}
	return sum.verdict(to)
}

// reporter returns what prints an outcome at once: the answer to the next file may be minutes away.
func (c *sendCommand) reporter(s *session, names []string) func(outcome) error {
	write := func(o outcome) error { return s.out.object(o) }
	if !c.JSON {
		width := 0
		for _, name := range names {
			width = max(width, utf8.RuneCountInString(printable(name)))
		}
		write = func(o outcome) error { return s.out.line("%-*s  %s", width, printable(o.File), o) }
	}
	return func(o outcome) error { return errors.Join(write(o), s.out.flush()) }
}

// sender sends one body after the other.
type sender struct {
	client  *http.Client
	inlet   inlet
	manner  manner
	timeout time.Duration
}

// send posts a file's bytes as they are. Its error is that of reading them, or of the URL.
func (d *sender) send(ctx context.Context, stdin io.Reader, name string) (outcome, error) {
	body, err := readBody(stdin, name)
	if err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.timeout, fmt.Errorf("no answer within %s", d.timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.inlet.url, bytes.NewReader(body))
	if err != nil {
		return outcome{}, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("User-Agent", "sluice/"+service.Version())
	if err := d.manner.apply(request, body, d.inlet.token); err != nil {
		return outcome{}, err
	}
	began := time.Now()
	result := d.post(ctx, request)
	result.File = name
	result.Duration = float64(time.Since(began).Microseconds()) / 1000
	return result, nil
}

func (d *sender) post(ctx context.Context, request *http.Request) outcome {
	response, err := d.client.Do(request)
	if err != nil {
		return unanswered(explain(ctx, err))
	}
	defer response.Body.Close() // Read to its end, so that the connection serves the next file.
	content, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return unanswered(explain(ctx, err))
	}
	return answered(response, content)
}

func readBody(stdin io.Reader, name string) ([]byte, error) {
	if name == stdinName {
		body, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return body, nil
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read notification: %w", err)
	}
	return body, nil
}
