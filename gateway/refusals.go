package gateway

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sluice.internal/shared/notification"
)

const (
	// refusalWindow is in how many minutes refusals are counted together.
	refusalWindow = 5
	// leastRefusals is how many of them there must be, and unusual how many times as many as usual, for an alert.
	leastRefusals = 50
	unusual       = 5
	// usualMemory is how many minutes make what is usual.
	usualMemory = 60
)

// refusals counts what is refused of a source, to notice a rise.
type refusals struct {
	mutex   sync.Mutex
	count   int
	minutes [refusalWindow]int
	minute  int
	usual   float64 // in a minute, before the window
	// cause and detail are those of the last one.
	cause, detail string
}

func (r *refusals) add() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.count++
}

func (r *refusals) note(cause, detail string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.cause, r.detail = cause, detail
}

// tick ends a minute. It returns what to tell of the last few: nothing unless there was more than usual.
func (r *refusals) tick() (told string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	// What leaves the window becomes part of what is usual, so that a rise is not compared with itself.
	r.usual += (float64(r.minutes[r.minute]) - r.usual) / usualMemory
	r.minutes[r.minute] = r.count
	r.minute, r.count = (r.minute+1)%refusalWindow, 0
	sum := 0
	for _, count := range r.minutes {
		sum += count
	}
	usual := r.usual * refusalWindow
	if sum < leastRefusals || float64(sum) < unusual*usual {
		return ""
	}
	return fmt.Sprintf("%d in %d minutes, usually %.0f. The last one: %s, %s. See `sluice rejections`.",
		sum, refusalWindow, usual, r.cause, r.detail)
}

// watchRefusals tells the operator when more of a source is refused than usual.
func (g *Gateway) watchRefusals(ctx context.Context, stopped <-chan struct{}) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			g.tellRises(ctx)
		case <-stopped:
			return
		}
	}
}

func (g *Gateway) tellRises(ctx context.Context) {
	for _, in := range g.inlets {
		if told := in.refused.tick(); told != "" {
			g.alert(ctx, &notification.Alert{
				Severity: notification.SeverityWarning, Title: "many requests of a source are refused",
				Detail: told, Source: in.Name, At: time.Now(),
			})
		}
	}
}

// alert tells the operator. Of several gateways that say the same one is heard.
func (g *Gateway) alert(ctx context.Context, alert *notification.Alert) {
	first, err := true, error(nil)
	if g.settings.Alert != nil {
		ctx, cancel := context.WithTimeout(ctx, rejectionPatience)
		defer cancel()
		first, err = g.settings.Alert(ctx, alert)
	}
	if err != nil {
		g.log.Error("alert not stored", "title", alert.Title, "error", err)
	}
	if first || err != nil {
		g.log.Warn("alert: "+alert.Title, "severity", alert.Severity, "source", alert.Source, "detail", alert.Detail)
	}
}
