package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/shared/service"
	"sluice.internal/sluice/simulate"
)

// apiFlags are how GREEN-API's HTTP API is played. A command embeds them.
type apiFlags struct {
	API      string   `name:"api" placeholder:"ADDR" xor:"where" help:"Play GREEN-API's HTTP API at this loopback address, instead of sending: hand out to who asks."`
	Fault    []string `placeholder:"METHOD=NAME" help:"What goes wrong: with --api such as receiveNotification=502 or deleteNotification=lose-delete:0.2 for one call in five, else webhook=cut:0.05 (also hang, lose, slow)."`
	Empty    string   `default:"null" enum:"null,none,newline" help:"With --api: what an empty queue is answered (${enum})."`
	Receipts string   `default:"message" enum:"message,delivery" help:"With --api: what gets a receipt of its own (${enum})."`
	Limits   bool     `help:"With --api: refuse more requests than GREEN-API allows."`
}

// drainPause is how often is looked whether anything waits.
const drainPause = 100 * time.Millisecond

// playedAPI is GREEN-API as it is played by this process.
type playedAPI struct {
	*mock.API

	server  *http.Server
	ended   chan error
	address string
}

// webhookMethod is what a fault names in place of a method where notifications are posted.
const webhookMethod = "webhook"

// faults reads what goes wrong when the API is asked, and on the way of what is posted.
func (f apiFlags) faults() (asked []mock.Fault, line []simulate.LineFault, err error) {
	for _, text := range f.Fault {
		method, name, found := strings.Cut(text, "=")
		name, chance, some := strings.Cut(name, ":")
		part := 0.0
		if some {
			if part, err = strconv.ParseFloat(chance, 64); err != nil || part <= 0 || part > 1 {
				return nil, nil, fmt.Errorf("--fault %s: behind the colon must be a part, such as 0.2", text)
			}
		}
		switch {
		case !found:
			err = errors.New("there is no =")
		case method == webhookMethod:
			line = append(line, simulate.LineFault{Name: name, Chance: cmp.Or(part, 1)})
			err = line[len(line)-1].Check()
		default:
			asked = append(asked, mock.Fault{Method: method, Name: name, Chance: part})
			err = asked[len(asked)-1].Check()
		}
		if err != nil {
			return nil, nil, fmt.Errorf("--fault %s: write METHOD=NAME: %w", text, err)
		}
	}
	return asked, line, nil
}

// validate refuses what can't be meant.
func (f apiFlags) validate() error {
	if f.API == "" {
		if f.Limits || f.Empty != "null" || f.Receipts != "message" {
			return errors.New("--empty, --receipts and --limits need --api")
		}
		asked, _, err := f.faults()
		if err == nil && len(asked) > 0 {
			err = errors.New("--fault needs --api, but for --fault webhook=NAME")
		}
		return err
	}
	host, _, err := net.SplitHostPort(f.API)
	if err != nil {
		return fmt.Errorf("--api %q is not an address; write for example 127.0.0.1:7103", f.API)
	}
	// Whoever reaches it may do anything with it.
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--api %q must be on this machine, such as 127.0.0.1:7103", f.API)
	}
	_, line, err := f.faults()
	if err == nil && len(line) > 0 {
		err = errors.New("--fault webhook=NAME is for what is posted, and --api posts nothing")
	}
	return err
}

// play serves the API with that token until stop is called.
func (f apiFlags) play(ctx context.Context, token string, instances []string) (*playedAPI, error) {
	faults, _, err := f.faults()
	if err != nil {
		return nil, err
	}
	api := mock.New(mock.Options{
		Token: token, Faults: faults, Empty: f.Empty, ReceiptPerDelivery: f.Receipts == "delivery", Limits: f.Limits,
	})
	for _, id := range instances {
		api.Add(id, token)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.API)
	if err != nil {
		return nil, fmt.Errorf("play the API: %w", err)
	}
	played := &playedAPI{
		API: api, ended: make(chan error, 1), address: listener.Addr().String(),
		server: &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { played.ended <- played.server.Serve(listener) }()
	return played, nil
}

func (p *playedAPI) stop() error {
	err := p.server.Close()
	<-p.ended //nolint:errcheck // It says that the server was closed.
	return err
}

// drain waits until everything was handed out and deleted, or the context ends.
func (p *playedAPI) drain(ctx context.Context) {
	for p.Waiting() > 0 && service.Sleep(ctx, drainPause) == nil {
		continue
	}
}

// apiToken is the token of the instances that are played: one that was chosen, or a new one.
func (c *simulateCommand) apiToken(s *session) (string, error) {
	if c.TokenFile != "" {
		return readToken(s, c.TokenFile)
	}
	return cmp.Or(strings.TrimSpace(s.lookup(tokenVariable)), rand.Text()), nil
}

// playAPI plays the API until everything was handed out, and sends the simulator's notifications into its queues.
func (c *simulateCommand) playAPI(ctx context.Context, s *session) (err error) {
	token, err := c.apiToken(s)
	if err != nil {
		return err
	}
	settings := c.settings(destination{url: anyURL})
	ids := simulate.InstanceIDs(c.Instances)
	played, err := c.play(ctx, token, ids)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, played.stop()) }()
	s.diagnostics.Line("GREEN-API is played at http://%s for instances %s.", played.address, strings.Join(ids, ", "))
	if c.TokenFile == "" && s.lookup(tokenVariable) == "" {
		s.diagnostics.Line("Their apiTokenInstance is %s.", token)
	}
	settings.URL = "http://" + played.address + "/mock/push"
	if err := c.send(ctx, s, settings, destination{url: settings.URL, token: token}); err != nil {
		return err
	}
	if c.Drain {
		played.drain(ctx)
	}
	return nil
}
