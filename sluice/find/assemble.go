package find

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/notification"
)

// storyOf names the story of a notification by its key.
func storyOf(source, key string) string { return source + "/" + key }

// unread names the story of a notification that can't be read, and so has no key.
func unread(sequence uint64) string { return fmt.Sprintf("/notification/%d", sequence) }

// story names the story that the notification belongs to by itself: that of its first key, since one with several events has several.
func (a *arrival) story() string {
	if keys := a.keys(); len(keys) > 0 {
		return storyOf(a.Source, keys[0])
	}
	return unread(a.Sequence)
}

// letterStory names the story of a dead letter.
func letterStory(l *notification.DeadLetter) string {
	if l.Group == "" { // It never was an event; what its key is may not be known.
		return unread(l.NotificationSequence)
	}
	return storyOf(l.Source, l.Key)
}

func rejectionStory(r *notification.Rejection) string {
	return fmt.Sprintf("/rejection/%d", r.Sequence)
}

// assembly is the stories while they are made, by their names.
type assembly struct {
	*finder

	stories map[string]*Story
	// current is the newest event of each story.
	current map[string]*notification.Event
}

// assemble makes stories of the findings, the oldest first, and of these the newest.
func (f *finder) assemble() []Story {
	// Events come first: a notification goes to the stories of events where there are any, and dead letters come before it because
	// one that never was an event names the story by the notification.
	all := &assembly{finder: f, stories: map[string]*Story{}, current: map[string]*notification.Event{}}
	for i := range f.found.events {
		all.addEvent(&f.found.events[i].Event)
	}
	for i := range f.found.letters {
		all.addLetter(&f.found.letters[i])
	}
	for i := range f.found.arrivals {
		all.addArrival(&f.found.arrivals[i])
	}
	for i := range f.found.retries {
		all.addRetry(&f.found.retries[i])
	}
	for i := range f.found.rejections {
		all.addRejection(&f.found.rejections[i])
	}
	for i := range f.found.operations {
		all.addOperation(&f.found.operations[i])
	}
	all.addHandling()
	var stories []Story
	for _, story := range all.stories {
		story.sort()
		stories = append(stories, *story)
	}
	slices.SortFunc(stories, func(a, b Story) int { return a.begin().Compare(b.begin()) })
	return stories[max(len(stories)-f.settings.Limit, 0):]
}

// of returns the story of a name, a new one where there is none.
func (s *assembly) of(name string) *Story {
	story := s.stories[name]
	if story == nil {
		story = &Story{}
		s.stories[name] = story
	}
	return story
}

// add adds a step, once.
func (s *Story) add(step Step) {
	// Two copies of an event have the same tries in their history.
	if !slices.Contains(s.Steps, step) {
		s.Steps = append(s.Steps, step)
	}
}

// describe notes what is known of an event.
func (s *Story) describe(source string, identity *notification.Identity) {
	s.Source, s.Type, s.Instance, s.OrderKey, s.Key = source, identity.Type, identity.Instance, identity.OrderKey, identity.Key
}

// sort puts the steps into the order of their times, what has none last: that is what still waits. Steps of the same time stay in
// the order in which they were added, which is that of a notification's way.
func (s *Story) sort() {
	slices.SortStableFunc(s.Steps, func(a, b Step) int {
		switch {
		case a.At.IsZero() && b.At.IsZero():
			return strings.Compare(a.Group, b.Group)
		case a.At.IsZero():
			return 1
		case b.At.IsZero():
			return -1
		default:
			return a.At.Compare(b.At)
		}
	})
}

// begin is when the first step was, by which stories are ordered.
func (s *Story) begin() time.Time {
	if len(s.Steps) == 0 {
		return time.Time{}
	}
	return s.Steps[0].At
}

// addEvent adds an event. Two of them are in one story when the second came after the window in which repetitions are folded.
func (s *assembly) addEvent(e *notification.Event) {
	name := storyOf(e.Source, e.Key)
	story := s.of(name)
	story.describe(e.Source, &e.Identity)
	said := fmt.Sprintf("became event %d", e.Sequence)
	if faults := len(e.Faults); faults > 0 {
		said += fmt.Sprintf(", which differs from its schema in %d places", faults)
	}
	if e.Outdated {
		said += ", older than one about the same object before it"
	}
	story.add(Step{
		At: e.StoredAt, What: StepBecame, Text: said, EventSequence: e.Sequence, NotificationSequence: e.NotificationSequence,
	})
	if last := s.current[name]; last == nil || e.Sequence > last.Sequence {
		s.current[name] = e
	}
}

