package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/sluice/cli/term"
)

// apiPace is the time between two requests for one instance: GREEN-API takes one a second of each kind.
const apiPace = 1100 * time.Millisecond

// greenAPICommand has the commands that ask GREEN-API itself.
type greenAPICommand struct {
	Settings greenAPISettingsCommand `cmd:"" help:"Show the settings of instances, or point one at this gateway."`
	State    greenAPIStateCommand    `cmd:"" help:"Show whether instances are authorized."`
	Queue    greenAPIQueueCommand    `cmd:"" help:"Show how many notifications wait at GREEN-API."`
}

func (greenAPICommand) Help() string {
	return "Instances, their addresses and files with tokens are those of sources.NAME.instances in the configuration.\n\n" +
		"Example:\n\n    sluice green-api state"
}

// instanceFlags choose instances of a source.
type instanceFlags struct {
	Instances []string `arg:"" optional:"" name:"id" help:"Numbers of instances (default: all with a token_file)."`
	Source    string   `placeholder:"NAME" default:"green-api" help:"Source that has them (default: ${default})."`
	JSON      bool     `name:"json" help:"Print one JSON object a line."`
	configFlag
}

// account is an instance that can be asked.
type account struct {
	config.Instance
	*greenapi.Client
}

// accounts returns the chosen instances, and the configuration that has them.
func (f instanceFlags) accounts(s *session) ([]account, *config.Config, error) {
	options := f.options(s)
	options.Providers, options.AllowMissingTokens, options.Accounts = source.Known(), true, true
	cfg, err := config.Load(options)
	if err != nil {
		return nil, nil, err
	}
	configured, ids := cfg.Sources[f.Source].Instances, f.Instances
	if len(ids) == 0 {
		for _, id := range slices.Sorted(maps.Keys(configured)) {
			if configured[id].TokenFile != "" {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("source %q has no instance with a token_file; name them in sources.%s.instances", f.Source, f.Source)
	}
	accounts := make([]account, 0, len(ids))
	for _, id := range ids {
		one, found := configured[id]
		if !found || one.TokenFile == "" {
			return nil, nil, fmt.Errorf("instance %q can't be asked: set sources.%s.instances.%q.token_file", id, f.Source, id)
		}
		client, err := greenapi.New(greenapi.Account{Instance: id, URL: one.APIURL, Token: one.Token.Reveal()}, http.DefaultTransport)
		if err != nil {
			return nil, nil, err
		}
		accounts = append(accounts, account{one, client})
	}
	return accounts, cfg, nil
}

// explain says what to do about an answer of GREEN-API.
func (a account) explain(err error) error {
	switch greenapi.ReasonOf(err) { //nolint:exhaustive // The others say it themselves.
	case greenapi.Unauthorized:
		return fmt.Errorf("instance %s: the token in %q is not this instance's: %w", a.ID, a.TokenFile, err)
	case greenapi.NoInstance:
		return fmt.Errorf("instance %s: no such instance at %s: is api_url right? %w", a.ID, a.Host(), err)
	default:
		return fmt.Errorf("instance %s: %w", a.ID, err)
	}
}

// greenAPIStateCommand is `sluice green-api state`, for people and for monitoring.
type greenAPIStateCommand struct{ instanceFlags }

func (greenAPIStateCommand) Help() string {
	return "The exit code is 1 unless all are authorized.\n\nExample:\n\n    sluice green-api state 1101000001"
}

// stateBeingMade is what stands for the state of an instance that GREEN-API is still making.
const stateBeingMade = "being made"

// Run prints the states and fails when one is not authorized.
func (c *greenAPIStateCommand) Run(ctx context.Context, s *session) error {
	var others []error
	err := c.each(ctx, s, "STATE", func(ctx context.Context, a account) (string, any, error) {
		state, err := paced(ctx, a.State)
		if err == nil && state == "" {
			state = stateBeingMade
		}
		if err == nil && state != "authorized" {
			others = append(others, fmt.Errorf("instance %s is not authorized but %s: see GREEN-API's console", a.ID, state))
		}
		return state, map[string]string{"instance": a.ID, "state": state}, err
	})
	return errors.Join(err, errors.Join(others...))
}

// greenAPIQueueCommand is `sluice green-api queue`.
type greenAPIQueueCommand struct{ instanceFlags }

func (greenAPIQueueCommand) Help() string {
	return "GREEN-API counts every ten seconds.\n\nExample:\n\n    sluice green-api queue"
}

// Run prints the counts.
func (c *greenAPIQueueCommand) Run(ctx context.Context, s *session) error {
	return c.each(ctx, s, "WAITING", func(ctx context.Context, a account) (string, any, error) {
		count, err := paced(ctx, a.Count)
		return strconv.Itoa(count), map[string]any{"instance": a.ID, "waiting": count}, err
	})
}

// each asks all instances, one after the other, and prints a row or an object for each that answers.
func (f instanceFlags) each(ctx context.Context, s *session, column string, ask func(context.Context, account) (cell string, document any, err error)) error {
	accounts, _, err := f.accounts(s)
	if err != nil {
		return err
	}
	var failures []error
	rows := term.NewTable(s.out, term.Left("INSTANCE"), term.Left(column))
	for _, one := range accounts {
		cell, document, err := ask(ctx, one)
		switch {
		case err != nil:
			failures = append(failures, one.explain(err))
		case f.JSON:
			_ = s.out.Object(document) // The error comes with the last line.
		default:
			_ = rows.Add(one.ID, cell)
		}
	}
	if !f.JSON {
		failures = append(failures, rows.End())
	}
	return errors.Join(append(failures, s.out.Flush())...)
}

// maxPaced is how often a call is made that GREEN-API refuses because there was another one a moment ago.
const maxPaced = 5

// paced makes a call, again where another one was made a moment ago.
func paced[T any](ctx context.Context, call func(context.Context) (T, error)) (result T, err error) {
	for range maxPaced {
		result, err = call(ctx)
		if greenapi.ReasonOf(err) != greenapi.TooManyRequests || service.Sleep(ctx, apiPace) != nil {
			break
		}
	}
	return result, err
}

// isSecretSetting reports whether a setting is one that nobody should read over a shoulder.
func isSecretSetting(name string) bool { return strings.Contains(strings.ToLower(name), "token") }
