package provider

import (
	"net/http"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// WooCommerce signs the body. When a webhook is saved it sends an unsigned form with webhook_id alone and wants to be answered 200.
// Source: https://woocommerce.com/document/webhooks/
func init() {
	Register(Provider{
		Name:           "woocommerce",
		Path:           "/woocommerce/webhook",
		PublishTimeout: 4 * time.Second,
		Proof:          proof.Signature{Header: "X-Wc-Webhook-Signature", Encoding: proof.EncodingBase64}.MustProof(),
		Challenge:      Challenge{Method: http.MethodPost, When: []string{"/webhook_id"}, Unsigned: true},
		Read: mapping.Mapping{
			Type:     "header:X-WC-Webhook-Topic",
			Instance: "header:X-WC-Webhook-Source",
			ID:       []string{"header:X-WC-Webhook-Delivery-ID"},
			Order:    "/id",
			SentAt:   "/date_modified_gmt",
		},
		Announce: func(d *proof.Draft, kind string) {
			d.SetDefault("X-Wc-Webhook-Topic", firstOf(kind, "order.updated"))
			d.SetDefault("X-Wc-Webhook-Delivery-Id", uuid())
		},
	})
}
