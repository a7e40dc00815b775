package handler_test

import (
	"encoding/json"
	"testing"

	"sluice.internal/worker/handler"
)

func TestTextTakesStringsAndNumbersAndNothingElse(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]handler.Text{
		`{"a":"text"}`:                 "text",
		`{"a":"\u0416\"\n"}`:           "Ж\"\n",
		`{"a":115297976845823798}`:     "115297976845823798",
		`{"a":-1001234567890}`:         "-1001234567890",
		`{"a":1e3}`:                    "1e3",
		`{"a":null}`:                   "",
		`{"a":true}`:                   "",
		`{"a":{"b":1}}`:                "",
		`{"a":[1]}`:                    "",
		`{}`:                           "",
		`{"a":"first","a":{}}`:         "",
		`{"a":{},"a":"last"}`:          "last",
		`{"a":"\ud800 is no rune"}`:    "\uFFFD is no rune",
		`{ "a" :  "space around it" }`: "space around it",
	} {
		var got struct {
			A handler.Text `json:"a"`
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.A != want {
			t.Errorf("%s: %q, error %v; want %q", body, got.A, err, want)
		}
	}
}

func TestLooseTakesWhatFitsAndIsZeroOtherwise(t *testing.T) {
	t.Parallel()
	type part struct {
		N int `json:"n"`
	}
	for body, want := range map[string]handler.Loose[part]{
		`{"a":{"n":7}}`:            {Value: part{7}, OK: true},
		`{"a":{}}`:                 {OK: true},
		`{"a":{"n":"7"}}`:          {},
		`{"a":null}`:               {},
		`{"a":7}`:                  {},
		`{}`:                       {},
		`{"a":{"n":7},"a":"text"}`: {},
	} {
		var got struct {
			A handler.Loose[part] `json:"a"`
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.A != want {
			t.Errorf("%s: %+v, error %v; want %+v", body, got.A, err, want)
		}
	}
}
