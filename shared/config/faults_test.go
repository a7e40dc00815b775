package config_test

import (
	"errors"
	"strings"
	"testing"

	"sluice.internal/shared/config"
)

func TestEveryFaultIsToldAtOnceWithItsPlaceAndInItsOrder(t *testing.T) {
	t.Parallel()
	const yaml = `gateway:
  body_limit: 8 apples
  listen: 8080
sources:
  green-api:
    tokns: [abc]
    token: ` + token + `
    allow: [10.0.0.300]
streams:
  lanes: 1000
`
	_, got := load(t, yaml, config.Options{
		Environ:   []string{"SLUICE_WORKER_INTAKE=perhaps", "SLUICE_GATWAY_LISTEN=:1", "SLUICE_HOME=/"},
		Flags:     map[string]string{"gateway.idle_timeout": "soon", "nats.password": "hunter2hunter2"},
		FlagNames: map[string]string{"gateway.idle_timeout": "--gateway-idle-timeout"},
	})
	want := `sluice.yaml:2: gateway.body_limit: "8 apples" is not a size; write for example 8MiB
sluice.yaml:3: gateway.listen: "8080" is not an address to listen on; write for example :8080 or 127.0.0.1:8080
sluice.yaml:6: sources.green-api.tokns: unknown key; did you mean "tokens"?
sluice.yaml:8: sources.green-api.allow: "10.0.0.300" is neither an address nor a CIDR; write for example 192.0.2.7 or 192.0.2.0/24, or a list: green-api
sluice.yaml:10: streams.lanes: 1000 is more than the maximum, 512
SLUICE_GATWAY_LISTEN: unknown variable; did you mean SLUICE_GATEWAY_LISTEN?
SLUICE_HOME: unknown variable
SLUICE_WORKER_INTAKE: "perhaps" is neither true nor false
--gateway-idle-timeout: "soon" is not a duration; write for example 30s, 15m or 24h
--nats.password: a secret in a flag can be read by everybody on the machine; set SLUICE_NATS_PASSWORD or a file`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheErrorOfLoadIsFaults(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Options{Environ: []string{"SLUICE_LOG_LEVEL=loud"}, WithoutTokens: true})
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Place != "SLUICE_LOG_LEVEL" {
		t.Errorf("got %#v", err)
	}
}

// with is a source that has all it needs, so that a test can be about something else.
const with = "sources: {green-api: {token: " + token + "}}\n"

