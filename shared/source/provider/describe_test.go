package provider_test

import (
	"strings"
	"testing"

	"sluice.internal/shared/source/provider"
)

// The table of senders has something to say in each cell in which there must be something.
func TestEveryProviderSaysHowItIsReadAndVerified(t *testing.T) {
	t.Parallel()
	for name, one := range provider.All() {
		d := one.Describe()
		if d.Name != name || d.Proof == "" || d.Type == "" || d.ID == "" || d.Window == "" || d.BodyLimit <= 0 {
			t.Errorf("%s is described as %+v", name, d)
		}
		if strings.Contains(d.Proof, "%!") || strings.Contains(d.Proof, " of `` ") {
			t.Errorf("%s is proved by %q", name, d.Proof)
		}
	}
}
