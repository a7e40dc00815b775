package provider

import (
	"strings"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
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
		about = aboutMapping(p.Read)
		about.Leaves = p.About.Leaves
	}
	return Description{
		Name: p.Name, Proof: made.Proof, Leaves: firstOf(about.Leaves, made.Leaves),
		Type: about.Type, ID: about.ID, Order: about.Order, SentAt: about.SentAt, Window: firstOf(about.Window, "48h"),
		BodyLimit: p.DefaultBodyLimit(), Challenge: p.Challenge.describe(), Answer: describeAnswers(p.Answers),
	}
}

// aboutMapping says what a mapping does.
func aboutMapping(m mapping.Mapping) About {
	about := About{Type: mapping.DescribePlaces(m.Type), Order: mapping.DescribePlaces(m.Order), SentAt: mapping.DescribePlaces(m.SentAt)}
	var ids []string
	for _, id := range m.ID {
		ids = append(ids, mapping.DescribePlaces(id))
	}
	switch about.ID = strings.Join(ids, " and "); {
	case m.EachOwn:
		about.ID, about.Window = "each request is its own", "none"
	case about.ID == "":
		about.ID, about.Window = "the body", "1m"
	}
	return about
}