// addArrival adds a notification to the stories of its events, or to one of its own.
func (s *assembly) addArrival(a *arrival) {
	arrived := Step{
		At: a.ReceivedAt, What: StepArrived, NotificationSequence: a.Sequence,
		Text: fmt.Sprintf("arrived as notification %d from %s, request %s", a.Sequence, a.RemoteAddress, a.RequestID),
	}
	if a.RetryOf > 0 {
		arrived.Text = fmt.Sprintf("notification %d was sent through again as notification %d", a.RetryOf, a.Sequence)
	}
	placed := false
	for i := range s.found.events {
		e := &s.found.events[i].Event
		if !a.belongsTo(e) {
			continue
		}
		placed = true
		story := s.of(storyOf(e.Source, e.Key))
		story.add(arrived)
		// One before the event is no repetition of it: it belongs to an event of an earlier window.
		if !a.isOriginOf(e) && a.Sequence > e.NotificationSequence {
			story.add(Step{
				At: a.StoredAt, What: StepFolded, NotificationSequence: a.Sequence, EventSequence: e.Sequence,
				Text: fmt.Sprintf("notification %d is the same as event %d and made none", a.Sequence, e.Sequence),
			})
		}
	}
	if placed {
		return
	}
	// Its dead letter says what became of it, so that nothing is to be guessed.
	if _, dead := s.stories[unread(a.Sequence)]; dead {
		s.of(unread(a.Sequence)).add(arrived)
		return
	}
	story := s.of(a.story())
	identity := a.identity()
	story.describe(a.Source, &identity)
	if keys := a.keys(); len(keys) > 0 {
		story.Key = keys[0]
	}
	story.add(arrived)
	s.addWhereabouts(story, a)
}

// addWhereabouts says what is known of a notification of which no event was found.
func (s *assembly) addWhereabouts(story *Story, a *arrival) {
	// The acknowledgement floor of its shard tells what waits from what was taken in and is gone.
	floor := uint64(0)
	if a.Shard < len(s.progress.Intake) {
		floor = s.progress.Intake[a.Shard]
	}
	step := Step{What: StepWaiting, NotificationSequence: a.Sequence, Text: "waits for the intake"}
	if a.Sequence <= floor {
		step.What = StepUnknown
		step.Text = "was taken in; its event is no longer kept, or farther back than this looked"
	}
	story.add(step)
}

// addRetry adds an event that is parked for a group, with the tries that failed. The event itself may be too far back to be found.
func (s *assembly) addRetry(r *notification.Retry) {
	story := s.of(storyOf(r.Source, r.Key))
	if story.Key == "" {
		story.describe(r.Source, &r.Identity)
	}
	story.addTries(r.Group, r.History)
	step := Step{What: StepDue, Group: r.Group, EventSequence: r.Sequence, Text: fmt.Sprintf("group %s: due for its next try", r.Group)}
	if !r.DueAt.IsZero() {
		step.What = StepParked
		step.Text = fmt.Sprintf("group %s: waits for its next try at %s", r.Group, r.DueAt.UTC().Format(time.RFC3339))
	}
	story.add(step)
}

// addTries adds the tries of a group that failed. Retries and dead letters carry all of them.
func (s *Story) addTries(group string, history []notification.Try) {
	for _, try := range history {
		s.add(Step{
			At: try.At, What: StepFailed, Group: group, Attempt: try.Attempt, Error: try.Error,
			Text: fmt.Sprintf("group %s: try %d failed: %s", group, try.Attempt, try.Error),
		})
	}
}

// addLetter adds a dead letter: of a group that gave an event up, or of the intake without one.
func (s *assembly) addLetter(l *notification.DeadLetter) {
	story := s.of(letterStory(l))
	if story.Source == "" {
		story.describe(l.Source, &l.Identity)
	}
	by := ""
	if l.Group != "" {
		by = "group " + l.Group + ": "
		story.addTries(l.Group, l.History)
	}
	story.add(Step{
		At: l.DiedAt, What: StepDeadLetter, Group: l.Group, DeadSequence: l.DeadSequence, EventSequence: l.Sequence,
		NotificationSequence: l.NotificationSequence, Error: l.Error,
		Text: fmt.Sprintf("%sbecame dead letter %d, %s: %s", by, l.DeadSequence, l.Reason, l.Error),
	})
}

// addRejection adds a refused request as a story of its own: nobody has read what it would have become.
func (s *assembly) addRejection(r *notification.Rejection) {
	story := s.of(rejectionStory(r))
	story.Source = r.Source
	said := fmt.Sprintf("%s %s from %s was refused, %s", r.Method, r.Path, r.RemoteAddress, r.Cause)
	if r.Detail != "" {
		said += ": " + r.Detail
	}
	story.add(Step{
		At: r.ReceivedAt, What: StepRefused, RejectionSequence: r.Sequence, Error: r.Cause,
		Text: fmt.Sprintf("%s; it is rejection %d, request %s", said, r.Sequence, r.RequestID),
	})
}
