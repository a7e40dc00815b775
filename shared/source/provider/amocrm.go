package provider

import (
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// amoCRM sends forms and proves nothing, so that the path has a secret in it. What a notification is about is in the names of its
// fields. Those of one entity and second are the same only if they are equal, so the body tells them apart.
// Source: https://www.amocrm.ru/developers/content/crm_platform/webhooks-format
func init() {
	Register(Provider{
		Name:           "amocrm",
		Path:           "/amocrm/webhook",
		PublishTimeout: 4 * time.Second,
		Proof:          proof.PathSecret(),
		Read: mapping.Mapping{
			Type:     "key:!account",
			Instance: "/account[subdomain] | /account[id]",
			Order: "/leads[add][0][id] | /leads[update][0][id] | /leads[status][0][id] | /leads[responsible][0][id] | /leads[delete][0][id] | " +
				"/contacts[add][0][id] | /contacts[update][0][id] | /contacts[delete][0][id] | /message[add][0][chat_id]",
		},
		Announce: announceForm,
	})
}
