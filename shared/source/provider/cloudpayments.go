package provider

import (
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// CloudPayments signs the body, sends the kinds of notifications to addresses of their own (?type=pay, ?type=fail and so on, as
// entered there), and wants to read a code.
// Source: https://developers.cloudpayments.ru/#uvedomleniya
func init() {
	Register(Provider{
		Name:           "cloudpayments",
		Path:           "/cloudpayments/webhook",
		PublishTimeout: 4 * time.Second,
		Proof:          proof.Signature{Header: "Content-Hmac", Encoding: proof.EncodingBase64}.MustProof(),
		GivesSecret:    true,
		Answers:        []Answer{{ContentType: "application/json", Body: `{"code":0}`}},
		Read: mapping.Mapping{
			Type:  "query:type | /OperationType | constant:notification",
			ID:    []string{"/TransactionId", "/Status", "/OperationType"},
			Order: "/InvoiceId | /SubscriptionId | /TransactionId",
		},
		Announce: announceForm,
	})
}
