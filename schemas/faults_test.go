package schemas_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"sluice.internal/schemas"
)

const missing = "is missing"

func TestFaultsNameEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	const account = `"instanceData":{"idInstance":1,"wid":"","typeInstance":"whatsapp"}`
	const message = `"typeWebhook":"incomingMessageReceived",` + account + `,"idMessage":"A","senderData":{"chatId":"1","sender":"1","senderName":""},"messageData":`
	for name, test := range map[string]struct {
		typ, document string
		faults        []schemas.Fault
	}{
		"a call that is nothing but its type": {
			"incomingCall", `{"typeWebhook":"incomingCall"}`,
			[]schemas.Fault{{"/from", missing}, {"/idMessage", missing}},
		},
		"an empty object": {
			"outgoingMessageStatus", `{}`,
			[]schemas.Fault{{"/idMessage", missing}, {"/instanceData", missing}, {"/typeWebhook", missing}},
		},
		"an empty account and no names": {
			"stateInstanceChanged", `{"typeWebhook":"stateInstanceChanged","stateInstance":"authorized","instanceData":{}}`,
			[]schemas.Fault{{"/instanceData/idInstance", missing}, {"/instanceData/typeInstance", missing}},
		},
		"several wrong types": {
			"stateInstanceChanged", `{"typeWebhook":"stateInstanceChanged","timestamp":"1","stateInstance":["authorized"],"instanceData":{"idInstance":[1],"wid":false,"typeInstance":true}}`,
			[]schemas.Fault{
				{"/instanceData/idInstance", "is an array, must be an integer or a string"},
				{"/instanceData/typeInstance", "is a boolean, must be a string"},
				{"/instanceData/wid", "is a boolean, must be a string, an integer or null"},
				{"/stateInstance", "is an array, must be a string"},
				{"/timestamp", "is a string, must be a number or null"},
			},
		},
		"a broken number where a whole one belongs": {
			"incomingCall", `{"typeWebhook":"incomingCall","from":"1","idMessage":"A","duration":1.5}`,
			[]schemas.Fault{{"/duration", "is a number, must be an integer or null"}},
		},
		"a negative id": {
			"stateInstanceChanged", `{"typeWebhook":"stateInstanceChanged","stateInstance":"","instanceData":{"idInstance":-1,"wid":"","typeInstance":"v3"}}`,
			[]schemas.Fault{{"/instanceData/idInstance", "must be >= 0 but found -1"}},
		},
		"the type of another schema": {
			"incomingCall", `{"typeWebhook":"outgoingCall","from":"1","idMessage":"A",` + account + `}`,
			[]schemas.Fault{{"/typeWebhook", `must be "incomingCall"`}},
		},
		"no object at all": {
			"incomingMessageReceived", `["typeWebhook"]`,
			[]schemas.Fault{{"", "is an array, must be an object"}},
		},
		"null": {"quotaExceeded", `null`, []schemas.Fault{{"", "is null, must be an object"}}},
		"a message without a kind": {
			"incomingMessageReceived", `{` + message + `{"textMessageData":{}}}`,
			[]schemas.Fault{{"/messageData/typeMessage", missing}},
		},
		"a kind of message that is a number": {
			"incomingMessageReceived", `{` + message + `{"typeMessage":7}}`,
			[]schemas.Fault{{"/messageData/typeMessage", "is a number, must be a string"}},
		},
		"a message without its data": {
			"incomingMessageReceived", `{` + message + `{"typeMessage":"textMessage"}}`,
			[]schemas.Fault{{"/messageData/textMessageData", missing}},
		},
		"faults at several depths": {
			"incomingMessageReceived", `{"typeWebhook":"incomingMessageReceived",` + account + `,"senderData":{"chatId":true,"sender":"1"},"messageData":{"typeMessage":"locationMessage","locationMessageData":{"latitude":"1"}}}`,
			[]schemas.Fault{
				{"/idMessage", missing},
				{"/messageData/locationMessageData/latitude", "is a string, must be a number"},
				{"/messageData/locationMessageData/longitude", missing},
				{"/senderData/chatId", "is a boolean, must be a string or an integer"},
			},
		},
		"one of several types": {
			"quotaExceeded", `{"typeWebhook":"quotaExceeded","quotaData":{"method":"m","status":"s","used":true,"total":1},` + account + `}`,
			[]schemas.Fault{{"/quotaData/used", "is a boolean, must be an integer or a string"}},
		},
		"neither of two forms": {
			"deviceInfo", `{"typeWebhook":"deviceInfo",` + account + `}`,
			[]schemas.Fault{{"", "must have deviceData or avatarInfo"}},
		},
		"neither of two forms of several fields": {
			"incomingBlock", `{"typeWebhook":"incomingBlock",` + account + `}`,
			[]schemas.Fault{{"", "must have chatId and chatState, or quotaData"}},
		},
		"half of a form": {
			"incomingBlock", `{"typeWebhook":"incomingBlock","chatId":"1",` + account + `}`,
			[]schemas.Fault{{"", "must have chatState or quotaData"}},
		},
		"a form that is whole but wrong": {
			"incomingBlock", `{"typeWebhook":"incomingBlock","chatId":true,"chatState":false,` + account + `}`,
			[]schemas.Fault{{"/chatId", "is a boolean, must be a string or an integer"}, {"/chatState", "is a boolean, must be a string"}},
		},
		"a form that was begun is the one that was meant": {
			"incomingMessageReceived", `{` + message + `{"typeMessage":"pollMessage","pollMessageData":{"options":{}}}}`,
			[]schemas.Fault{
				{"/messageData/pollMessageData/name", missing},
				{"/messageData/pollMessageData/options", "is an object, must be an array"},
			},
		},
		"neither of four forms": {
			"incomingMessageReceived", `{` + message + `{"typeMessage":"interactiveButtonsReply"}}`,
			[]schemas.Fault{{"/messageData", "must have interactiveButtonsReply, interactiveButtons, templateButtonReplyMessage or templateButtonsReplyMessage"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if faults := validate(t, load(t), test.typ, decode(t, []byte(test.document))); !slices.Equal(faults, test.faults) {
				t.Errorf("faults are %v\nwant %v", faults, test.faults)
			}
		})
	}
}

