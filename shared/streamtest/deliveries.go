package streamtest

import (
	"context"
	"testing"
	"time"

	"sluice.internal/shared/stream/consume"
)

// askTime is how long a test's request for events stays open.
const askTime = time.Second

// NextDelivery is the next event that a partition hands out. Afterwards another one may become its owner at once.
func NextDelivery(ctx context.Context, t *testing.T, p *consume.Partition) (d *consume.Delivery) {
	t.Helper()
	for d == nil {
		pin, err := p.Ask(ctx, consume.Ask{Count: 1, Wait: askTime}, func(delivery *consume.Delivery) { d = delivery })
		if err != nil {
			t.Fatal(err)
		}
		if ctx.Err() != nil {
			t.Fatal("no event came")
		}
		if pin != "" {
			Must(t, p.GiveUp(ctx, pin))
		}
	}
	return d
}

// Serve hands the events of a partition to handle, one after the other, until stop is called, which gives the partition up.
// It goes on whatever happens to the server.
func Serve(p *consume.Partition, handle func(*consume.Delivery)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		pin := ""
		for ctx.Err() == nil {
			got, err := p.Ask(ctx, consume.Ask{Pin: pin, Count: 1, Wait: askTime}, handle)
			if got != "" {
				pin = got
			}
			if err != nil {
				pin = ""
				pause(ctx)
			}
		}
		giving, cancel := context.WithTimeout(context.Background(), askTime)
		defer cancel()
		_ = p.GiveUp(giving, pin) // At worst it is free after a while. The test's end is no reason.
	}()
	return func() {
		cancel()
		<-ended
	}
}

func pause(ctx context.Context) {
	timer := time.NewTimer(askTime / 4)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
