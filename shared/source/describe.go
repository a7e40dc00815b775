package source

import (
	"fmt"
	"net/http"
	"strings"

	"sluice.internal/shared/proof"
)

// About says in words what a provider's own code reads from notifications, where no Mapping says it. Names and places are
// between backticks.
type About struct {
	// Type, ID, Order and SentAt are where these are; "" for what there is not.
	Type, ID, Order, SentAt string
	// Window is for how long those with the same ID are the same, where that is less than keys are remembered.
	Window string
	// Leaves is what a request leaves open although it is verified, where that is more than its kind of proof leaves.
	Leaves string
}

// Description is a provider in words, as a row of a table. Names and places are between backticks.
type Description struct {
	Name string `json:"name"`
	// Proof is how requests prove where they come from, Leaves what nobody can verify of them.
	Proof  string `json:"proof"`
	Leaves string `json:"leaves"`
	// Type, ID, Order and SentAt are where a notification has these.
	Type   string `json:"type"`
	ID     string `json:"id"`
	Order  string `json:"order"`
	SentAt string `json:"sent_at"`
	// Window is for how long two with the same ID are one.
	Window string `json:"window"`
	// BodyLimit is in bytes.
	BodyLimit int64 `json:"body_limit"`
	// Challenge is how the provider asks whether somebody listens, Answer what it reads once a notification is stored.
	Challenge string `json:"challenge"`
	Answer    string `json:"answer"`
}

// Describe describes the provider.
func (p Provider) Describe() Description {
	made := proof.Describe(p.Proof)
	about := p.About
	if about.Type == "" {
		about = p.Read.about()
		about.Leaves = p.About.Leaves
	}
	return Description{
		Name: p.Name, Proof: made.Proof, Leaves: firstOf(about.Leaves, made.Leaves),
		Type: about.Type, ID: about.ID, Order: about.Order, SentAt: about.SentAt, Window: firstOf(about.Window, "48h"),
		BodyLimit: p.bodyLimit(), Challenge: p.Challenge.describe(), Answer: describeAnswers(p.Answers),
	}
}

// about says what a mapping does.
func (m Mapping) about() About {
	about := About{Type: describePlaces(m.Type), Order: describePlaces(m.Order), SentAt: describePlaces(m.SentAt)}
	var ids []string
	for _, id := range m.ID {
		ids = append(ids, describePlaces(id))
	}
	switch about.ID = strings.Join(ids, " and "); {
	case m.EachOwn:
		about.ID, about.Window = "each request is its own", "none"
	case about.ID == "":
		about.ID, about.Window = "the body", "1m"
	}
	return about
}

// maxPlaces is up to how many places are named that take each other's place.
const maxPlaces = 3

// describePlaces names several places of which the first counts that leads to something; of many, the first one.
func describePlaces(places string) string {
	var texts []string
	for place := range alternatives(places) {
		if text, isConstant := strings.CutPrefix(place, placeConstant); isConstant {
			place = text
		}
		if place != "" {
			texts = append(texts, "`"+place+"`")
		}
	}
	if len(texts) > maxPlaces {
		return fmt.Sprintf("%s, else one of %d others", texts[0], len(texts)-1)
	}
	return strings.Join(texts, ", else ")
}

func (c Challenge) describe() string {
	if c.Method == "" {
		return ""
	}
	text := c.Method
	if len(c.When) > 0 {
		text += fmt.Sprintf(" with `%s`", strings.Join(c.When, "`, `"))
	}
	if c.Unsigned {
		text += ", signed or not"
	}
	if c.PasswordAt != "" {
		text += fmt.Sprintf(", with the password at `%s`", c.PasswordAt)
	}
	switch {
	case c.Echo != "":
		return text + fmt.Sprintf(": %s with what is at `%s`", c.Answer.describe(), c.Echo)
	case c.Answer.Body == "":
		return text + ": `challenge.answer`"
	default:
		return text + ": " + c.Answer.describe()
	}
}

func describeAnswers(answers []Answer) string {
	var texts []string
	for _, answer := range answers {
		text := answer.describe()
		if len(answer.When) > 0 {
			text += fmt.Sprintf(" to `%s`", strings.Join(answer.When, "`, `"))
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func (a Answer) describe() string {
	text := "an empty body"
	if a.Body != "" {
		text = fmt.Sprintf("`%s`", a.Body)
	}
	if a.Status != 0 && a.Status != http.StatusOK {
		return fmt.Sprintf("%d, %s", a.Status, text)
	}
	return text
}
