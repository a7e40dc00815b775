package gateway_test

import (
	"time"

	"sluice.internal/gateway"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// It serves until a signal comes, and needs a NATS server, so it is compiled here.
func ExampleMain() {
	bank := source.Provider{
		Name: "bank", Path: "/bank/webhook", PublishTimeout: 4 * time.Second, Proof: proof.Token("Authorization"),
		Read: source.Mapping{Type: "/kind", ID: []string{"/id"}, Order: "/account"},
	}
	_ = func() { // This is your func main().
		gateway.Main(bank)
	}
}
