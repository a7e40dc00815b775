package up_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker"
)

func TestSameNotificationFromFiftySendersThroughTwoGatewaysToThreeWorkersIsOneEvent(t *testing.T) {
	t.Parallel()
	const rounds = 5
	server := streamtest.Start(t)
	run := func(part func(context.Context) error) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- part(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	var addresses []string
	for range 2 {
		edge := newGateway(t, server)
		run(edge.Run)
		addresses = append(addresses, edge.Address())
	}
	for range 3 {
		run(newWorker(t, server).Run)
	}
	var senders sync.WaitGroup
	for sender := range 50 {
		senders.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for range rounds {
				sendOnce(t, client, addresses[sender%2])
			}
		})
	}
	senders.Wait()
	streams := server.Open(t)
	drain(t, streams, 50*rounds)
	count := 0
	for event, err := range streams.Events(t.Context(), admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("event %d of notification %d", event.Sequence, event.NotificationSequence)
		count++
	}
	if count != 1 {
		t.Errorf("%d events, want 1", count)
	}
}

func newGateway(t *testing.T, server *streamtest.Server) *gateway.Gateway {
	t.Helper()
	cfg := config.Default()
	cfg.Gateway.Listen = "127.0.0.1:0"
	sources, err := source.Configure(map[string]config.Source{"green-api": {Token: config.NewSecret("own-secret")}})
	if err != nil {
		t.Fatal(err)
	}
	edge, err := gateway.New(gateway.Settings{Gateway: cfg.Gateway, Sources: sources},
		server.Open(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return edge
}

func newWorker(t *testing.T, server *streamtest.Server) *worker.Worker {
	t.Helper()
	made, err := worker.New(t.Context(), config.Default(), worker.Parts{}, server.Open(t).Client, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func sendOnce(t *testing.T, client *http.Client, address string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/green-api/webhook/", strings.NewReader(call))
	if err != nil {
		t.Error(err)
		return
	}
	request.Header.Set("Authorization", "Bearer own-secret")
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d", response.StatusCode)
	}
}

// drain waits until that many notifications are stored and all of them are processed.
func drain(t *testing.T, streams *streamtest.Streams, stored uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	for {
		status, err := streams.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		left := status.Intake.Waiting + status.Intake.UnderWay
		for _, group := range status.Groups {
			left += group.Waiting + group.UnderWay
		}
		for _, usage := range status.Streams {
			if usage.Name == stream.Notifications && usage.Messages != stored {
				t.Fatalf("%d notifications are stored, want %d", usage.Messages, stored)
			}
		}
		if left == 0 {
			return
		}
	}
}
