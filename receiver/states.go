package receiver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/position"
)

const (
	// tellEvery is how often is told how bots are.
	tellEvery = 15 * time.Second
	// A head that was handed out so often in so long a time, and never deleted, holds up what is behind it: the official
	// Java client and the Python chatbot ask for what they can't handle again and again.
	stuckTimes = 20
	stuckFor   = 5 * time.Minute
	// maxStates bounds of how many bots and instances something is remembered.
	maxStates = 10_000
	// tellTimeout bounds telling one state.
	tellTimeout = 5 * time.Second
)

// states remembers what bots ask for, in this process.
type states struct {
	receiver *Receiver

	mutex sync.Mutex
	known map[string]*known
}

// known is what is remembered of a bot and an instance.
type known struct {
	position.BotState

	changed   bool
	clearedAt time.Time
}

// of returns what is known of the call's bot and instance. The mutex is held.
func (s *states) of(c call) *known {
	key := c.bot.Name + "/" + c.instance
	found := s.known[key]
	if found == nil {
		if s.known == nil || len(s.known) >= maxStates { // At worst something is told later.
			s.known = map[string]*known{}
		}
		found = &known{BotState: position.BotState{
			Bot: c.bot.Name, Source: c.bot.Source, Instance: c.instance, Types: c.bot.Types, Keep: c.bot.Keep,
		}}
		s.known[key] = found
	}
	return found
}

// asked notes that a bot asked.
func (s *states) asked(c call) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	one := s.of(c)
	one.AskedAt, one.changed = time.Now().UTC(), true
}

// handedOut notes that a head was handed out, and tells the operator when it does not go.
func (s *states) handedOut(c call, head *notification.Event) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	one, now := s.of(c), time.Now().UTC()
	if one.Head != head.Sequence {
		one.Head, one.HandedOut, one.HeadSince = head.Sequence, 0, now
	}
	one.HandedOut++
	if one.HandedOut < stuckTimes || now.Sub(one.HeadSince) < stuckFor {
		return
	}
	s.receiver.settings.Alert(notification.Alert{
		Severity: notification.SeverityWarning, Title: fmt.Sprintf("Bot %s does not get over a notification", c.bot.Name),
		Detail: fmt.Sprintf("Event %d of type %s was handed out %d times since %s and never deleted. What is behind it waits. "+
			"`sluice bots skip %s %s` gives it up.", head.Sequence, head.Type, one.HandedOut, one.HeadSince.Format(time.RFC3339), c.bot.Name, c.instance),
		Source: c.bot.Source, Type: head.Type, Instance: c.instance, At: now,
	})
}

// passedOver tells the operator that events were too old for a bot.
func (s *states) passedOver(c call, count uint64) {
	s.receiver.settings.Alert(notification.Alert{
		Severity: notification.SeverityWarning, Title: fmt.Sprintf("Bot %s did not ask in time", c.bot.Name),
		Detail: fmt.Sprintf("%d events of instance %s were older than %s and were passed over. They can be replayed: "+
			"sluice replay --group %s --since TIME, with a longer bots.%s.keep.", count, c.instance, c.bot.Keep, c.bot.Name, c.bot.Name),
		Source: c.bot.Source, Instance: c.instance, At: time.Now(),
	})
}

// returned tells the operator that a bot was ahead of all events.
func (s *states) returned(c call, from, to position.Position) {
	s.receiver.settings.Alert(notification.Alert{
		Severity: notification.SeverityWarning, Title: fmt.Sprintf("Bot %s was ahead of all events", c.bot.Name),
		Detail: fmt.Sprintf("It was behind event %d of instance %s, and there is none with that number: events came out of a backup, or were "+
			"lost. It goes on behind event %d, with what was stored since %s. `sluice replay --group %s --since TIME` sets it back further.",
			from.Sequence, c.instance, to.Sequence, from.MovedAt.Format(time.RFC3339), c.bot.Name),
		Source: c.bot.Source, Instance: c.instance, At: time.Now(),
	})
}

// deleted notes that a head is gone.
func (s *states) deleted(c call) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	one := s.of(c)
	one.Head, one.HandedOut, one.HeadSince, one.changed = 0, 0, time.Time{}, true
}

// cleared notes that the queue is cleared now, and returns how long it may not be, 0 when it may.
func (s *states) cleared(c call) (left time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	one := s.of(c)
	if left = clearPause - time.Since(one.clearedAt); left > 0 {
		return left
	}
	one.clearedAt = time.Now()
	return 0
}

// tell tells how bots are, again and again until the context ends.
func (s *states) tell(ctx context.Context) {
	for service.Sleep(ctx, tellEvery) == nil {
		for _, state := range s.news() {
			telling, cancel := context.WithTimeout(ctx, tellTimeout)
			err := s.receiver.settings.Positions.PublishState(telling, state)
			cancel()
			if err != nil {
				s.receiver.log.Debug("state of a bot not told", "bot", state.Bot, "error", err)
				break // The store is in trouble. They are told again when the bots ask again.
			}
		}
	}
}

// news returns what has changed since it was told.
func (s *states) news() (changed []position.BotState) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, one := range s.known {
		if one.changed {
			one.changed = false
			changed = append(changed, one.BotState)
		}
	}
	return changed
}
