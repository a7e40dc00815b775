package provider

import (
	"fmt"
	"net/http"
	"strings"
)

// Challenge is the request by which a sender finds out whether somebody listens at a path, and how it is answered. It is no
// notification. The zero value is for senders that ask nothing.
type Challenge struct {
	// Method is GET, which HEAD counts as too, or POST. Nobody signs a GET, so that only the address of one is checked.
	Method string
	// When are the conditions under which a request is a challenge, all together; see CheckCondition. Without any, each
	// request with the method is one.
	When []string
	// Echo is where the text is that the sender wants back, as {echo} or {hmac} in the body of the answer.
	Echo string
	// PasswordAt is where the request has the password that both sides agreed on.
	PasswordAt string
	// Unsigned says that a POST is answered although it does not prove where it comes from.
	Unsigned bool
	// Answer has {echo} and {hmac} in its body, the second being the HMAC of the text in hexadecimal digits. An empty body
	// is {echo}, where there is an Echo.
	Answer Answer
}

// What stands in the answer to a challenge for the text that the sender wants back, and for its HMAC.
const (
	PlaceEcho = "{echo}"
	PlaceHMAC = "{hmac}"
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
