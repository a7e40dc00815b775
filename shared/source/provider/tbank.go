package provider

import (
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// T-Bank signs with a digest of the sorted values of the body and the terminal's password, and wants to read "OK".
// Source: https://developer.tbank.ru/eacq/intro/developer/notification
func init() {
	Register(Provider{
		Name:           "tbank",
		Path:           "/tbank/webhook",
		PublishTimeout: 4 * time.Second,
		Proof:          proof.Signature{At: "/Token", Algorithm: proof.AlgorithmDigest, Signed: "{values:sorted+Password}"}.MustProof(),
		GivesSecret:    true,
		Answers:        []Answer{{Body: "OK"}},
		Read: mapping.Mapping{
			Type:     "/Status | constant:notification",
			Instance: "/TerminalKey",
			ID:       []string{"/PaymentId", "/Status", "/Amount", "/RequestKey"},
			Order:    "/OrderId | /PaymentId | /CustomerKey",
		},
	})
}
