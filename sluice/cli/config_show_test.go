package cli_test

import (
	"strings"
	"testing"
)

func TestSecretsWithTheirTimesAreShownWithoutTheSecrets(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "sluice.yaml", "sources: {green-api: {secrets: [{secret: hunter2hunter2hunter2, until: 2026-12-31}, {secret: hunter3hunter3hunter3}]}}\n")
	for _, flags := range [][]string{nil, {"--json"}} {
		got := run(t, append([]string{"config", "show", "--config", file}, flags...)...)
		got.fails(t, 0)
		for _, want := range []string{"sources.green-api.secrets[0].secret", "sources.green-api.secrets[0].until", "2026-12-31T00:00:00Z", "sources.green-api.secrets[1].from"} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("%q is not in\n%s", want, got.stdout)
			}
		}
		if strings.Contains(got.stdout, "hunter") || strings.Contains(got.stdout, "0001") {
			t.Errorf("shown is\n%s", got.stdout)
		}
	}
}
