package provider

import (
	"net/netip"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// YooKassa does not sign: it publishes the addresses that it sends from (allow: [yookassa]), and wants to be asked about the
// payment. The path has a secret in it beside that. It sends again for a day.
// Source: https://yookassa.ru/developers/using-api/webhooks
func init() {
	Register(Provider{
		Name:           "yookassa",
		Path:           "/yookassa/webhook",
		PublishTimeout: 4 * time.Second,
		About: About{
			Leaves: "the body; with `allow: [yookassa]` it comes from its addresses",
		},
		Proof: proof.PathSecret(),
		Addresses: map[string]AddressList{"yookassa": {
			AsOf: time.Date(2026, time.July, 15, 0, 0, 0, 0, time.UTC),
			Prefixes: []netip.Prefix{
				netip.MustParsePrefix("185.71.76.0/27"), netip.MustParsePrefix("185.71.77.0/27"), netip.MustParsePrefix("77.75.153.0/25"),
				netip.MustParsePrefix("77.75.156.11/32"), netip.MustParsePrefix("77.75.156.35/32"), netip.MustParsePrefix("77.75.154.128/25"),
				netip.MustParsePrefix("2a02:5180::/32"),
			},
		}},
		Read: mapping.Mapping{
			Type:   "/event",
			ID:     []string{"/object/id", "/object/status"},
			Order:  "/object/payment_id | /object/id",
			SentAt: "/object/captured_at | /object/created_at",
		},
	})
}
