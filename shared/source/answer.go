package source

import (
	"cmp"
	"errors"
	"net/http"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Reply is an answer as it goes to the sender.
type Reply struct {
	Status            int
	ContentType, Body string
}

const plainText = "text/plain; charset=utf-8"

func replyOf(a Answer) Reply {
	return Reply{Status: cmp.Or(a.Status, http.StatusOK), ContentType: cmp.Or(a.ContentType, plainText), Body: a.Body}
}

// Answered returns what the sender of a stored notification wants to read; ok is false where that is the receipt.
func (c *Configured) Answered(r *proof.Request) (reply Reply, ok bool) {
	for _, answer := range c.Answers {
		if mapping.Hold(answer.When, r) {
			return replyOf(answer), true
		}
	}
	return Reply{}, false
}

// answersFor returns the provider's answers, or the one that the source has instead.
func answersFor(p Provider, written config.Source) []Answer {
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
