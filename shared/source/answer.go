package source

import (
	"cmp"
	"errors"
	"net/http"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
)

// Answer is what a sender wants to read once its notification is stored, where that is not Sluice's receipt.
type Answer struct {
	// When are the conditions under which it is given, all together; none means always.
	When []string
	// Status is the status code, 200 when it is 0.
	Status int
	// ContentType is that of the body; plain text when it is empty.
	ContentType string
	// Body is sent as it is. An empty one has no content type.
	Body string
}

// Reply is an answer as it goes to the sender.
type Reply struct {
	Status            int
	ContentType, Body string
}

const plainText = "text/plain; charset=utf-8"

func (a Answer) reply() Reply {
	return Reply{Status: cmp.Or(a.Status, http.StatusOK), ContentType: cmp.Or(a.ContentType, plainText), Body: a.Body}
}

// Answered returns what the sender of a stored notification wants to read; ok is false where that is the receipt.
func (c *Configured) Answered(r *proof.Request) (reply Reply, ok bool) {
	for _, answer := range c.Answers {
		if allHold(answer.When, r) {
			return answer.reply(), true
		}
	}
	return Reply{}, false
}

// answersFor returns the provider's answers, or the one that the source has instead.
func (p Provider) answersFor(written config.Source) []Answer {
	if written.Answer == (config.Answer{}) {
		return p.Answers
	}
	return []Answer{{Status: written.Answer.Status, ContentType: written.Answer.ContentType, Body: written.Answer.Body}}
}

// checkAnswer returns what is wrong with a source's answer.
func checkAnswer(answer config.Answer) error {
	if answer.Body == "" && answer.ContentType != "" {
		return errors.New("has a content type and no body")
	}
	if answer.Body != "" && (answer.Status == http.StatusNoContent || answer.Status == http.StatusResetContent) {
		return errors.New("has a body, which an answer with this status can't have")
	}
	return nil
}