// Users bring their own schemas, which may say what the built-in ones don't.
func TestFaultsOfOtherSchemas(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		schema, document string
		faults           []schemas.Fault
	}{
		"names are escaped in pointers": {
			`{"required":["a/b"],"properties":{"~ ü%":{"items":{"type":"null"}}}}`, `{"~ ü%":[null,1]}`,
			[]schemas.Fault{{"/a~1b", missing}, {"/~0 ü%/1", "is a number, must be null"}},
		},
		"alternatives that differ in type": {
			`{"properties":{"a":{"anyOf":[{"type":"string"},{"type":["null","string"]},{"type":"array"}]}}}`, `{"a":{}}`,
			[]schemas.Fault{{"/a", "is an object, must be a string, null or an array"}},
		},
		"alternatives without a form": {
			`{"oneOf":[{"minProperties":1,"maxProperties":0},{"minProperties":2}]}`, `{"a":1}`,
			[]schemas.Fault{{"", "maximum 0 properties allowed, but found 1 properties"}},
		},
		"more than one alternative":   {`{"oneOf":[true,true]}`, `1`, []schemas.Fault{{"", "valid against schemas at indexes 0 and 1"}}},
		"a set of values":             {`{"enum":["a",1]}`, `"b"`, []schemas.Fault{{"", `must be "a" or 1`}}},
		"what may not be":             {`{"properties":{"a":false,"b":{"not":{}}}}`, `{"a":1,"b":2}`, []schemas.Fault{{"/a", "not allowed"}, {"/b", "not allowed"}}},
		"a form within a form":        {`{"anyOf":[{"properties":{"a":{"anyOf":[{"required":["b"]},{"required":["c"]}]}},"required":["a"]},{"required":["d"]}]}`, `{"a":{}}`, []schemas.Fault{{"/a", "must have b or c"}}},
		"the same fault twice":        {`{"allOf":[{"required":["a"]},{"required":["a"]}]}`, `{}`, []schemas.Fault{{"/a", missing}}},
		"a list that lacks something": {`{"contains":{"const":1}}`, `[2,3]`, []schemas.Fault{{"", "valid must be >= 1, but got 0"}}},
		"properties named like keywords": {
			`{"properties":{"anyOf":{"type":"object","required":["const"],"properties":{"required":{"type":"string"}}}}}`, `{"anyOf":{"required":1}}`,
			[]schemas.Fault{{"/anyOf/const", missing}, {"/anyOf/required", "is a number, must be a string"}},
		},
		"draft 7":                {`{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}]}`, `[1]`, []schemas.Fault{{"/0", "is a number, must be a string"}}},
		"a field without a name": {`{"properties":{"":{"required":["a"]}}}`, `{"":{},"a":1}`, []schemas.Fault{{"", "is not valid"}}},
		"a schema that refers to itself": {
			`{"properties":{"next":{"$ref":"#"}},"required":["a"]}`, `{"a":1,"next":{"next":{"a":1}}}`,
			[]schemas.Fault{{"/next/a", missing}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := schemas.LoadFS(fstest.MapFS{"acme/order.json": {Data: []byte(test.schema)}})
			if err != nil {
				t.Fatal(err)
			}
			known, faults := set.Validate("acme", "order", decode(t, []byte(test.document)))
			if !known || !slices.Equal(faults, test.faults) {
				t.Errorf("faults are %v\nwant %v", faults, test.faults)
			}
		})
	}
}

