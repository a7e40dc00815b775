package provider

import (
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Bitrix24 sends forms with the token of the outgoing webhook, or of the application, in a field.
// Source: https://apidocs.bitrix24.com/api-reference/events/safe-event-handlers.html
func init() {
	Register(Provider{
		Name:           "bitrix24",
		Path:           "/bitrix24/webhook",
		PublishTimeout: 4 * time.Second,
		Proof:          proof.BodyToken("/auth[application_token]"),
		GivesSecret:    true,
		Read: mapping.Mapping{
			Type:     "/event",
			Instance: "/auth[domain]",
			// The same change of the same object at the same second is the same; there is no id.
			ID:     []string{"/event_handler_id", "/data[FIELDS][ID]", "/ts"},
			Order:  "/data[FIELDS][ID] | /data[PARAMS][MESSAGE_ID]",
			SentAt: "/ts",
		},
		Announce: announceForm,
	})
}

// announceForm is for senders of forms.
func announceForm(d *proof.Draft, _ string) {
	d.SetDefault("Content-Type", "application/x-www-form-urlencoded")
}
