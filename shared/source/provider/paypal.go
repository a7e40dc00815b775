package provider

import (
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// PayPal signs id, time, the id of the webhook and a checksum of the body with a key whose certificate it names in
// PAYPAL-CERT-URL. Nothing is fetched to verify a request, so that the operator configures that certificate, and the id of the
// webhook. The checksum is a CRC-32, for which other bodies can be made: whoever has seen a request can make others that pass,
// and a handler that pays has to ask PayPal. It sends again for three days.
// Source: https://developer.paypal.com/api/rest/webhooks/rest/
func init() {
	Register(Provider{
		Name:           "paypal",
		Path:           "/paypal/webhook",
		PublishTimeout: 4 * time.Second,
		About: About{
			Leaves: "the body: a CRC-32 of it is signed, for which others can be made",
		},
		Proof: proof.Signature{
			Header: "Paypal-Transmission-Sig", Encoding: proof.EncodingBase64, Algorithm: proof.AlgorithmRSA,
			Signed:   "{id}|{timestamp}|WEBHOOK-ID|{body:crc32}",
			IDHeader: "Paypal-Transmission-Id", TimestampHeader: "Paypal-Transmission-Time",
			Tolerance: 73 * time.Hour, // Nobody says whether what is sent again has a new time.
		}.MustProof(),
		SignedBySource: true,
		GivesSecret:    true,
		Read: mapping.Mapping{
			Type:   "/event_type",
			ID:     []string{"/id"},
			Order:  "/resource/supplementary_data/related_ids/order_id | /resource/parent_payment | /resource/billing_agreement_id | /resource/id",
			SentAt: "/create_time",
		},
	})
}