func TestAFaultDoesNotQuoteAPicture(t *testing.T) {
	t.Parallel()
	set, err := schemas.LoadFS(fstest.MapFS{"acme/order.json": {Data: []byte(`{"$schema":"http://json-schema.org/draft-07/schema#","format":"ipv4"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	_, faults := set.Validate("acme", "order", strings.Repeat("ü", 100_000))
	if len(faults) != 1 || len(faults[0].Message) > 1000 || !strings.HasSuffix(faults[0].Message, "…") {
		t.Errorf("got %d faults", len(faults))
	}
}

func TestNumbersOutOfRangeAreNamedAndNotCalculated(t *testing.T) {
	t.Parallel()
	set := load(t)
	const out = "is a number out of range"
	for name, test := range map[string]struct {
		fields string
		faults []schemas.Fault
	}{
		"an exponent that would fill the memory":    {`"timestamp":1e1000000000`, []schemas.Fault{{"/timestamp", out}}},
		"one that would need a thousand zeros":      {`"timestamp":1E+1001`, []schemas.Fault{{"/timestamp", out}}},
		"one that is too small":                     {`"timestamp":1e-1001`, []schemas.Fault{{"/timestamp", out}}},
		"an exponent beyond 64 bits":                {`"timestamp":1e99999999999999999999`, []schemas.Fault{{"/timestamp", out}}},
		"too many digits":                           {`"timestamp":1` + strings.Repeat("0", 1000), []schemas.Fault{{"/timestamp", out}}},
		"a field that no schema knows":              {`"a":[{"b/c":[0,1e5000]},2e5000]`, []schemas.Fault{{"/a/0/b~1c/1", out}, {"/a/1", out}}},
		"a thousand digits":                         {`"timestamp":1` + strings.Repeat("0", 999), nil},
		"an exponent of a thousand":                 {`"timestamp":1e1000`, nil},
		"an exponent of minus a thousand":           {`"timestamp":1e-1000`, nil},
		"an exponent that makes a broken one whole": {`"timestamp":1.5e1`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := decode(t, []byte(`{"typeWebhook":"stateInstanceChanged","stateInstance":"","instanceData":{"idInstance":1,"wid":"","typeInstance":""},`+test.fields+`}`))
			if faults := validate(t, set, "stateInstanceChanged", document); !slices.Equal(faults, test.faults) {
				t.Errorf("faults are %v, want %v", faults, test.faults)
			}
		})
	}
	for _, number := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if faults := validate(t, set, "quotaExceeded", number); !slices.Equal(faults, []schemas.Fault{{"", out}}) {
			t.Errorf("%v: %v", number, faults)
		}
	}
}

func TestWhatIsNotJSONIsAFault(t *testing.T) {
	t.Parallel()
	if faults := validate(t, load(t), "incomingCall", map[string]any{"from": struct{}{}}); len(faults) != 1 {
		t.Errorf("faults are %v", faults)
	}
}

func TestFaultsAreWrittenAsOthersReadThem(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(schemas.Fault{Pointer: "/a", Message: missing})
	if want := `{"pointer":"/a","message":"is missing"}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}
