package provider

import (
	"net/http"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Zoom signs version, time and body, and wants to see an HMAC of a text every three days.
// Source: https://developers.zoom.us/docs/api/webhooks/
func init() {
	Register(Provider{
		Name:           "zoom",
		Path:           "/zoom/webhook",
		PublishTimeout: 2 * time.Second, // It waits for 3.
		Proof: proof.Signature{
			Header: "X-Zm-Signature", Prefix: "v0=", Signed: "v0:{timestamp}:{body}", TimestampHeader: "X-Zm-Request-Timestamp",
		}.MustProof(),
		GivesSecret: true,
		Challenge: Challenge{
			Method: http.MethodPost, When: []string{"/event=endpoint.url_validation"}, Echo: "/payload/plainToken",
			Answer: Answer{ContentType: "application/json", Body: `{"plainToken":"{echo}","encryptedToken":"{hmac}"}`},
		},
		Read: mapping.Mapping{
			Type:     "/event",
			Instance: "/payload/account_id",
			// There is no id; what happened at the same millisecond to the same object is the same.
			ID:     []string{"/event_ts", "/payload/object/uuid | /payload/object/id", "/payload/object/participant/user_id"},
			Order:  "/payload/object/uuid | /payload/object/id",
			SentAt: "/event_ts",
		},
	})
}
