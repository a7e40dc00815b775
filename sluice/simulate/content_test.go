package simulate_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/sluice/ledger"
	"sluice.internal/sluice/simulate"
)

const greenAPI = "green-api"

func load(t *testing.T) *schemas.Set {
	t.Helper()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// at follows names into a document; what is not there is empty.
func at(document map[string]any, names ...string) string {
	var value any = document
	for _, name := range names {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// thousands of notifications of every messenger.
func thousands(t *testing.T, settings simulate.Settings) (*receiver, []ledger.Entry) {
	t.Helper()
	settings.Instances = 8
	if settings.Count == 0 {
		settings.Count = 1500
	}
	if settings.Seed == 0 {
		settings.Seed = 20261123
	}
	to := &receiver{}
	_, entries := run(t, settings, to)
	return to, entries
}

func TestEveryBodyPassesItsSchemaAndEveryTypeIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := load(t)
		to, _ := thousands(t, simulate.Settings{})
		types, messages, messengers := map[string]int{}, map[string]int{}, map[string]int{}
		for _, r := range to.requests {
			document := r.document(t)
			typ := at(document, "typeWebhook")
			if known, faults := set.Validate(greenAPI, typ, document); !known || len(faults) > 0 {
				t.Fatalf("known %v, faults %v: %s", known, faults, r.body)
			}
			types[typ]++
			messages[at(document, "messageData", "typeMessage")]++
			messengers[at(document, "instanceData", "typeInstance")]++
		}
		for _, typ := range set.Types(greenAPI) {
			if types[typ] == 0 {
				t.Errorf("no %s among %v", typ, types)
			}
		}
		for _, kind := range messageKinds(t) {
			if messages[kind] == 0 {
				t.Errorf("no %s among %v", kind, messages)
			}
		}
		if len(messengers) != 3 {
			t.Errorf("messengers %v", messengers)
		}
	})
}

// messageKinds are those that the schemas know.
func messageKinds(t *testing.T) (kinds []string) {
	t.Helper()
	file, err := schemas.BuiltIn().Open("green-api/common/message-data.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var schema struct {
		AllOf []struct {
			If struct {
				Properties struct{ TypeMessage struct{ Const string } }
			}
		}
	}
	if err := json.NewDecoder(file).Decode(&schema); err != nil {
		t.Fatal(err)
	}
	for _, rule := range schema.AllOf {
		kinds = append(kinds, rule.If.Properties.TypeMessage.Const)
	}
	if len(kinds) < 20 || slices.Contains(kinds, "") {
		t.Fatalf("read %q", kinds)
	}
	return kinds
}

// story is what a receiver knows of chats and calls so far.
type story struct {
	sent     map[string]string // typeWebhook by instance, chat and id
	unread   map[string]bool   // messages that came as {{SWE001}}
	courses  map[string]string // all statuses of a message or call, in order
	referred map[string]int    // how often a kind of message was about another one
}

// add goes on with a notification. What does not fit is the error.
func (s *story) add(d map[string]any) error {
	typ, id := at(d, "typeWebhook"), at(d, "idMessage")
	place := at(d, "instanceData", "idInstance") + " " + at(d, "senderData", "chatId") + at(d, "chatId") + at(d, "from") + " "
	switch {
	case strings.HasSuffix(typ, "MessageReceived"):
		return s.addMessage(d, typ, place, id)
	case typ == "outgoingMessageStatus":
		sent := s.sent[place+id]
		if !strings.HasPrefix(sent, "outgoing") || at(d, "sendByApi") != fmt.Sprint(sent == "outgoingAPIMessageReceived") {
			return fmt.Errorf("is the status of %q", sent)
		}
		s.courses[place+id] += " " + at(d, "status")
	case strings.HasSuffix(typ, "Call"):
		s.courses[typ+place+id] += " " + at(d, "status")
	}
	return nil
}

func (s *story) addMessage(d map[string]any, typ, place, id string) error {
	kind := at(d, "messageData", "typeMessage")
	for _, part := range []string{
		"quotedMessage", "editedMessageData", "deletedMessageData", "pollMessageData", "buttonsResponseMessage",
		"listResponseMessage", "templateButtonReplyMessage",
	} {
		to := at(d, "messageData", part, "stanzaId")
		if to != "" && s.sent[place+to] == "" {
			return errors.New("is about a message that was not in the chat")
		}
		if to != "" {
			s.referred[kind]++
		}
	}
	if at(d, "messageData", "textMessageData", "textMessage") == "{{SWE001}}" {
		s.unread[place+id] = true
	} else if s.unread[place+id] {
		s.referred["late text"]++
	}
	s.sent[place+id] = typ
	return nil
}

func TestWhatIsReferredToWasThereBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to, _ := thousands(t, simulate.Settings{})
		s := &story{sent: map[string]string{}, unread: map[string]bool{}, courses: map[string]string{}, referred: map[string]int{}}
		for _, r := range to.requests {
			if err := s.add(r.document(t)); err != nil {
				t.Fatalf("%s %v", r.body, err)
			}
		}
		for _, kind := range []string{
			"quotedMessage", "reactionMessage", "editedMessage", "deletedMessage", "pollUpdateMessage", "buttonsResponseMessage",
			"listResponseMessage", "templateButtonReplyMessage", "late text",
		} {
			if s.referred[kind] == 0 {
				t.Errorf("none is a %s: %v", kind, s.referred)
			}
		}
		right := regexp.MustCompile(`^( sent)?( delivered)?( read)?$|^ (failed|noAccount|notInGroup)$|` +
			`^ offer( pickUp)?( hangUp)?$|^ offer declined$|^ pickUp( hungUp)?$|^ (hungUp|invalid)$`)
		all := map[string]int{}
		for of, course := range s.courses {
			if all[course]++; !right.MatchString(course) {
				t.Errorf("%s went%s", of, course)
			}
		}
		for _, course := range []string{" sent delivered read", " delivered read", " failed", " noAccount", " offer pickUp hangUp", " pickUp hungUp"} {
			if all[course] == 0 {
				t.Errorf("none went%s: %v", course, all)
			}
		}
	})
}

func TestNoTwoNotificationsAreTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// As fast as this, much happens within one second.
		to, _ := thousands(t, simulate.Settings{Count: 1000, Speed: 1000, Unknown: 0.01})
		provider, known := source.Providers()[greenAPI]
		if !known {
			t.Fatal("there is no provider green-api")
		}
		keys := map[string]string{}
		for _, r := range to.requests {
			document, fault := notification.Parse([]byte(r.body))
			if fault != nil {
				t.Fatal(fault)
			}
			key := provider.Identify(&notification.Notification{Origin: notification.Origin{Source: greenAPI}}, document).Key
			if other, taken := keys[key]; taken {
				t.Errorf("one key:\n%s\n%s", other, r.body)
			}
			keys[key] = r.body
		}
	})
}

func TestSameSeedSendsTheSameButForTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const seed, count = 42, 300
		quick, _ := thousands(t, simulate.Settings{Seed: seed, Count: count})
		slow := &receiver{}
		slow.answer = refusingSome
		run(t, simulate.Settings{Seed: seed, Instances: 8, Count: count, Rate: 300, Duplicates: 0.01}, slow)
		other, _ := thousands(t, simulate.Settings{Seed: seed + 1, Count: count})
		first, second, third := sequences(t, quick), sequences(t, slow), sequences(t, other)
		if len(first) != 8 {
			t.Fatalf("%d instances", len(first))
		}
		for instance, bodies := range first {
			if !slices.Equal(bodies, second[instance]) {
				t.Errorf("instance %s sent something else with the same seed", instance)
			}
			if slices.Equal(bodies, third[instance]) {
				t.Errorf("instance %s sent the same with another seed", instance)
			}
		}
	})
}

var timestamps = regexp.MustCompile(`"timestamp":\d+`)

// sequences are the different bodies of each instance in their order, without times.
func sequences(t *testing.T, to *receiver) map[string][]string {
	t.Helper()
	of := map[string][]string{}
	for _, r := range to.requests {
		instance := at(r.document(t), "instanceData", "idInstance")
		body := timestamps.ReplaceAllString(r.body, `"timestamp":0`)
		if bodies := of[instance]; len(bodies) == 0 || bodies[len(bodies)-1] != body {
			of[instance] = append(bodies, body)
		}
	}
	return of
}

func TestFaultsAreMadeAndMarked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := load(t)
		to, entries := thousands(t, simulate.Settings{Count: 500, Duplicates: 0.05, Unknown: 0.05, Invalid: 0.05})
		faults, sent, bodies := map[string]int{}, map[string]int{}, map[string]string{}
		for _, r := range to.requests {
			bodies[fmt.Sprintf("%x", sha256.Sum256([]byte(r.body)))] = r.body
		}
		for _, entry := range entries {
			body, found := bodies[entry.BodySHA256]
			faults[entry.Fault]++
			if sent[entry.BodySHA256]++; !found || entry.Bytes != len(body) {
				t.Fatalf("never sent: %+v", entry)
			}
			if count := sent[entry.BodySHA256]; (entry.Fault == ledger.FaultDuplicate) != (count == 2) || entry.Attempt != count {
				t.Errorf("sent %d times: %+v", count, entry)
			}
			valid, known := validate(set, body)
			if valid == (entry.Fault == ledger.FaultInvalid) || known == (entry.Fault == ledger.FaultUnknown) {
				t.Errorf("valid %v, known %v: %+v %s", valid, known, entry, body)
			}
		}
		for _, fault := range []string{ledger.FaultDuplicate, ledger.FaultUnknown, ledger.FaultInvalid} {
			if faults[fault] < 150 || faults[fault] > 250 {
				t.Errorf("faults %v", faults)
			}
		}
	})
}

// validate returns what intake makes of a body. What can't be read has no type either.
func validate(set *schemas.Set, body string) (valid, known bool) {
	document, fault := notification.Parse([]byte(body))
	if fault != nil || document.String("typeWebhook") == "" {
		return false, true
	}
	known, faults := set.Validate(greenAPI, document.String("typeWebhook"), document.Root())
	return len(faults) == 0, known
}

func refusingSome(_ context.Context, number int) (*http.Response, error) {
	if number%100 == 99 {
		return respond(http.StatusServiceUnavailable, ""), nil
	}
	return respond(http.StatusOK, ""), nil
}