func TestWhatIsWrongInTheFileIsToldWithItsLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ yaml, want string }{
		"an unknown section":             {with + "gatway: {}\n", `sluice.yaml:2: gatway: unknown key; did you mean "gateway"?`},
		"an unknown key like no other":   {with + "log: {colour: red}\n", `sluice.yaml:2: log.colour: unknown key; known are level, format, personal`},
		"a dotted key":                   {with + "log.level: info\n", `sluice.yaml:2: log.level: unknown key; known are log, nats, admin, memory_limit, gateway, sources, receiver, bots, schemas_dir, worker, handlers, settings, streams`},
		"a key that is set twice":        {with + "log:\n  level: info\n  level: warn\n", `sluice.yaml:4: log.level: is set already on line 3`},
		"a section that is set twice":    {with + "log: {}\nlog: {}\n", `sluice.yaml:3: log: is set already on line 2`},
		"a list as the document":         {"- log\n", `sluice.yaml:1: must be a mapping of keys to values`},
		"a text as the document":         {"log", `sluice.yaml:1: must be a mapping of keys to values`},
		"two documents":                  {with + "---\nlog: {}\n", `sluice.yaml:2: a second document starts here; write everything in one`},
		"a fault in a second document":   {with + "---\nlog: [\n", `sluice.yaml:3: did not find expected node content`},
		"a text for a section":           {with + "log: info\n", `sluice.yaml:2: log: must be a mapping of keys to values`},
		"a section for a text":           {with + "log: {level: {a: b}}\n", `sluice.yaml:2: log.level: must be a single value`},
		"a list for a text":              {with + "log: {level: [info]}\n", `sluice.yaml:2: log.level: must be a single value`},
		"a text for a list":              {with + "worker: {types: a}\n", `sluice.yaml:2: worker.types: must be a list, also for a single value: [value]`},
		"a list in a list":               {with + "worker:\n  types:\n  - a\n  - [b]\n", `sluice.yaml:5: worker.types: must be a single value`},
		"an empty text for a number":     {with + "streams: {lanes: ''}\n", `sluice.yaml:2: streams.lanes: "" is not a whole number`},
		"a list as a key":                {with + "[a]: b\n", `sluice.yaml:2: a key must be text`},
		"a merge key":                    {with + "log: &log\n  <<: *log\n", `sluice.yaml:3: log.<<: merge keys are not read; write the keys out`},
		"a tag":                          {with + "log:\n  level: !env LEVEL\n", `sluice.yaml:3: log.level: tags are not read; put a value that starts with ! in quotes`},
		"an alias of nothing":            {with + "nats:\n  password: *hunter2\n", `sluice.yaml:3: no such anchor; put a value that starts with * in quotes`},
		"an alias that holds itself":     {"sources:\n  green-api:\n    tokens: &a [" + token + ", *a]\n", `sluice.yaml:3: sources.green-api.tokens: must be a single value`},
		"a tab":                          {"log:\n\tlevel: info\n", `sluice.yaml:2: found character that cannot start any token; line 2 is indented with a tab, where YAML wants spaces`},
		"a bracket that is not closed":   {"log: {}\nworker:\n  types: [a\nlog: 1\n", `sluice.yaml:3: did not find expected ',' or ']'`},
		"a key that is out of line":      {"a:\n  b: 1\n c: 2\n", `sluice.yaml:3: did not find expected key`},
		"a bracket as the last thing":    {"log: {level: info", `sluice.yaml:1: did not find expected ',' or '}'`},
		"a key in a value":               {"log:\n  level: a: b\n", `sluice.yaml:2: mapping values are not allowed in this context`},
		"a fault in the first character": {"@", `sluice.yaml:1: found character that cannot start any token`},
		"a file that is not text":        {"\x00\x01", `sluice.yaml: control characters are not allowed`},

		"a level that is none":           {with + "log: {level: loud}\n", `sluice.yaml:2: log.level: "loud" is not one of debug, info, warn, error`},
		"a header that is not known":     {with + "gateway: {forwarded_header: X-Real-IP}\n", `sluice.yaml:2: gateway.forwarded_header: "X-Real-IP" is not one of X-Forwarded-For, Forwarded`},
		"a proxy that is a name":         {with + "gateway: {trusted_proxies: [nginx]}\n", `sluice.yaml:2: gateway.trusted_proxies: "nginx" is neither an address nor a CIDR; write for example 192.0.2.7 or 192.0.2.0/24`},
		"a proxy with a zone":            {with + "gateway: {trusted_proxies: ['fe80::1%eth0']}\n", `sluice.yaml:2: gateway.trusted_proxies: "fe80::1%eth0" is neither an address nor a CIDR; write for example 192.0.2.7 or 192.0.2.0/24`},
		"a proxy with half a mask":       {with + "gateway: {trusted_proxies: [10.0.0.5/8]}\n", `sluice.yaml:2: gateway.trusted_proxies: "10.0.0.5/8" has bits behind its mask; write 10.0.0.0/8 or 10.0.0.5`},
		"a body limit that is too small": {with + "gateway: {body_limit: 1023}\n", `sluice.yaml:2: gateway.body_limit: 1023 is less than the minimum, 1KiB`},
		"a body limit that is too large": {with + "gateway: {body_limit: 33MiB}\n", `sluice.yaml:2: gateway.body_limit: 33MiB is more than the maximum, 32MiB`},
		"a timeout without a unit":       {with + "gateway: {read_timeout: 60}\n", `sluice.yaml:2: gateway.read_timeout: "60" is not a duration; write for example 30s, 15m or 24h`},
		"a timeout of nothing":           {with + "gateway: {read_timeout: 0s}\n", `sluice.yaml:2: gateway.read_timeout: 0s is less than the minimum, 1ms`},
		"a group with a space":           {with + "worker: {group: my group}\n", `sluice.yaml:2: worker.group: "my group" does not match ^[a-z0-9_-]{1,32}$`},
		"an intake that is neither":      {with + "worker: {intake: maybe}\n", `sluice.yaml:2: worker.intake: "maybe" is neither true nor false`},
		"two replicas":                   {with + "streams: {replicas: 2}\n", `sluice.yaml:2: streams.replicas: "2" is not one of 1, 3, 5`},
		"less than no shards":            {with + "streams: {shards: -1}\n", `sluice.yaml:2: streams.shards: -1 is less than the minimum, 0`},
		"half a lane":                    {with + "streams: {lanes: 0.5}\n", `sluice.yaml:2: streams.lanes: "0.5" is not a whole number`},
		"no address to listen on":        {with + "gateway: {listen: ''}\n", `sluice.yaml:2: gateway.listen: "" is not an address to listen on; write for example :8080 or 127.0.0.1:8080`},
		"a port that is none":            {with + "admin: {listen: ':70000'}\n", `sluice.yaml:2: admin.listen: ":70000" is not an address to listen on; write for example :8080 or 127.0.0.1:8080`},
		"events gone before the window":  {with + "streams:\n  events:\n    keep: 24h\n", `sluice.yaml:4: streams.events: keep is 24h0m0s (sluice.yaml:4), less than duplicate_window, 48h0m0s (the default)`},
		"an age below what is kept":      {with + "streams: {events: {max_age: 100h}}\n", `sluice.yaml:2: streams.events: max_age is 100h0m0s (sluice.yaml:2), less than keep, 168h0m0s (the default); 0 turns it off`},
		"kept beyond the greatest age":   {with + "streams: {notifications: {keep: 800h}}\n", `sluice.yaml:2: streams.notifications: max_age is 720h0m0s (the default), less than keep, 800h0m0s (sluice.yaml:2); 0 turns it off`},
		"a window longer than events":    {with + "streams: {events: {duplicate_window: 200h}}\n", `sluice.yaml:2: streams.events: keep is 168h0m0s (the default), less than duplicate_window, 200h0m0s (sluice.yaml:2)`},

		"an address that is not of NATS": {with + "nats: {url: 'http://hunter2@host'}\n", `sluice.yaml:2: nats.url: is not an address of NATS; write for example nats://127.0.0.1:4222`},
		"a password with a comma in it":  {with + "nats: {url: 'nats://user:12,34@host'}\n", `sluice.yaml:2: nats.url: is not an address of NATS; write for example nats://127.0.0.1:4222`},
		"a password without a user":      {with + "nats: {password: hunter2}\n", `sluice.yaml:2: nats.password: needs nats.user`},
		"a key without its certificate":  {with + "nats: {tls: {key_file: sluice.yaml}}\n", `sluice.yaml:2: nats.tls.key_file: needs nats.tls.cert_file`},
		"two ways to log in":             {with + "nats:\n  nkey_file: sluice.yaml\n  user: me\n", `sluice.yaml:3: nats.nkey_file: can't be set together with nats.user (sluice.yaml:4)`},
		"a file without a password":      {with + "nats: {user: me, password_file: /dev/null}\n", `sluice.yaml:2: nats.password_file: "/dev/null" is empty`},
		"a file that is not there":       {with + "nats: {credentials_file: me.creds}\n", `sluice.yaml:2: nats.credentials_file: "me.creds": no such file; create it or correct the path`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, got := load(t, test.yaml, config.Options{AllowMissingTokens: true}); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestWhatTheBrokenFileMayHoldIsNotCalledMissing(t *testing.T) {
	t.Parallel()
	_, got := load(t, "sources: {mine: {token: [", config.Options{Environ: []string{
		"SLUICE_SOURCES_MINE_TOKEN=" + token, "SLUICE_LOG_LEVEL=loud",
	}})
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, "SLUICE_LOG_LEVEL") {
		t.Errorf("got\n%s\nwant the fault of the syntax and of the level", got)
	}
}

func TestFaultsRepeatNoSecret(t *testing.T) {
	t.Parallel()
	const yaml = `nats:
  url: "postgres://user:hunter2@host"
  password: [hunter2]
  user: !hunter2
sources:
  green-api:
    auth: none
    token: hunter2
  other:
    provider: stripe
    token: {hunter2: hunter2}
    tokens: hunter2
    token_files: [hunter]
`
	_, got := load(t, yaml, config.Options{
		Environ: []string{"SLUICE_NATS_PASSWRD=hunter2", "SLUICE_NATS_PASSWORD=hunter2"},
		Flags:   map[string]string{"nats.url": "nats://hunter2@host", "sources.green-api.tokens": "hunter2", "nats.pasword": "hunter2"},
	})
	if strings.Contains(got, "hunter2") || strings.Count(got, "\n") < 8 {
		t.Errorf("got\n%s", got)
	}
}
