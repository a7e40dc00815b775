package up_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/local"
	"sluice.internal/sluice/up/uptest"
)

// freeAddress finds a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// Whoever operates it sees what came in, what became of it, and how the store is; whoever sends sees none of that.
func TestMetricsSayWhatCameInAndWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	cfg := load(t)
	cfg.Gateway.Listen, cfg.Admin.Listen = "127.0.0.1:0", freeAddress(t)
	s := uptest.Start(t, t.TempDir(), cfg)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	get := func(url string) (status int, body string) {
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	description, err := local.Read(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	gateway := strings.TrimPrefix(description.GatewayURL, "http://")
	content, err := os.ReadFile(filepath.Join(s.Dir, "green-api.token"))
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(content))
	body := []byte(`{"typeWebhook":"incomingCall","instanceData":{"idInstance":7,"wid":"7@c.us","typeInstance":"whatsapp"},"timestamp":1,"idMessage":"1","from":"7@c.us","status":"offer"}`)
	postBody(t, client, gateway, token, body, http.StatusOK)
	postBody(t, client, gateway, token, body, http.StatusOK)
	postBody(t, client, gateway, token, []byte(`{`), http.StatusOK)
	postBody(t, client, gateway, "wrong", body, http.StatusUnauthorized)
	wanted := []string{
		`sluice_build_info{version="`,
		`sluice_gateway_requests_total{code="stored",source="green-api"} 3`,
		`sluice_gateway_requests_total{code="unauthorized",source="green-api"} 1`,
		`sluice_gateway_refused_total{cause="unauthorized",source="green-api"} 1`,
		`sluice_gateway_request_duration_seconds_count{source="green-api"} 4`,
		`sluice_gateway_requests_in_flight 0`,
		`sluice_intake_notifications_total{outcome="event",source="green-api"} 1`,
		`sluice_intake_notifications_total{outcome="duplicate",source="green-api"} 1`,
		`sluice_intake_notifications_total{outcome="invalid",source="green-api"} 1`,
		`sluice_handler_events_total{group="default",outcome="done",type="incomingCall"} 1`,
		`sluice_event_age_seconds_count{group="default"} 1`,
		`sluice_nats_connected{connection="sluice gateway"} 1`,
		`sluice_stream_messages{stream="EVENTS"} `,
		`sluice_group_unprocessed_events{group="default"} `,
		`go_goroutines `, `process_resident_memory_bytes `,
	}
	missing := func() (missing []string) {
		status, text := get(description.AdminURL + "/metrics")
		for _, series := range wanted {
			if status != http.StatusOK || !strings.Contains(text, series) {
				missing = append(missing, series)
			}
		}
		return missing
	}
	streamtest.Eventually(streamtest.Context(t), t, "all metrics are there", func() bool { return len(missing()) == 0 })
	if status, _ := get(description.GatewayURL + "/metrics"); status != http.StatusNotFound {
		t.Errorf("senders get metrics with status %d", status)
	}
}
