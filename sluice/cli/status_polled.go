package cli

import (
	"fmt"
	"strconv"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/sluice/cli/term"
)

const (
	// pollStateValid is how old what a poller says about itself may be. It says it every 15 s.
	pollStateValid = time.Minute
	// tellAfter is how long GREEN-API may fail to answer before a person should look at it.
	tellAfter = 5 * time.Minute
	// keptAtGreenAPI is how long GREEN-API keeps what nobody asks for.
	keptAtGreenAPI = 24 * time.Hour
)

// isPolled reports whether somebody polls the instance at the moment.
func (s *state) isPolled(polled stream.PollState) bool { return s.At.Sub(polled.At) < pollStateValid }

// pollingTable has a row for each instance that is polled, and is left out where none is.
func (s *state) pollingTable(out *term.Output) error {
	if len(s.polled) == 0 {
		return nil
	}
	_ = out.Line("")
	rows := term.NewTable(out, term.Left("POLLED"), term.Left("SOURCE"), term.Left("STATE"), term.Right("LAST ANSWER"),
		term.Right("LAST NOTIFICATION"), term.Right("AT GREEN-API"), term.Right("PAUSE"))
	for _, polled := range s.polled {
		state, waiting, pause := polled.State, "?", "-"
		if !s.isPolled(polled) {
			state = "not polled"
		}
		if polled.Waiting != nil {
			waiting = strconv.Itoa(*polled.Waiting)
		}
		if polled.Pause > 0 {
			pause = polled.Pause.Round(time.Second).String()
		}
		_ = rows.Add(polled.Instance, polled.Source, state, age(polled.AnsweredAt, s.At), age(polled.ReceivedAt, s.At), waiting, pause)
	}
	return rows.End()
}

// pollingDocument is a polled instance for programs.
type pollingDocument struct {
	Kind         string    `json:"kind"`
	Instance     string    `json:"instance"`
	Source       string    `json:"source"`
	State        string    `json:"state"`
	Error        string    `json:"error,omitempty"`
	Polled       bool      `json:"polled"`
	Since        time.Time `json:"since"`
	AnsweredAt   time.Time `json:"answered_at,omitzero"`
	ReceivedAt   time.Time `json:"received_at,omitzero"`
	Waiting      *int      `json:"waiting,omitempty"`
	PauseSeconds float64   `json:"pause_seconds"`
}

func (s *state) pollingDocuments(out *term.Output) {
	for _, polled := range s.polled {
		_ = out.Object(pollingDocument{ // An error comes again with the last line.
			Kind: "polled", Instance: polled.Instance, Source: polled.Source, State: polled.State, Error: polled.Error,
			Polled: s.isPolled(polled), Since: polled.Since.UTC(), AnsweredAt: polled.AnsweredAt.UTC(), ReceivedAt: polled.ReceivedAt.UTC(),
			Waiting: polled.Waiting, PauseSeconds: rounded(polled.Pause.Seconds()),
		})
	}
}

// pollingProblems are the sentences about instances whose notifications do not come.
func (s *state) pollingProblems() []error {
	var problems []error
	for _, polled := range s.polled {
		todo := map[string]string{
			stream.PollRefused:    "see whether token_file and api_url are this instance's",
			stream.PollWebhookSet: "take the webhookUrl away with `sluice green-api settings " + polled.Instance + " --poll`",
			stream.PollStuck:      "see what GREEN-API hands out with `sluice rejections`",
			stream.PollNoCapacity: "see why nothing can be stored",
		}[polled.State]
		lasts := s.At.Sub(polled.Since)
		switch {
		case s.At.Sub(polled.At) >= keptAtGreenAPI:
			// It was given up, or what there was is lost.
		case !s.isPolled(polled):
			problems = append(problems, fmt.Errorf("nobody polls instance %s since %s: start a poller that has it, with `sluice up` or by "+
				"itself", polled.Instance, term.Time(polled.At)))
		case todo != "":
			problems = append(problems, fmt.Errorf("GREEN-API hands out nothing for instance %s (%s): %s: %s",
				polled.Instance, polled.State, polled.Error, todo))
		case polled.State != stream.PollReceiving && lasts >= tellAfter:
			problems = append(problems, fmt.Errorf("GREEN-API hands out nothing for instance %s (%s) since %s: %s",
				polled.Instance, polled.State, term.Time(polled.Since), polled.Error))
		}
	}
	return problems
}
