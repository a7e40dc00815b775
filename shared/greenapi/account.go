package greenapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Settings are what getSettings returns, each as it was written. Most are texts; those about notifications say yes or no.
type Settings map[string]json.RawMessage

// The settings that decide where notifications go, and the values of those that switch a kind of them on.
const (
	WebhookURL      = "webhookUrl"
	WebhookURLToken = "webhookUrlToken"
	On              = "yes"
	Off             = "no"
)

// Settings asks for all settings of the instance. GREEN-API takes one such request a second.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	settings := Settings{}
	err := c.ask(ctx, call{verb: http.MethodGet, method: "getSettings"}, &settings)
	return settings, err
}

// SetSettings changes the settings that are named and leaves the others. The instance restarts for it, which takes up to
// five minutes. About one call in a hundred had no effect, so read them back.
func (c *Client) SetSettings(ctx context.Context, changes map[string]string) error {
	body, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	var answer struct {
		Saved bool `json:"saveSettings"`
	}
	if err := c.ask(ctx, call{verb: http.MethodPost, method: "setSettings", body: body}, &answer); err != nil {
		return err
	}
	if !answer.Saved {
		return c.wrap(&Error{Reason: Unavailable, Method: "setSettings", Status: http.StatusOK, Text: "the settings were not saved"})
	}
	return nil
}

// State asks for the state of the instance, such as "authorized"; empty while it is being made.
func (c *Client) State(ctx context.Context) (string, error) {
	var answer struct {
		State string `json:"stateInstance"`
	}
	err := c.ask(ctx, call{verb: http.MethodGet, method: "getStateInstance"}, &answer)
	return answer.State, err
}

// Count asks how many notifications wait in the instance's queue. GREEN-API refreshes it every ten seconds.
func (c *Client) Count(ctx context.Context) (int, error) {
	answer := map[string]json.RawMessage{}
	if err := c.ask(ctx, call{verb: http.MethodGet, method: "getWebhooksCount"}, &answer); err != nil {
		return 0, err
	}
	// One page of the documentation writes the name with a letter that only looks like one of ours, so the name is not read.
	for _, value := range answer {
		var count int
		if json.Unmarshal(value, &count) == nil {
			return count, nil
		}
	}
	return 0, c.wrap(c.unreadable("getWebhooksCount", "the answer has no number", nil))
}

// Text returns a setting as text, empty where it is none.
func (s Settings) Text(name string) string {
	var text string
	if json.Unmarshal(s[name], &text) != nil {
		return ""
	}
	return text
}

// Kinds returns the names of the settings that switch kinds of notifications on, in their order. Those that GREEN-API keeps
// for nothing are left out. Source: the documentation of setSettings, where they are marked as out of use.
func (s Settings) Kinds() []string {
	var kinds []string
	for name := range s {
		if IsKind(name) && !slices.Contains([]string{"deviceWebhook", "incomingBlockWebhook", "statusInstanceWebhook"}, name) {
			kinds = append(kinds, name)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// IsKind reports whether a setting switches a kind of notifications on or off.
func IsKind(name string) bool { return strings.HasSuffix(name, "Webhook") }

// AnyKindOn reports whether any kind of notifications is switched on. Without one the API hands out nothing and does not
// wait either.
func (s Settings) AnyKindOn() bool {
	return slices.ContainsFunc(s.Kinds(), func(kind string) bool { return s.Text(kind) == On })
}
