// Package greenapi sends by GREEN-API from handlers: with the accounts of the configuration, at the pace that GREEN-API allows,
// and with errors that are verdicts. It also answers events, each once.
//
//	accounts.go  the instances of the configuration and their clients
//	verdict.go   what an error of GREEN-API means for the event
//	replier.go   answers to events: what is written down before and after
//	deliver.go   texts of an outbox
//	find_out.go  whether an answer went out whose worker ended before it said so
//	names.go     what GREEN-API's methods take and return, from shared/greenapi
//
// What an answer to an event can promise: a retry, a repetition and a replay do not send it again. One gap stays, and nobody can
// close it, because GREEN-API takes no id for what it shall send: a worker that is killed between sending and writing that down
// leaves an answer of which nobody knows whether it went out. Three and a half minutes later GREEN-API's queue and journal are
// asked. If neither has it, it is sent again, so it may be there twice where GREEN-API shows it under another chat id. If the
// journal has the same text in the same chat, it counts as sent, so it may be missing where the chat got that text for another
// event.
package greenapi

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"sluice.internal/shared/config"
	api "sluice.internal/shared/greenapi"
	"sluice.internal/worker/handler"
)

// Accounts are the instances of the configuration, with a client for each that is used. It is safe for concurrent use.
type Accounts struct {
	sources   map[string]config.Source
	transport *http.Transport

	mutex   sync.Mutex
	clients map[account]*Client
}

// account names an instance of a source.
type account struct{ source, instance string }

// NewAccounts returns the accounts of the sources. A program has them from worker.Env. Close ends their connections.
func NewAccounts(sources map[string]config.Source) *Accounts {
	const dialTimeout = 10 * time.Second
	return &Accounts{
		sources: sources, clients: map[account]*Client{},
		// A request bounds the time of its answer by itself.
		transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout: dialTimeout, MaxIdleConnsPerHost: 100, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		},
	}
}

// Client returns the client of an instance, such as "1101000001" of the source "green-api". Its token is read at the first
// call. The error says what to configure; it is no verdict that another try is of no use. Whatever the client returns as an
// error is a verdict, see the package handler: a handler may return it as it is.
func (a *Accounts) Client(source, instance string) (*Client, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	name := account{source, instance}
	if known := a.clients[name]; known != nil {
		return known, nil
	}
	configured, ok := a.sources[source].Instances[instance]
	if !ok {
		return nil, fmt.Errorf("there is no instance %q of source %q to send with; configure sources.%s.instances.%q with its token_file",
			instance, source, source, instance)
	}
	token, err := configured.ReadToken()
	if err != nil {
		return nil, fmt.Errorf("sources.%s.instances.%q: %w", source, instance, err)
	}
	made, err := api.NewWith(
		api.Account{Instance: instance, URL: configured.APIURL, Token: token.Reveal()}, a.transport,
		api.Options{Pace: &api.Pace{}, Wrap: verdict},
	)
	if err != nil {
		return nil, fmt.Errorf("sources.%s.instances.%q: %w", source, instance, err)
	}
	a.clients[name] = made
	return made, nil
}

// Of returns the client of the instance that an event came from, see Client.
func (a *Accounts) Of(event handler.About) (*Client, error) {
	return a.Client(event.Source, event.Instance)
}

// Check reads the tokens of all instances, so that a program can say at its start what is wrong.
func (a *Accounts) Check() error {
	var all []error
	for _, source := range slices.Sorted(maps.Keys(a.sources)) {
		for _, instance := range slices.Sorted(maps.Keys(a.sources[source].Instances)) {
			_, err := a.Client(source, instance)
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// Close ends the connections that nobody uses.
func (a *Accounts) Close() { a.transport.CloseIdleConnections() }
