package find

import (
	"fmt"

	"sluice.internal/shared/notification"
)

// addOperation adds what somebody did to the notification, event, dead letter or rejection of a story.
func (s *assembly) addOperation(o *notification.Operation) {
	for _, story := range s.stories {
		if !story.isAbout(o) {
			continue
		}
		by := o.By
		if by == "" {
			by = "somebody"
		}
		step := Step{
			At: o.At, What: StepOperation, Group: o.Group, NotificationSequence: o.NotificationSequence, EventSequence: o.EventSequence,
			DeadSequence: o.DeadSequence, RejectionSequence: o.RejectionSequence,
		}
		switch o.What {
		case notification.OperationDropDeadLetter:
			step.What, step.Text = StepDropped, fmt.Sprintf("dead letter %d was given up by %s", o.DeadSequence, by)
		case notification.OperationRetryDeadLetter:
			step.Text = fmt.Sprintf("dead letter %d was sent through again by %s", o.DeadSequence, by)
		case notification.OperationAcceptRejection:
			step.Text = fmt.Sprintf("rejection %d was accepted by %s", o.RejectionSequence, by)
		default:
			step.Text = fmt.Sprintf("%s by %s", o.What, by)
		}
		story.add(step)
	}
}

// isAbout reports whether an operation names something in the story.
func (s *Story) isAbout(o *notification.Operation) bool {
	if o.Key != "" && o.Key == s.Key {
		return true
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		same := func(a, b uint64) bool { return a != 0 && a == b }
		if same(o.DeadSequence, step.DeadSequence) || same(o.RejectionSequence, step.RejectionSequence) ||
			same(o.EventSequence, step.EventSequence) || o.EventSequence == 0 && same(o.NotificationSequence, step.NotificationSequence) {
			return true
		}
	}
	return false
}

// addHandling adds how far each group is with the newest event of a story. A group that has let go of an event which is
// neither parked nor dead has handled it. When it did is written nowhere: handling writes nothing for an event.
func (s *assembly) addHandling() {
	for name, e := range s.current {
		story := s.stories[name]
		for i := range s.progress.Groups {
			group := &s.progress.Groups[i]
			switch {
			case story.isElsewhere(group.Name):
			case e.Lane >= 0 && e.Lane < len(group.Floors) && e.Sequence <= group.Floors[e.Lane]:
				story.add(Step{
					What: StepHandled, Group: group.Name, EventSequence: e.Sequence,
					Text: fmt.Sprintf("group %s: handled", group.Name),
				})
			default:
				story.add(Step{
					What: StepWaiting, Group: group.Name, EventSequence: e.Sequence,
					Text: fmt.Sprintf("group %s: not handled yet", group.Name),
				})
			}
		}
	}
}

// isElsewhere reports whether the last that is known of a group's event is that it is parked, due, dead or given up. A dead
// letter that was sent through again or given up is gone, and its record is left.
func (s *Story) isElsewhere(group string) bool {
	var last *Step
	for i := range s.Steps {
		step := &s.Steps[i]
		if step.Group != group {
			continue
		}
		switch step.What {
		case StepParked, StepDue, StepDeadLetter:
			return true
		case StepDropped, StepOperation:
			if last == nil || step.At.After(last.At) {
				last = step
			}
		}
	}
	return last != nil && last.What == StepDropped
}
