package up_test

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

// TestReceiptLeadsToTheNotificationInJetStream is the gateway's test with a real store. It stands here so that the
// gateway's module needs no NATS server.
func TestReceiptLeadsToTheNotificationInJetStream(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Shards(1))
	edge := newGateway(t, server)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- edge.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)

	body := []byte("{\"typeWebhook\":\"incomingCall\",\"instanceData\":{\"idInstance\":7},\"x\":\"\xff\r\n\"}")
	receipt := postBody(t, client, edge.Address(), "own-secret", body, http.StatusOK)
	postBody(t, client, edge.Address(), "own-secret", nil, http.StatusOK)
	postBody(t, client, edge.Address(), "wrong", body, http.StatusUnauthorized)

	got := firstNotification(t, streams)
	if !bytes.Equal(got.Body, body) || got.Type != "incomingCall" || got.Instance != "7" {
		t.Errorf("stored %+v", got)
	}
	if receipt != strconv.FormatUint(got.Sequence, 10) {
		t.Errorf("receipt is %s, the notification's sequence %d", receipt, got.Sequence)
	}
	stop() // The last rejections are written at the end.
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for rejection, err := range streams.Rejections(t.Context(), admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if rejection.Cause != "wrong-token" || rejection.Source != "green-api" || !bytes.Equal(rejection.Body, body) {
			t.Errorf("kept %+v", rejection)
		}
		return
	}
	t.Fatal("no rejection is stored")
}

// postBody sends a body with a token, expects a status and returns the receipt.
func postBody(t *testing.T, client *http.Client, address, token string, body []byte, want int) (receipt string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/green-api/webhook/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		t.Fatalf("status %d, want %d", response.StatusCode, want)
	}
	return response.Header.Get("Sluice-Receipt")
}

// firstNotification takes the first notification in, without acknowledging it.
func firstNotification(t *testing.T, streams *streamtest.Streams) notification.Notification {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	intake, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = intake.Close(context.WithoutCancel(ctx)) }()
	received, err := intake.Next(ctx)
	if err != nil || len(received) == 0 {
		t.Fatal("no notification is stored", err)
	}
	return received[0].Notification
}
