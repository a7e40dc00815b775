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
	"sluice.internal/sluice/cli/term"
)

// sendCommand is `sluice send`: one request a file, signed as the source's provider would sign it. It is for trying out a
// configuration and for feeding in what was saved elsewhere, so a body is sent to the byte and never parsed.
type sendCommand struct {
	configFlag

	Files []string `arg:"" name:"file" help:"JSON file, folder of *.json files, or - for standard input."`

	Source    string `placeholder:"NAME" default:"green-api" help:"Source to send as (default: ${default})."`
	URL       string `name:"url" placeholder:"URL" xor:"where" help:"Where to send to, and then not the data folder's token (default: the gateway of the data folder)."`
	TokenFile string `placeholder:"FILE" help:"File with the token or secret (default: $$SLUICE_TOKEN, else the data folder's or the configured one)."`
	Data      string `placeholder:"DIR" xor:"where" help:"Data folder of sluice up (default: $$SLUICE_DATA, else ./data)."`
	Type      string `placeholder:"NAME" help:"Type of the notification, for providers that send it in a header."`
	// Header is not split at commas, since values have them.
	Header  []string      `sep:"none" placeholder:"NAME:VALUE" help:"Header field to send, also in place of one of the provider's."`
	Timeout time.Duration `placeholder:"TIME" default:"180s" help:"How long to wait for each answer (default: ${default}, as GREEN-API does)."`
	JSON    bool          `name:"json" help:"Print one JSON object a line."`
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
	to, err := c.destination(s)
	if err != nil {
		return err
	}
	by, err := c.signer(s, &to)
	if err != nil {
		return err
	}
	names, err := expand(c.Files)
	if err != nil {
		return err
	}
	// One connection for all files: with several, the second could overtake the first.
	from := &sender{client: newClient(), destination: to, signer: by, timeout: c.Timeout}
	defer from.client.CloseIdleConnections()
	report := c.reporter(s, names)
	sum := sendTotals{total: len(names)}
	for _, name := range names {
		result, err := from.send(ctx, s.Stdin, name)
		if err != nil {
			return err
		}
		sum.add(result)
		// Who no longer reads does not mean to send less.
		if err := report(result); err != nil && !term.IsClosed(err) {
			return err
		}
		if result.Status == 0 {
			break
		}
	}
	return sum.err(to)
}

// reporter returns what prints a result at once: the answer to the next file may be minutes away.
func (c *sendCommand) reporter(s *session, names []string) func(sendResult) error {
	write := func(o sendResult) error { return s.out.Object(o) }
	if !c.JSON {
		width := 0
		for _, name := range names {
			width = max(width, utf8.RuneCountInString(term.Printable(name)))
		}
		write = func(o sendResult) error { return s.out.Line("%-*s  %s", width, term.Printable(o.File), o) }
	}
	return func(o sendResult) error { return errors.Join(write(o), s.out.Flush()) }
}

// sender sends one body after the other over one connection, as a provider does.
type sender struct {
	client      *http.Client
	destination destination
	signer      signer
	timeout     time.Duration
}

// send posts a file's bytes as they are. Its error is that of reading them, or of the URL.
func (d *sender) send(ctx context.Context, stdin io.Reader, name string) (sendResult, error) {
	body, err := readBody(stdin, name)
	if err != nil {
		return sendResult{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.timeout, fmt.Errorf("no answer within %s", d.timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.destination.url, bytes.NewReader(body))
	if err != nil {
		return sendResult{}, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("User-Agent", "sluice/"+service.Version())
	if err := d.signer.prepare(request, body, d.destination.token); err != nil {
		return sendResult{}, err
	}
	began := time.Now()
	result := d.post(ctx, request)
	result.File = name
	result.Duration = float64(time.Since(began).Microseconds()) / 1000
	return result, nil
}

// post sends a request once. An error is a result too: it is printed beside the file as an answer would be.
func (d *sender) post(ctx context.Context, request *http.Request) sendResult {
	response, err := d.client.Do(request)
	if err != nil {
		return notAnswered(explain(ctx, err))
	}
	defer response.Body.Close() // Read to its end, so that the connection serves the next file.
	content, err := io.ReadAll(io.LimitReader(response.Body, maxResponseBytes))
	if err != nil {
		return notAnswered(explain(ctx, err))
	}
	return answered(response, content)
}

// readBody reads a whole file. Its size is not bounded: refusing what is too large is the gateway's, and one may want to
// see it do so.
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
