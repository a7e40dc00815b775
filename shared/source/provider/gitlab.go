package provider

import (
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// GitLab sends its secret token in a header and the kind of event in another one.
// Source: https://docs.gitlab.com/user/project/integrations/webhooks/
func init() {
	Register(Provider{
		Name:           "gitlab",
		Path:           "/gitlab/webhook",
		PublishTimeout: 8 * time.Second,
		BodyLimit:      25 << 20,
		Proof:          proof.Token("X-Gitlab-Token"),
		Read: mapping.Mapping{
			Type:     "/object_kind | /event_name | header:X-Gitlab-Event",
			Instance: "/project/namespace",
			ID:       []string{"header:X-Gitlab-Event-UUID | header:X-Gitlab-Webhook-UUID", "header:Idempotency-Key"},
			Order:    "/project/path_with_namespace",
		},
	})
}
