package poller

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

const (
	// sameReceipt is how often one receipt with the same bytes may come after it was deleted, and sameBytes how often the
	// same bytes may come with whatever receipt: notifications that are alike may rightly follow each other.
	sameReceipt = 3
	sameBytes   = 10
	// repeatPause is the first pause between looks at a queue that hands out the same, and repeatLongest the longest.
	repeatPause   = 5 * time.Second
	repeatLongest = time.Minute

	// quickShare is the part of the wait before which an empty answer came too soon, quickLongest the longest pause between
	// such answers, and lookAfter how long they may come before the settings are looked at.
	quickShare   = 2
	quickFrom    = 2
	quickLongest = 10 * time.Second
	lookAfter    = time.Minute
)

// repeats remembers what was handed out last, and how many empty answers came early. One goroutine uses it.
type repeats struct {
	receipt string
	digest  [sha256.Size]byte
	// storedOnce says that it is stored, so that it need not be stored again; again counts how often it came after GREEN-API
	// had answered its deletion.
	storedOnce bool
	again      int
	gone       bool

	early      int
	earlySince time.Time
	asked      bool
}

// isStored reports whether the notification, with its receipt, is the one that was stored last.
func (r *repeats) isStored(received *greenapi.Received) bool {
	return r.storedOnce && r.receipt == received.Receipt && r.digest == sha256.Sum256(received.Body)
}

// stored notes that the notification is stored.
func (r *repeats) stored(received *greenapi.Received) {
	digest := sha256.Sum256(received.Body)
	if digest != r.digest || !r.storedOnce {
		r.again, r.gone = 0, false
	}
	r.receipt, r.digest, r.storedOnce = received.Receipt, digest, true
}

// deleted looks at what GREEN-API made of a deletion. One that changes nothing, again and again, would be asked for as fast
// as the network allows.
func (i *instance) deleted(received *greenapi.Received, really bool) (pause time.Duration) {
	r := &i.repeats
	bound := sameBytes
	if r.gone {
		r.again++
		if r.receipt == received.Receipt {
			bound = sameReceipt
		}
	}
	r.gone = true
	if r.again < bound {
		return 0
	}
	i.trouble.stuck(fmt.Sprintf("GREEN-API hands out the notification with receipt %s again and again, although it answered %t to its deletion",
		received.Receipt, really))
	return min(repeatPause<<min(r.again-bound, 5), repeatLongest)
}

// nothing looks at an empty answer. GREEN-API gives it at once, instead of waiting, where no kind of notification is
// switched on.
func (i *instance) nothing(ctx context.Context, after time.Duration) (pause time.Duration) {
	r := &i.repeats
	if after >= i.account.Wait/quickShare {
		r.early = 0
		return 0
	}
	if r.early == 0 {
		r.earlySince, r.asked = i.poller.settings.Now(), false
	}
	if r.early++; r.early < quickFrom {
		return 0
	}
	if !r.asked && i.poller.settings.Now().Sub(r.earlySince) >= lookAfter {
		r.asked = true
		i.lookAtSettings(ctx)
	}
	return min(time.Second<<min(r.early-quickFrom, 5), quickLongest)
}

// lookAtSettings finds out whether GREEN-API has anything to hand out.
func (i *instance) lookAtSettings(ctx context.Context) {
	settings, err := i.client.Settings(ctx)
	if err != nil || settings.AnyKindOn() {
		return
	}
	i.alert(notification.SeverityWarning, "GREEN-API has no notifications switched on for an instance",
		fmt.Sprintf("Instance %s is polled, and all kinds of notifications are switched off in its settings. Switch them on with: "+
			"sluice green-api settings %s --poll", i.account.ID, i.account.ID))
}

// alert tells the operator about the instance.
func (i *instance) alert(severity, title, detail string) {
	i.poller.settings.Alert(notification.Alert{
		Severity: severity, Title: title, Detail: detail, Source: i.from.Name, Instance: i.account.ID, At: time.Now(),
	})
}

// stuck notes a queue whose head does not go.
func (t *trouble) stuck(why string) {
	t.began(stream.PollStuck, "queue at GREEN-API is stuck", fmt.Errorf("%s", why)) //nolint:err113 // For people alone.
	t.instance.alert(notification.SeverityCritical, "The queue of an instance at GREEN-API is stuck", why+". What is behind it waits.")
}
