package poller_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"sluice.internal/gateway/poller"
	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// free is a lease that nobody else wants.
type free struct{}

func (free) Hold(context.Context) error    { return nil }
func (free) Release(context.Context) error { return nil }

// BenchmarkPoll200Instances takes 10,000 notifications out of 200 queues, 20 ms away, and stores each before it is deleted.
// round-trips is how many of them a notification took; 2 is what the API allows, one to receive it and one to delete it.
func BenchmarkPoll200Instances(b *testing.B) {
	const instances, each, away = 200, 50, 20 * time.Millisecond
	for b.Loop() {
		b.StopTimer()
		api := mock.New(mock.Options{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(away)
			api.ServeHTTP(w, r)
		}))
		written := config.Source{Name: "green-api", Auth: config.AuthNone, Instances: map[string]config.Instance{}}
		for number := range instances {
			name := fmt.Sprintf("11010%05d", number)
			queue := api.Add(name, token)
			for n := range each {
				queue.Push(fmt.Appendf(nil, `{"typeWebhook":"incomingCall","instanceData":{"idInstance":%s},"idMessage":"%d"}`, name, n))
			}
			written.Instances[name] = config.Instance{
				ID: name, Receive: config.ReceiveHTTPAPI, APIURL: server.URL, Token: config.NewSecret(token), Wait: 20 * time.Second,
			}
		}
		sources, err := source.Configure(map[string]config.Source{"green-api": written})
		if err != nil {
			b.Fatal(err)
		}
		streams := streamtest.Start(b).Open(b)
		polls, err := poller.New(poller.Settings{
			Sources: sources, Written: map[string]config.Source{"green-api": written}, BodyLimit: 1 << 20, ShutdownTimeout: time.Second,
			Store: stream.NewPublisher(streams.Client), Alert: func(notification.Alert) {},
			Report:   func(context.Context, stream.PollState) error { return nil },
			NewLease: func(string, string, string, time.Duration) poller.Lease { return free{} },
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan struct{})
		b.StartTimer()
		began := time.Now()
		go func() {
			defer close(ended)
			_ = polls.Run(ctx) // It returns nil.
		}()
		for api.Waiting() > 0 {
			time.Sleep(time.Millisecond)
		}
		took := time.Since(began)
		b.StopTimer()
		cancel()
		<-ended
		server.Close()
		b.ReportMetric(float64(took)/float64(each*away), "round-trips")
		b.ReportMetric(instances*each/took.Seconds(), "notifications/s")
		b.StartTimer()
	}
}
