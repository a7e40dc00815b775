package simulate_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/local"
	"sluice.internal/sluice/simulate"
	"sluice.internal/sluice/up"
)

const patience = time.Minute

// startUp runs a whole sluice until the test ends, and returns its data folder.
func startUp(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	cfg, err := config.Load(config.Options{
		Flags:     map[string]string{"gateway.listen": "127.0.0.1:0"},
		Providers: source.Known(), AllowMissingTokens: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- up.Run(ctx, cfg, up.Options{
			Data: dir, NATSListen: "127.0.0.1:0", Command: "sluice", Out: signal(ready),
		}, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("did not start: %v", err)
	case <-time.After(patience):
		t.Fatal("did not start in time")
	}
	return dir
}

// signal is closed at the first write.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	close(s)
	return len(p), nil
}

func TestEverySimulatedNotificationBecomesOneEventOrOneDeadLetter(t *testing.T) {
	t.Parallel()
	dir := startUp(t)
	description, err := local.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
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
	events, letters := settled(t, description)
	if events+letters != 480 || letters < 10 || letters > 50 {
		t.Errorf("%d events, %d dead letters", events, letters)
	}
}

// settled waits until every notification was judged, and counts what became of them.
func settled(t *testing.T, description local.Description) (events, letters uint64) {
	t.Helper()
	conn, err := stream.Connect(stream.Access{
		URL: description.NATSURL, User: description.NATSUser, Password: description.NATSPassword,
	}, t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	streams, err := stream.Attach(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
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
