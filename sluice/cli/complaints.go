package cli

import (
	"fmt"
	"strings"

	"sluice.internal/shared/stream"
)

// fullAt is the share of a stream's room, in percent, from which somebody should look at it.
const fullAt = 80

// complaints are the sentences about what needs a person.
func (s *state) complaints() []error {
	complaints := s.idle()
	for _, usage := range s.Streams {
		// The others drop their oldest when they are full; these two refuse what is new.
		if (usage.Name == stream.Notifications || usage.Name == stream.Events) && percent(usage) >= fullAt {
			complaints = append(complaints, fmt.Errorf("stream %s has used %.0f %% of its room and takes nothing more when it is "+
				"full: see why it does not get emptier, or raise streams.%s.max_bytes",
				usage.Name, percent(usage), strings.ToLower(usage.Name)))
		}
	}
	if s.gateway != nil && s.gateway.failure != nil {
		complaints = append(complaints, fmt.Errorf("the gateway at %s takes nothing in: %w", s.gateway.url, s.gateway.failure))
	}
	return complaints
}

// idle are the sentences about backlogs that nobody works on.
func (s *state) idle() []error {
	var complaints []error
	if n := s.Intake.Waiting + s.Intake.UnderWay; n > 0 && s.Intake.Workers == 0 {
		complaints = append(complaints, fmt.Errorf("no worker takes notifications in, and %d are there: start one, with "+
			"`sluice up` or by itself", n))
	}
	for _, group := range s.Groups {
		if n := group.Waiting + group.UnderWay; n > 0 && group.Workers == 0 {
			complaints = append(complaints, fmt.Errorf("group %q has no worker, and there are %d events for it: start one, with "+
				"`sluice up --group %s` or by itself", group.Name, n, group.Name))
		}
	}
	return complaints
}
