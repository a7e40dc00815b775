package receiver_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"sluice.internal/receiver"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/position"
	"sluice.internal/shared/streamtest"
)

// ward is a receiver with many bots, for benchmarks.
type ward struct {
	b       *testing.B
	streams *streamtest.Streams
	http    *httptest.Server
	client  *http.Client
}

func newWard(b *testing.B, bots int) *ward {
	b.Helper()
	server := streamtest.Start(b)
	w := &ward{b: b, streams: server.Open(b), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: bots}}}
	all := map[string]config.Bot{}
	for number := range bots {
		bot := crm()
		bot.Name, bot.Tokens = fmt.Sprintf("bot-%d", number), []config.Secret{config.NewSecret(tokenOf(number))}
		all[bot.Name] = bot
	}
	made := receiver.New(receiver.Settings{
		Bots: all, Sources: map[string]config.Source{"green-api": {Name: "green-api", Instances: map[string]config.Instance{}}},
		Positions: position.NewClient(w.streams.Client), ShutdownTimeout: time.Second, Alert: func(notification.Alert) {},
	}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- made.Run(ctx) }()
	w.http = httptest.NewServer(made)
	b.Cleanup(func() {
		cancel()
		w.client.CloseIdleConnections()
		w.http.Close()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return w
}

func tokenOf(number int) string { return fmt.Sprintf("the-token-of-bot-%07d", number) }

// store stores events of an instance, many at a time.
func (w *ward) store(instance string, first, count int) {
	w.b.Helper()
	const batch = 500
	ctx := context.Background()
	for begin := 0; begin < count; begin += batch {
		events := make([]notification.Event, 0, batch)
		for number := begin; number < min(begin+batch, count); number++ {
			n := streamtest.Notification(first + number)
			n.Type, n.Instance = "incomingCall", instance
			events = append(events, streamtest.NewEvent(w.streams, &n, notification.Identity{
				Type: n.Type, Instance: instance, OrderKey: strconv.Itoa(number % 997), Key: notification.Key(instance, strconv.Itoa(first+number)),
			}))
		}
		if _, err := w.streams.PublishEvents(ctx, events); err != nil {
			w.b.Fatal(err)
		}
	}
}

func (w *ward) ask(method, path string) (answer []byte) {
	request, err := http.NewRequestWithContext(context.Background(), method, w.http.URL+"/waInstance"+id+path, http.NoBody)
	if err != nil {
		w.b.Error(err)
		return nil
	}
	response, err := w.client.Do(request)
	if err != nil {
		w.b.Error(err)
		return nil
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		w.b.Errorf("status %d, error %v", response.StatusCode, err)
	}
	return answer
}

// begin waits until all bots have their beginning: they get what comes from then on.
func (w *ward) begin(bots int) {
	var all sync.WaitGroup
	for number := range bots {
		all.Go(func() { w.ask(http.MethodGet, "/receiveNotification/"+tokenOf(number)+"?receiveTimeout=1") })
	}
	all.Wait()
}

// BenchmarkReceive is fifty bots that ask 500 times a second together, and delete what they get. An operation is one receive.
func BenchmarkReceive(b *testing.B) {
	const bots, rate = 50, 500
	w := newWard(b, bots)
	w.begin(bots)
	w.store(id, 0, b.N/bots+1)
	times := make([][]time.Duration, bots)
	before := processorTime(b)
	b.ResetTimer()
	var running sync.WaitGroup
	for number := range bots {
		running.Go(func() {
			time.Sleep(time.Duration(number) * time.Second / rate) // They do not ask all at once.
			ticker := time.NewTicker(time.Second * bots / rate)
			defer ticker.Stop()
			for range b.N/bots + 1 {
				<-ticker.C
				began := time.Now()
				answer := w.ask(http.MethodGet, "/receiveNotification/"+tokenOf(number))
				times[number] = append(times[number], time.Since(began))
				var receipt int
				if _, err := fmt.Sscanf(string(answer), `{"receiptId":%d`, &receipt); err != nil {
					b.Errorf("the answer is %.80q: %v", answer, err)
					return
				}
				w.ask(http.MethodDelete, "/deleteNotification/"+tokenOf(number)+"/"+strconv.Itoa(receipt))
			}
		})
	}
	running.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric((processorTime(b)-before).Seconds()*1e6/float64(b.N), "cpu-us/op")
}

// BenchmarkLongPolls is a thousand bots that wait for something. An operation is a second of all.
func BenchmarkLongPolls(b *testing.B) {
	const bots = 1000
	w := newWard(b, bots)
	w.begin(bots)
	memory := heap()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for number := range bots {
		running.Go(func() {
			for ctx.Err() == nil {
				w.ask(http.MethodGet, "/receiveNotification/"+tokenOf(number)+"?receiveTimeout=20")
			}
		})
	}
	time.Sleep(5 * time.Second) // All wait, and have looked for what was on its way.
	held := heap() - memory
	before := processorTime(b)
	b.ResetTimer()
	time.Sleep(time.Duration(b.N) * time.Second)
	b.StopTimer()
	b.ReportMetric((processorTime(b)-before).Seconds()*100/float64(b.N), "cpu-percent")
	b.ReportMetric(float64(held)/1e6, "MB")
	cancel()
	running.Wait()
}

// heap is what the heap and the stacks hold, in bytes: of the receiver, of the clients and of the store, which all are here.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

// BenchmarkNextAmongAMillion looks for the only event of an instance behind a million of others.
func BenchmarkNextAmongAMillion(b *testing.B) {
	w := newWard(b, 1)
	w.store("42", 0, 1_000_000)
	w.store(id, 1_000_000, 1)
	positions := position.NewClient(w.streams.Client)
	for b.Loop() {
		event, err := positions.Next(b.Context(), position.Filter{Source: "green-api", Instance: id}, 0)
		if err != nil || event == nil {
			b.Fatal(event, err)
		}
	}
}
