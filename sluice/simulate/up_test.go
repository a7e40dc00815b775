package simulate_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/simulate"
	"sluice.internal/sluice/up/uptest"
)

const timeout = 2 * time.Minute

// startUp runs a whole sluice until the test ends.
func startUp(t *testing.T) *uptest.Sluice {
	t.Helper()
	cfg, err := config.Load(config.Options{
		Flags:     map[string]string{"gateway.listen": "127.0.0.1:0"},
		Providers: source.Known(), AllowMissingTokens: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return uptest.Start(t, t.TempDir(), cfg)
}

func TestEverySimulatedNotificationBecomesOneEventOrOneDeadLetter(t *testing.T) {
	t.Parallel()
	running := startUp(t)
	description := running.Description(t)
	token, err := os.ReadFile(description.Sources[greenAPI].TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	simulator, err := simulate.New(simulate.Settings{
		URL: description.GatewayURL + description.Sources[greenAPI].Path, Token: strings.TrimSpace(string(token)),
		Instances: 8, Count: 60, Speed: 100, Seed: 11, Duplicates: 0.1, Unknown: 0.02, Invalid: 0.05,
	})
	if err != nil {
		t.Fatal(err)
	}
	summary, err := simulator.Run(t.Context())
	if err != nil || summary.Err() != nil || summary.Accepted != 480 || summary.Resent < 20 {
		t.Fatalf("error %v, summary\n%s", err, summary)
	}
	events, letters := settled(t, running.Attach(t))
	if events+letters != 480 || letters < 10 || letters > 50 {
		t.Errorf("%d events, %d dead letters", events, letters)
	}
}

// settled waits until intake has taken every notification, and counts what became of them.
func settled(t *testing.T, streams *admin.Client) (events, letters uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	for {
		status, err := streams.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if status.Intake.Waiting+status.Intake.UnderWay > 0 {
			continue
		}
		messages := map[string]uint64{}
		for _, usage := range status.Streams {
			messages[usage.Name] = usage.Messages
		}
		return messages[stream.Events], messages[stream.DeadLetters]
	}
}
