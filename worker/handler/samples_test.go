package handler_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestEverySampleIsHandledAndLoggedOnce(t *testing.T) {
	t.Parallel()
	for _, sample := range samples(t) {
		t.Run(sample.name, func(t *testing.T) {
			t.Parallel()
			line := handle(t, event(sample.kind, sample.body)).onlyLine(t)
			if line["level"] != "INFO" && line["level"] != "WARN" {
				t.Errorf("level is %v", line["level"])
			}
			line.want(t, map[string]any{
				"source":      "shop",
				"type":        sample.kind,
				"instance":    "1101000001",
				"key":         "key-1",
				"received_at": "2026-03-01T12:00:00.123456789Z",
				"attempt":     1.0,
			})
		})
	}
}

func TestEveryTypeHasASample(t *testing.T) {
	t.Parallel()
	var sampled []string
	for _, sample := range samples(t) {
		sampled = append(sampled, sample.kind)
	}
	slices.Sort(sampled)
	if types := greenAPITypes(); !slices.Equal(slices.Compact(sampled), types) {
		t.Errorf("samples of %v, handlers of %v", slices.Compact(sampled), types)
	}
}

func TestEveryMessageIsLoggedWithItsIdAndChat(t *testing.T) {
	t.Parallel()
	for _, sample := range samples(t) {
		if !strings.HasSuffix(sample.kind, "MessageReceived") {
			continue
		}
		t.Run(sample.name, func(t *testing.T) {
			t.Parallel()
			var body struct {
				IDMessage   string
				SenderData  struct{ ChatID string }
				MessageData struct{ TypeMessage string }
			}
			if err := json.Unmarshal([]byte(sample.body), &body); err != nil {
				t.Fatal(err)
			}
			handle(t, event(sample.kind, sample.body)).onlyLine(t).want(t, map[string]any{
				"message_id":   body.IDMessage,
				"chat_id":      body.SenderData.ChatID,
				"message_type": body.MessageData.TypeMessage,
				"file":         strings.Contains(sample.body, `"fileMessageData"`),
			})
		})
	}
}

// The samples' own texts are searched where they are long enough not to be part of something else by accident; and
// every text is replaced by one that can't be.
func TestWhatPeopleWriteIsNeverLogged(t *testing.T) {
	t.Parallel()
	for _, sample := range samples(t) {
		t.Run(sample.name, func(t *testing.T) {
			t.Parallel()
			log := handle(t, event(sample.kind, sample.body)).log.String()
			marked, texts := markTexts(t, sample.body)
			for _, text := range texts {
				if len(text) > 8 && !strings.HasPrefix(text, "{{SWE") && strings.Contains(log, text) {
					t.Errorf("the log has the text %q:\n%s", text, log)
				}
			}
			if log := handle(t, event(sample.kind, marked)).log.String(); strings.Contains(log, "secret") {
				t.Errorf("the log has a text of\n%s\n%s", marked, log)
			}
		})
	}
}

// markTexts replaces all that people wrote, in a body, and returns what it was.
func markTexts(t *testing.T, body string) (marked string, texts []string) {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"senderData", "messageData"} {
		if document[part] != nil {
			document[part] = markText("", document[part], &texts)
		}
	}
	out, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), texts
}

func markText(key string, value any, texts *[]string) any {
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			value[key] = markText(key, item, texts)
		}
	case []any:
		for i, item := range value {
			value[i] = markText(key, item, texts)
		}
	case string:
		if slices.Contains([]string{"typeMessage", "stanzaId", "chatId", "sender", "participant", "optionVoters"}, key) {
			return value
		}
		*texts = append(*texts, value)
		return fmt.Sprintf("secret-%d", len(*texts))
	}
	return value
}
