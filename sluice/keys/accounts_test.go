package keys_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"sluice.internal/gateway/poller"
	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/streamtest"
)

const accountToken = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"

// accountYAML is a source with an instance.
func accountYAML(instance string) string {
	return "sources: {green-api: {auth: none, instances: {\"1101000001\": {" + instance + "}}}}\n"
}

// loadAccounts reads the text as a process does that asks GREEN-API.
func loadAccounts(t *testing.T, yaml string) *config.Config {
	t.Helper()
	cfg, err := config.Load(config.Options{File: write(t, "sluice.yaml", yaml), Providers: source.Known(), Accounts: true})
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, yaml)
	}
	return cfg
}

// asked returns what GREEN-API was asked first by a poller of the configuration, empty when it was not within a while.
func asked(t *testing.T, instance string) string {
	t.Helper()
	api := mock.New(mock.Options{MaxWait: time.Second})
	added := api.Add("1101000001", accountToken)
	server := httptest.NewServer(api)
	defer server.Close()
	streams := streamtest.Start(t).Open(t)
	cfg := loadAccounts(t, accountYAML(fmt.Sprintf(instance, server.URL, write(t, "token", accountToken))))
	polls, err := poller.ForStreams(cfg, streams.Client, func(notification.Alert) {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- polls.Run(ctx) }()
	defer func() { cancel(); <-ended }() //nolint:errcheck // It ends with its context.
	if polls.Instances() == 0 {
		return "nothing"
	}
	streamtest.Eventually(streamtest.Context(t), t, "it is asked", func() bool { return added.Calls("receiveNotification") > 0 })
	return added.LastQuery()
}

func accountEffects() map[string]effect {
	const instance = "sources.<source>.instances.<instance>."
	polled := "receive: http-api, api_url: '%s', token_file: %s"
	differ := func(first, second string) effect {
		return func(t *testing.T) {
			t.Helper()
			if before, after := asked(t, first), asked(t, second); before == after {
				t.Errorf("with either GREEN-API is asked %q", before)
			}
		}
	}
	comes := func(t *testing.T) { // Without address and token nothing would come.
		t.Helper()
		if got := asked(t, polled); got != "receiveTimeout=20" {
			t.Errorf("GREEN-API was asked %q", got)
		}
	}
	all := botEffects()
	all[instance+"media_url"] = func(t *testing.T) {
		t.Helper()
		if plain, other := forwardedTo(t, ""), forwardedTo(t, "media"); plain != "api" || other != "media" {
			t.Errorf("files go to %q and to %q", plain, other)
		}
	}
	for key, one := range map[string]effect{
		instance + "receive":    differ("receive: webhook, api_url: '%s', token_file: %s", polled),
		instance + "wait":       differ(polled+", wait: 6s", polled+", wait: 7s"),
		instance + "api_url":    comes,
		instance + "token_file": comes,
	} {
		all[key] = one
	}
	return all
}
