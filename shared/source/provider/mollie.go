package provider

import (
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Mollie sends a form with the id of what changed and nothing else, and signs nothing: who gets it asks Mollie for the state.
// The same body is news each time, so each request is an event of its own. The path has a secret in it.
// Source: https://docs.mollie.com/reference/webhooks
func init() {
	Register(Provider{
		Name:           "mollie",
		Path:           "/mollie/webhook",
		PublishTimeout: 8 * time.Second,
		About: About{
			Leaves: "who sends, and what changed: ask Mollie",
		},
		Proof:    proof.PathSecret(),
		Read:     mapping.Mapping{Type: "constant:changed", Order: "/id", EachOwn: true},
		Announce: announceForm,
	})
}
