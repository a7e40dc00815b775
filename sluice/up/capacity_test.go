package up_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

// TestFullStreamIsRefusedToldAndAcceptsAgainByItselfOnceAWorkerIsBack lets senders go on while nobody takes in.
func TestFullStreamIsRefusedToldAndAcceptsAgainByItselfOnceAWorkerIsBack(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, func(s *config.Streams) { s.Notifications.MaxBytes = 64 << 10 })
	edge := newGateway(t, server)
	runPart(t, edge.Run)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	watchCapacity(t, streams) // As another group's worker does.

	sent := 0
	for share(t, streams) < 0.82 {
		if answer := post(t, client, edge, sent); answer.status != http.StatusOK {
			t.Fatalf("notification %d: %+v", sent, answer)
		}
		sent++
	}
	expectAlert(t, streams, "stream NOTIFICATIONS is filling up")
	var refused answer
	for refused.status != http.StatusServiceUnavailable {
		if refused = post(t, client, edge, sent); refused.status == http.StatusOK {
			sent++
		}
	}
	if refused.code != "store_full" || refused.retryAfter < 1 {
		t.Errorf("refused with %+v, want store_full and when to come again", refused)
	}
	expectAlert(t, streams, "stream NOTIFICATIONS is full")
	if answer := post(t, client, edge, sent); answer.code != "store_full" {
		t.Errorf("with nobody who takes in: %+v", answer)
	}

	runPart(t, newWorker(t, server).Run)
	expectAlert(t, streams, "stream NOTIFICATIONS has capacity again")
	total := 3 * sent // The capacity has to be freed again and again.
	deadline := time.Now().Add(timeout)
	for sent < total {
		switch answer := post(t, client, edge, sent); {
		case answer.status == http.StatusOK:
			sent++
		case answer.code != "store_full", time.Now().After(deadline):
			t.Fatalf("notification %d of %d: %+v", sent, total, answer)
		}
	}
	checkEvents(t, streams, sent)
}

func runPart(t *testing.T, part func(context.Context) error) {
	t.Helper()
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

// watchCapacity trims and tells the operator, as every worker does, and faster.
func watchCapacity(t *testing.T, streams *streamtest.Streams) {
	t.Helper()
	settings := retention.Settings{Interval: 20 * time.Millisecond, BusyInterval: 20 * time.Millisecond}
	alert := func(ctx context.Context, alert notification.Alert) error {
		_, err := streams.PublishAlert(ctx, &alert)
		return err
	}
	runPart(t, func(ctx context.Context) error {
		return retention.Run(ctx, streams.Client, settings, slog.New(slog.DiscardHandler), alert)
	})
}

// answer is what a sender got.
type answer struct {
	status     int
	code       string
	retryAfter int
}

func post(t *testing.T, client *http.Client, edge *gateway.Gateway, number int) answer {
	t.Helper()
	body := fmt.Sprintf(`{"typeWebhook":"incomingCall","instanceData":{"idInstance":%d,"wid":"1@c.us","typeInstance":"whatsapp"},`+
		`"from":"2@c.us","idMessage":"%d","timestamp":1749207600}`, number%7, number)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+edge.Address()+"/green-api/webhook/", bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer own-secret")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var refusal struct{ Code string }
	if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
		t.Fatal(err)
	}
	after, _ := strconv.Atoi(response.Header.Get("Retry-After")) // 0 when there is none.
	return answer{response.StatusCode, refusal.Code, after}
}

// share is the part of its capacity that NOTIFICATIONS has used.
func share(t *testing.T, streams *streamtest.Streams) float64 {
	t.Helper()
	capacities, err := retention.Capacities(t.Context(), streams.Client)
	if err != nil {
		t.Fatal(err)
	}
	for _, capacity := range capacities {
		if capacity.Name == stream.Notifications {
			return capacity.Share
		}
	}
	t.Fatal("NOTIFICATIONS has no capacity")
	return 0
}

// expectAlert waits until the operator was told.
func expectAlert(t *testing.T, streams *streamtest.Streams, title string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	consumer, err := streams.JetStream().OrderedConsumer(ctx, stream.Alerts, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := consumer.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer alerts.Stop()
	for {
		alert, err := alerts.Next(jetstream.NextContext(ctx))
		if err != nil {
			t.Fatalf("waited in vain for %q: %v", title, err)
		}
		if strings.Contains(string(alert.Data()), title) {
			return
		}
	}
}

// checkEvents waits until every notification is an event and checks that none is two.
func checkEvents(t *testing.T, streams *streamtest.Streams, sent int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	seen, last := map[string]bool{}, uint64(0)
	for event, err := range streams.Events(ctx, admin.Query{Follow: true}) {
		if err != nil {
			t.Fatalf("%d events of %d notifications: %v", len(seen), sent, err)
		}
		if seen[event.Key] {
			t.Errorf("notification %d became an event before", event.NotificationSequence)
		}
		seen[event.Key], last = true, event.Sequence
		if len(seen) == sent {
			break
		}
	}
	if last != uint64(sent) {
		t.Errorf("%d events of %d notifications", last, sent)
	}
}
